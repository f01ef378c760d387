"""The shards of a reference joined, with the verdicts before and after it."""

import numpy as np
import pandas as pd
import pytest

from mepflow.collection import collect_verdicts, merge_verdicts
from mepflow.errors import InputError, StateError
from mepflow.filters import COLUMNS, filter_after_reference, read_verdicts
from mepflow.molecules import Molecule, MoleculeTable

DEBYE = 1 / 2.541746473  # in e bohr


def reference_table(**rows):
    """Return a reference with rows id=(converged, our dipole in D, the archive's in D, failure)."""
    molecules = [Molecule(key, np.array([8], np.uint8), np.zeros((1, 3))) for key in rows]
    direction = np.array([2.0, -1.0, 2.0]) / 3.0
    return MoleculeTable.from_molecules(
        molecules,
        {
            "scf_converged": [row[0] for row in rows.values()],
            "dipole": [row[1] * DEBYE * direction for row in rows.values()],
            "archive_dipole_norm": [row[2] * DEBYE for row in rows.values()],
            "quadrupole": [np.eye(3) * (row[1] * 0 + 1) for row in rows.values()],
        },
    ).with_texts(failure=[row[3] for row in rows.values()])


NAN = float("nan")
REFERENCE = reference_table(
    gdb_000001=(1, 1.85, 1.8595, ""),
    gdb_000002=(1, 1.85, 1.8605, ""),
    gdb_000003=(1, 1.8605, 1.85, ""),
    gdb_000004=(0, NAN, 1.85, "no convergence in 200 cycles"),
    gdb_000005=(0, 1.85, 1.85, ""),
    gdb_000006=(1, NAN, 1.85, ""),
    gdb_000007=(1, 1.85, NAN, ""),
    gdb_000008=(1, 0.0, 0.0, ""),
)


@pytest.fixture
def references(tmp_path):
    """Two shards in another order than the candidates' verdicts, which are written beside them."""
    paths = [tmp_path / "1.h5", tmp_path / "0.h5"]
    REFERENCE.select([7, 3, 4, 0]).save(paths[0])
    REFERENCE.select([6, 1, 2, 5]).save(paths[1])
    before = pd.DataFrame(
        [(key, "kept", "", "") for key in REFERENCE.ids]
        + [("gdb_000000", "rejected", "smiles_changed", "CO became CN")],
        columns=list(COLUMNS),
    )
    before.to_csv(tmp_path / "candidates.csv", index=False)
    return paths


def collect(tmp_path, paths, tolerance=0.01):
    collect_verdicts(
        paths,
        tmp_path / "candidates.csv",
        tolerance,
        tmp_path / "reference.h5",
        tmp_path / "verdicts.csv",
    )
    return read_verdicts(tmp_path / "verdicts.csv")


def test_shards_are_joined_filtered_and_sorted(tmp_path, references):
    verdicts = collect(tmp_path, references)
    assert list(verdicts["id"]) == [f"gdb_{number:06d}" for number in range(9)]
    assert list(verdicts["reason"][:3]) == ["smiles_changed", "", "dipole_mismatch"]
    kept = MoleculeTable.load(tmp_path / "reference.h5")
    assert kept.ids == ["gdb_000001", "gdb_000008"]
    np.testing.assert_array_equal(
        kept.properties["dipole"], REFERENCE.select([0, 7]).properties["dipole"]
    )


def test_the_shards_order_changes_nothing(tmp_path, references):
    outcomes = set()
    for paths in (references, references[::-1]):
        collect(tmp_path, paths)
        outcomes.add(
            tuple((tmp_path / name).read_bytes() for name in ("reference.h5", "verdicts.csv"))
        )
    assert len(outcomes) == 1


def test_shards_that_do_not_fit_the_candidates_are_refused(tmp_path, references):
    for paths, key in (
        (references[:1], "gdb_000002"),
        ([*references, references[0]], "gdb_000001"),
    ):
        with pytest.raises(StateError, match=f"{key} is missing, foreign or repeated"):
            collect(tmp_path, paths)
    before = read_verdicts(tmp_path / "candidates.csv")
    with pytest.raises(StateError, match="gdb_000008 is missing, foreign"):
        merge_verdicts(before.iloc[:-2], filter_after_reference(REFERENCE, 0.01))


def test_no_reference_left_names_the_counts(tmp_path, references):
    REFERENCE.select([1, 3]).save(references[0])
    frame = read_verdicts(tmp_path / "candidates.csv")
    ids = ["gdb_000000", "gdb_000002", "gdb_000004"]
    frame[frame["id"].isin(ids)].to_csv(tmp_path / "candidates.csv", index=False)
    with pytest.raises(
        InputError, match=r"1 smiles_changed, 1 scf_not_converged, 1 dipole_mismatch"
    ):
        collect(tmp_path, references[:1])
    assert not (tmp_path / "reference.h5").exists()
