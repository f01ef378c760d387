"""Today's program reads what earlier versions wrote, and refuses what is newer in one sentence."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from mepflow.errors import InputError, MepflowError, StateError
from mepflow.evaluation.model_evaluation import Evaluation, evaluate_models
from mepflow.evaluation.sources import read_sources, sources_of
from mepflow.geometry.stored_grids import metric_grids
from mepflow.models.model_file import load_model
from mepflow.molecules import MoleculeTable
from mepflow.qm.reference_record import PROPERTIES
from mepflow.runs.provenance import read_record, record_path
from mepflow.runs.results_folder import check_results_folder, claim_results_folder
from mepflow.runs.status import State, read_plan, status
from mepflow.selection.splits import TEST, read_splits, rows_in_split
from mepflow.selection.verdicts import kept_rows, read_funnel, read_verdicts
from mepflow.storage.journal import Journal
from mepflow.storage.tensor_file import read_tensor_file
from mepflow.training import checkpoint

SAMPLES = sorted(path for path in Path(__file__).parent.iterdir() if (path / "results").is_dir())
CONFIG = {"name": "tiny", "datasets": {"qm9": {"archive": "tiny"}}}
IDS = [f"gdb_{k:06d}" for k in range(1, 12)]
REFERENCE = "qm9/reference/reference.h5"
JOURNAL = "qm9/reference/state/1/molecules.journal"
MODEL = "qm9/models/AC-D/seed-1/model.pt"
STATE = "qm9/models/AC-D/seed-1/state"


@pytest.fixture(params=SAMPLES, ids=lambda path: path.name)
def results(request, tmp_path) -> Path:
    """Return a copy of a stored results folder."""
    return Path(shutil.copytree(request.param / "results", tmp_path / "results"))


def test_there_are_samples() -> None:
    assert [path.name for path in SAMPLES] == ["0.1.0"]


def test_the_folder_belongs_to_its_run(results) -> None:
    config = CONFIG | {"results": str(results)}
    check_results_folder(config)
    with pytest.raises(StateError, match="holds the results of run 'tiny'"):
        check_results_folder(config | {"name": "other"})
    claim_results_folder(config)
    check_results_folder(config)


def test_the_plan_and_the_records(results) -> None:
    jobs = status(read_plan(results))
    finished = {job.rule for job in jobs if job.state is State.FINISHED}
    assert {"split_molecules", "train_model"} <= finished
    records = sorted(results.rglob("*.provenance.json"))
    assert len(records) == 8
    for path in records:
        outputs = read_record(path)["outputs"]
        assert path in [record_path(results.parent / output) for output in outputs]
    training = read_record(results / f"{MODEL}.provenance.json")
    assert training["params"]["variant"]["loss_weights"]["dipole"] == 1.0


def test_the_tables_of_molecules(results) -> None:
    candidates = MoleculeTable.load(results / "qm9/molecules/candidates.h5")
    reference = MoleculeTable.load(results / REFERENCE)
    assert candidates.ids == IDS
    assert reference.ids == [name for name in IDS if name != "gdb_000004"]
    assert metric_grids(reference) == ["chelpg", "mk", "shell"]
    # Methane, LDA in a minimal basis, in hartree.
    assert reference.properties["energy"][0] == pytest.approx(-39.62410164, abs=1e-8)
    origin = reference.properties["origin"][0]
    charges, places = reference.molecule(0).atomic_numbers, reference.molecule(0).positions
    np.testing.assert_allclose(origin, charges @ places / charges.sum(), atol=1e-9)


def test_the_journal_of_a_shard_holds_what_the_table_holds(results) -> None:
    reference = MoleculeTable.load(results / REFERENCE)
    content = (results / JOURNAL).read_bytes()
    records = Journal(results / JOURNAL).read()
    assert (results / JOURNAL).read_bytes() == content
    rows = [reference.ids.index(name) for name in IDS[1::2] if name in reference.ids]
    computed = [record for record in records if not str(record["failure"])]
    assert len(computed) == len(rows) == 4
    for row, record in zip(rows, computed, strict=True):
        for name in PROPERTIES:
            np.testing.assert_array_equal(record[name], reference.property_of(name, row))
        if "points/mk" in record:
            np.testing.assert_array_equal(record["mep/mk"], reference.grids["mk"].of(row)[1])


@pytest.mark.parametrize("variant", ["AC-D", "AC-AD-DQ-dw100-c"])
def test_a_model_predicts_what_it_did(results, tmp_path, variant) -> None:
    folder = results / f"qm9/models/{variant}/seed-1"
    files = Evaluation(folder / "model.pt", *(tmp_path / name for name in ("p.h5", "m", "d")))
    splits = results / "qm9/molecules/splits.csv"
    evaluate_models([files], results / REFERENCE, splits, "cpu")
    before, after = (
        MoleculeTable.load(path) for path in (folder / "predictions.h5", tmp_path / "p.h5")
    )
    assert after.ids == before.ids
    for name, values in before.properties.items():
        np.testing.assert_allclose(after.properties[name], values, atol=2e-6)
    for stored, made in (
        (folder / "mep.csv", files.mep),
        (folder / "multipoles.csv", files.multipoles),
    ):
        one, other = pd.read_csv(stored), pd.read_csv(made)
        assert list(one) == [name for name in other if name != "molecule"]
        numbers = one.select_dtypes("number")
        np.testing.assert_allclose(other[numbers.columns], numbers, rtol=1e-4, atol=1e-5)


def test_a_checkpoint_of_a_finished_training(results) -> None:
    fingerprint = read_tensor_file(results / STATE / checkpoint.FILE_NAME)["fingerprint"]
    found = checkpoint.load(results / STATE, fingerprint)
    assert found is not None
    assert (found.step, found.delivered, len(found.rows)) == (20, True, 2)
    assert [row["step"] for row in found.rows] == [10, 20]
    weights = read_tensor_file(results / MODEL)["state"]
    assert all(torch.equal(found.best_model[name], values) for name, values in weights.items())
    assert checkpoint.load(results / STATE, "of another configuration") is None


def test_the_csv_files(results) -> None:
    splits = read_splits(results / "qm9/molecules/splits.csv")
    assert list(splits["id"]) == IDS
    assert list(rows_in_split(IDS, results / "qm9/molecules/splits.csv", TEST)) == [0, 1, 2]
    verdicts = read_verdicts(results / "qm9/reference/verdicts.csv")
    candidates = MoleculeTable.load(results / "qm9/molecules/candidates.h5")
    assert kept_rows(candidates, verdicts, results) == [0, 1, 2, *range(4, 11)]
    assert read_funnel(results / "qm9/reference/funnel.csv")["remaining"].iloc[-1] == 10
    errors = read_sources(sources_of(sorted(results.glob("qm9/*/**/mep.csv"))[:3]))
    assert set(errors["name"]) == {"AC-D", "AC-AD-DQ-dw100-c", "fitted-charges"}
    assert list(errors["molecule"]) == list(errors["id"])


def newer_json(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))


def newer_table(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 99


def newer_tensors(path: Path) -> None:
    torch.save(read_tensor_file(path) | {"format_version": 99}, path)


def newer_journal(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"mepflow1", b"mepflow9"))


NEWER: dict[str, tuple[Callable[[Path], None], Callable[[Path], object]]] = {
    "run.json": (newer_json, lambda path: check_results_folder(CONFIG | {"results": path.parent})),
    f"{REFERENCE}.provenance.json": (newer_json, read_record),
    REFERENCE: (newer_table, MoleculeTable.load),
    JOURNAL: (newer_journal, lambda path: Journal(path).read()),
    MODEL: (newer_tensors, lambda path: load_model(path, "cpu")),
    f"{STATE}/checkpoint.pt": (newer_tensors, lambda path: checkpoint.load(path.parent, "")),
}


@pytest.mark.parametrize("name", NEWER)
def test_what_is_newer_says_so_and_stays(results, name) -> None:
    change, read = NEWER[name]
    path = results / name
    change(path)
    content = path.read_bytes()
    with pytest.raises(MepflowError, match=re.escape(f"{path} is newer than this program (")) as it:
        read(path)
    assert isinstance(it.value, InputError | StateError)
    assert "version 9" in str(it.value)
    assert "\n" not in str(it.value)
    assert path.read_bytes() == content
