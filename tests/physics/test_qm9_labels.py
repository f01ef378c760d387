"""QM9's own lengths of dipoles and Mulliken charges are labels: training needs no calculation."""

import csv
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mepflow.archives.qm9_table import read_archive
from mepflow.models.variants import Variant
from mepflow.molecules import MoleculeTable
from mepflow.qm.collection import with_archive_labels
from mepflow.selection.splits import TRAIN, VALIDATION, rows_in_split
from mepflow.training.labels import label_fields
from mepflow.training.run import train
from mepflow.units import E_BOHR_IN_DEBYE
from training_case import NETWORK, TRAINING

ROOT = Path(__file__).parents[2]
EMBEDDED = ROOT / "resources" / "embedded" / "dsgdb9nsd.xyz.tar.bz2"
RAW = ROOT.parent / "shared" / "data" / "qm9" / "raw"
ARCHIVES = [
    pytest.param(EMBEDDED, id="embedded"),
    pytest.param(
        RAW, id="raw", marks=pytest.mark.skipif(not RAW.exists(), reason="needs QM9's files")
    ),
]
TEST = 3
ROW: dict[str, Any] = {
    "atomic_terms": ["charges"],
    "loss_weights": {"dipole_norm": 1.0, "charges": 10.0},
    "charges_like": "mulliken",
    "quadrupole_from": "charges",
}


def texts(archive: Path) -> Iterator[str]:
    """Yield the records of an archive as they are."""
    if archive.is_dir():
        yield from (path.read_text() for path in sorted(archive.glob("*.xyz")))
        return
    with tarfile.open(archive) as file:
        for member in file.getmembers():
            content = file.extractfile(member)
            assert content is not None
            yield io.TextIOWrapper(content).read()


def labels_of(record: str) -> tuple[str, float, list[float]]:
    """Return key, length of the dipole in debye and charges in e of a record's text."""
    count, properties, *lines = record.splitlines()
    fields = properties.split()
    charges = [number(line.split()[4]) for line in lines[: int(count)]]
    return f"gdb_{int(fields[1]):06d}", number(fields[5]), charges


def number(text: str) -> float:
    """Return a number as QM9 writes it: with *^ for a power of ten, and stars where none fits."""
    return float("nan") if set(text) == {"*"} else float(text.replace("*^", "e"))


def reference_of(folder: Path, archive: Path) -> MoleculeTable:
    """Write reference and splits as a run with ``labels: archive`` does; return the reference.

    Only the test molecules have vectors, which stand for those of a calculation.
    """
    read_archive(archive, folder / "archive.h5", folder / "rejected.csv")
    table = MoleculeTable.load(folder / "archive.h5").sorted_by_id()
    computed = table.select(range(TEST))
    vectors = {"dipole": np.ones((TEST, 3)), "quadrupole": np.zeros((TEST, 3, 3))}
    charges = np.zeros(len(computed.positions))
    computed = computed.with_properties(**vectors, mulliken_charges=charges)
    reference = with_archive_labels(table, computed)
    reference.save(folder / "reference.h5")
    split_of = ["test"] * TEST + ["validation"] * 4 + ["train"] * (len(table) - TEST - 4)
    rows = [f"{key},{split},0" for key, split in zip(table.ids, split_of, strict=True)]
    (folder / "splits.csv").write_text("\n".join(["id,split,showcase", *rows, ""]))
    return reference


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_training_learns_the_numbers_of_the_records(tmp_path: Path, archive: Path) -> None:
    reference = reference_of(tmp_path, archive)
    learned = [
        row
        for split in (TRAIN, VALIDATION)
        for row in rows_in_split(reference.ids, tmp_path / "splits.csv", split)
    ]
    table = reference.select(learned)
    variant = Variant.from_row("AC-N-q10", ROW)
    fields = label_fields(table, variant, archive)
    assert fields == {"dipole_norm": "archive_dipole_norm", "charges": "archive_mulliken_charges"}
    known = {key: (length, charges) for key, length, charges in map(labels_of, texts(archive))}
    for row, key in enumerate(table.ids):
        length, charges = known[key]
        found = table.properties["archive_dipole_norm"][row] * E_BOHR_IN_DEBYE
        assert found == pytest.approx(length, abs=1e-12)
        np.testing.assert_array_equal(table.property_of(fields["charges"], row), charges)
    log = tmp_path / "training.csv"
    train(
        reference=tmp_path / "reference.h5",
        splits=tmp_path / "splits.csv",
        variant=variant,
        network=NETWORK,
        training=TRAINING | {"steps": 4, "validation_interval": 2},
        seed=1,
        state_folder=tmp_path / "state",
        model_path=tmp_path / "model.pt",
        log_path=log,
    )
    with log.open() as file:
        first = next(csv.DictReader(file))
    assert float(first["validation_charges_rmse_e"]) > 0.0
    assert not any("dipole_rmse" in column for column in first)  # there are no vectors to learn
