"""A file of labels read as an archive, by the reader of references."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_label_file import EMPTY, GRIDS, LEVELS, failure, record

from mepflow.archives.label_file import write_labels
from mepflow.archives.label_packing import with_records
from mepflow.archives.label_set import LabelSet
from mepflow.archives.labelled_table import read_archive
from mepflow.errors import ConfigError, InputError, MepflowError
from mepflow.molecules import MoleculeTable

LABELS = ("dipole", "quadrupole", "energy", "forces", "mulliken_charges", "mbis_charges", "mep")
GRID = GRIDS["mk"] | {"molecules": "test"}


def in_set(identifier: str, split: str, seed: int) -> dict[str, Any]:
    """Return a record whose molecule the set puts into a split."""
    geometry = json.loads(record(identifier, seed)["geometry"].item()) | {"split": split}
    return record(identifier, seed, geometry=json.dumps(geometry))


@pytest.fixture
def labels() -> LabelSet:
    records = [in_set("a", "test", 1), in_set("b", "train", 2), failure("c")]
    return with_records(EMPTY, records)


def ingest(labels: LabelSet, folder: Path, **options: Any) -> tuple[MoleculeTable, list[Any]]:
    write_labels(folder / "labels.h5", labels)
    chosen = {"labels": LABELS, "level": LEVELS[0], "grids": {"mk": GRID}} | options
    read_archive(folder / "labels.h5", folder / "archive.h5", folder / "rejected.csv", **chosen)
    rejected = pd.read_csv(folder / "rejected.csv", keep_default_na=False)
    return MoleculeTable.load(folder / "archive.h5"), [tuple(row) for row in rejected.to_numpy()]


def test_labels_are_the_archives(labels: LabelSet, tmp_path: Path) -> None:
    table, rejected = ingest(labels, tmp_path, expected_records=2)
    assert table.ids == ["a", "b"]
    assert rejected == [("failed c", "c", "SCF not converged")]
    assert table.texts["archive_split"] == ["test", "train"]
    assert table.texts["molecule"] == table.smiles == ["O", "O"]
    assert table.texts["archive_subset"] == ["neutral"] * 2
    for index, seed in enumerate((1, 2)):
        expected = record("x", seed)
        for name in ("energy", "dipole", "quadrupole"):
            np.testing.assert_array_equal(
                table.property_of(f"archive_{name}", index), expected[name]
            )
        for name in ("mulliken_charges", "mbis_charges", "mbis_dipoles", "gradient"):
            np.testing.assert_array_equal(
                table.property_of(f"archive_{name}", index), expected[name].astype(np.float32)
            )
        xx, yy, zz, xy, xz, yz = expected["mbis_second_moments"].astype(np.float32).T
        quadrupole = table.property_of("archive_mbis_quadrupoles", index)
        np.testing.assert_allclose(quadrupole[:, 0, 0], 2 * xx - yy - zz, atol=1e-6)
        np.testing.assert_allclose(quadrupole[:, 2, 1], 3 * yz, atol=1e-6)
        np.testing.assert_allclose(quadrupole[:, 0, 1], 3 * xy, atol=1e-6)
        np.testing.assert_allclose(quadrupole[:, 0, 2], 3 * xz, atol=1e-6)
        points, values = table.grids["mk"].of(index)
        step = np.ptp(expected["mep/mk"]) / (2**16 - 2)
        assert np.abs(values - expected["mep/mk"]).max() <= 0.51 * step
        assert points.shape == (len(values), 3)


def test_level_and_grids_are_checked_before_points_are_made(
    labels: LabelSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LabelSet, "to_table", None)
    with pytest.raises(ConfigError, match="its 'grid_level' is 3, not 4"):
        ingest(labels, tmp_path, level={"grid_level": 4})
    with pytest.raises(ConfigError, match="the 'scales' of its grid mk is"):
        ingest(labels, tmp_path, grids={"mk": GRID | {"scales": [1.0]}})
    with pytest.raises(InputError, match="no potential on the grid chelpg"):
        ingest(labels, tmp_path, grids={"chelpg": GRID})


@pytest.mark.parametrize("levels", [[], [3], ["x"]])
def test_a_set_without_a_level_is_one_sentence(
    labels: LabelSet, tmp_path: Path, levels: Any
) -> None:
    object.__setattr__(labels, "levels", levels)
    with pytest.raises(MepflowError, match=r"does not say its level of theory|is damaged"):
        ingest(labels, tmp_path)


def test_only_the_wanted_potentials_are_made(labels: LabelSet, tmp_path: Path) -> None:
    table, _ = ingest(labels, tmp_path, level=None, grids={})
    assert table.grids == {}
