"""Differences between our reference and an archive's values."""

import numpy as np
import pandas as pd
import pytest

from mepflow.evaluation.archive_agreement import (
    AGREEMENT_QUANTITIES,
    compare_with_archive,
    reference_differences,
)
from mepflow.evaluation.differences import Quantity, difference_table
from mepflow.molecules import Molecule, MoleculeTable

LENGTH = "dipole_length_difference_e_bohr"


@pytest.fixture
def computed():
    """A diatomic and an atom, with a vector 3-4-0 and one of length 1."""
    molecules = [
        Molecule("HF", np.array([1, 9], np.uint8), np.array([[0.0, 0, 0], [0, 0, 1.7]])),
        Molecule("F", np.array([9], np.uint8), np.zeros((1, 3))),
    ]
    ours = {
        "energy": [-100.0, -99.5],
        "dipole": [[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]],
        "quadrupole": [np.diag([1.0, 1.0, -2.0]), np.zeros((3, 3))],
        "mulliken_charges": [[0.4, -0.4], [0.0]],
    }
    archive = {
        "archive_energy": [-100.001, -99.4],
        "archive_dipole_norm": [4.8, 1.5],
        "archive_mulliken_charges": [[0.3, -0.2], [0.05]],
    }
    return MoleculeTable.from_molecules(molecules, ours | archive)


def test_differences_of_an_archive_with_lengths_by_hand(computed):
    frame = reference_differences(computed).set_index("id")
    assert list(frame.columns) == ["energy_difference_hartree", LENGTH, "mulliken_difference_e"]
    np.testing.assert_allclose(frame.loc["HF"], [0.001, 0.2, 0.2], atol=1e-9)
    np.testing.assert_allclose(frame.loc["F"], [-0.1, -0.5, 0.05], atol=1e-9)


def test_differences_of_an_archive_with_vectors_and_quadrupoles(computed, tmp_path):
    table = computed.with_properties(
        archive_dipole=np.array([[3.0, -4.0, 0.1], [np.nan] * 3]),
        archive_quadrupole=np.stack([np.diag([1.5, 1.25, -2.75]), np.zeros((3, 3))]),
    )
    table.save(tmp_path / "computed.h5")
    compare_with_archive(tmp_path / "computed.h5", tmp_path / "agreement.csv")
    frame = pd.read_csv(tmp_path / "agreement.csv").set_index("id")
    assert LENGTH not in frame  # a sign that the length cannot see
    assert frame.loc["HF", "dipole_difference_e_bohr"] == pytest.approx(8.0)
    assert np.isnan(frame.loc["F", "dipole_difference_e_bohr"])
    assert frame["quadrupole_difference_e_bohr2"].tolist() == pytest.approx([0.75, 0.0])


def test_statistics_are_of_sizes_and_name_the_worst_molecule(computed):
    rows = difference_table(reference_differences(computed), AGREEMENT_QUANTITIES)
    assert rows["quantity"].tolist() == [
        "energy",
        "length of the dipole",
        "Mulliken charges, largest of the atoms",
    ]
    energy = rows.iloc[0]
    assert energy["unit"] == "hartree"
    assert energy["median"] == pytest.approx((0.001 + 0.1) / 2)
    assert energy["percentile_95"] == pytest.approx(0.001 + 0.95 * 0.099)
    assert energy["largest"] == pytest.approx(0.1)
    assert (energy["largest_id"], energy["n_structures"], energy["n_not_compared"]) == ("F", 2, 0)
    assert pd.isna(energy["tolerance"])


def test_only_what_is_above_the_tolerance_counts():
    frame = pd.DataFrame({"id": ["a", "b", "c"], "x": [0.1, -0.3, np.nan]})
    row = difference_table(frame, [Quantity("x", "x", "e", 0.1)]).iloc[0]
    assert (row["n_above_tolerance"], row["largest_id"], row["n_not_compared"]) == (1, "b", 1)
