"""Many models in one job: each one's files are those it would have alone."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch

from mepflow.errors import InputError
from mepflow.evaluation.mep_errors import COLUMNS, WITH_PENETRATION, evaluate_mep
from mepflow.evaluation.model_evaluation import Evaluation, evaluate_models, evaluations_of
from mepflow.evaluation.multipole_errors import evaluate_multipoles
from mepflow.models.model_file import save_model
from mepflow.models.multipole_model import MultipoleModel
from mepflow.models.variants import Variant
from mepflow.molecules import MoleculeTable
from mepflow.nn.pinet2.pinet2_settings import PiNet2Settings

NETWORK: dict[str, Any] = {
    "rank": 3,
    "depth": 1,
    "nodes": 4,
    "cutoff_angstrom": 4.5,
    "cutoff_function": "f1",
    "basis": "gaussian",
    "n_basis": 3,
    "gamma_per_angstrom2": 3.0,
    "weighted": False,
    "elements": (1, 6, 7, 8),
}
ROWS: dict[str, dict[str, Any]] = {
    "AC-D": {
        "atomic_terms": ["charges"],
        "loss_weights": {"dipole": 1.0, "quadrupole": 0.0},
        "quadrupole_from": "charges",
    },
    "AC-AD-DQ-c": {
        "atomic_terms": ["charges", "dipoles"],
        "loss_weights": {"dipole": 1.0, "quadrupole": 1.0},
        "quadrupole_from": "all",
    },
}


@pytest.fixture
def evaluations(tmp_path: Path) -> list[Evaluation]:
    """Two variants, untrained."""
    found = []
    for seed, (name, row) in enumerate(ROWS.items()):
        folder = tmp_path / name
        folder.mkdir()
        variant = Variant.from_row(name, row)
        torch.manual_seed(seed)
        settings = PiNet2Settings.from_dict({**NETWORK, "outputs": variant.outputs})
        model = MultipoleModel(settings, variant)
        save_model(folder / "model.pt", model, model.state_dict(), {"seed": seed})
        names = ("model.pt", "predictions.h5", "mep.csv", "multipoles.csv")
        found.append(Evaluation(*(folder / file for file in names)))
    return found


def test_each_model_has_its_own_predictions_and_errors(system, evaluations, tmp_path):
    evaluate_models(evaluations, system.reference, system.splits, "cpu")
    for files, (seed, name) in zip(evaluations, enumerate(ROWS), strict=True):
        table = MoleculeTable.load(files.predictions)
        assert table.metadata == {"name": name, "seed": seed}
        assert table.ids == system.table.ids
        for evaluate, path in ((evaluate_mep, files.mep), (evaluate_multipoles, files.multipoles)):
            alone = tmp_path / "alone.csv"
            evaluate(files.predictions, system.reference, alone)
            assert path.read_bytes() == alone.read_bytes()
    first, second = (pd.read_csv(files.mep) for files in evaluations)
    assert not first["rmse_kcal_per_mol_e"].equals(second["rmse_kcal_per_mol_e"])


def test_a_model_alone_gives_the_same_files(system, evaluations):
    def contents(files: Evaluation) -> list[bytes]:
        return [path.read_bytes() for path in (files.mep, files.multipoles)]

    evaluate_models(evaluations, system.reference, system.splits, "cpu")
    together = contents(evaluations[1])
    evaluate_models(evaluations[1:], system.reference, system.splits, "cpu")
    assert contents(evaluations[1]) == together


def test_molecules_of_another_data_set_may_all_be_known(system, evaluations, tmp_path):
    known = tmp_path / "known.csv"
    known.write_text("\n".join(["id", *system.table.ids, ""]))
    evaluate_models(evaluations, system.reference, system.splits, "cpu", known=known)
    for files in evaluations:
        assert files.mep.read_text() == ",".join(COLUMNS) + "\n"


def test_the_errors_with_penetration_are_written(system, evaluations, widths):
    evaluate_models(evaluations, system.reference, system.splits, "cpu", widths=widths)
    for files in evaluations:
        again = files.mep.with_name("again.csv")
        evaluate_mep(files.predictions, system.reference, again, widths)
        assert files.mep.read_bytes() == again.read_bytes()
        assert WITH_PENETRATION in pd.read_csv(again)


def test_test_molecules_without_a_reference_are_named(system, evaluations):
    system.table = system.table.select([])
    system.save()
    with pytest.raises(InputError, match="leaves no test molecule"):
        evaluate_models(evaluations, system.reference, system.splits, "cpu")


def test_the_files_of_a_job_belong_together_by_their_order():
    file: Callable[[str], list[str]] = lambda name: [f"a/{name}", f"b/{name}"]  # noqa: E731
    outputs = SimpleNamespace(predictions=file("p"), mep=file("m"), multipoles=file("q"))
    assert evaluations_of(file("model"), outputs) == [
        Evaluation(*(Path(folder, name) for name in ("model", "p", "m", "q")))
        for folder in ("a", "b")
    ]
    with pytest.raises(ValueError, match="longer"):
        evaluations_of(["a/model"], outputs)
