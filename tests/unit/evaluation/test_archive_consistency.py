"""Consistency of an archive's labels: exact multipoles pass, every kind of mistake is seen."""

import logging

import numpy as np
import pandas as pd
import pytest

from mepflow.evaluation.archive_consistency import LABEL_QUANTITIES, check_labels, label_differences
from mepflow.evaluation.differences import difference_table
from mepflow.evaluation.mbis_baselines import MBIS_FIELDS
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge, from_second_moment

COLUMNS = [quantity.column for quantity in LABEL_QUANTITIES]


@pytest.fixture
def table():
    """Three molecules of atoms made of point charges: the moments of all are the archive's."""
    rng = np.random.default_rng(8)
    molecules, columns = [], {name: [] for name in (*MBIS_FIELDS, "dipole", "quadrupole")}
    for index, name in enumerate(("a", "C[NH3+]", "ion:2")):
        n = 2 + index
        nuclei = rng.normal(scale=2.0, size=(n, 3)) + 5.0
        numbers = rng.integers(1, 36, n).astype(np.uint8)
        offsets, charges = rng.normal(size=(n, 4, 3)), rng.normal(size=(n, 4))
        charges += (index - charges.sum()) / charges.size  # total charge 0, 1, 2
        molecules.append(Molecule(name, numbers, nuclei, index))
        moments = np.einsum("aq,aqi,aqj->aij", charges, offsets, offsets)
        points = (nuclei[:, None] + offsets).reshape(-1, 3)
        points -= centre_of_nuclear_charge(numbers, nuclei)
        flat = charges.ravel()
        values = (
            charges.sum(axis=1),
            np.einsum("aq,aqi->ai", charges, offsets),
            from_second_moment(moments),
            flat @ points,
            from_second_moment(np.einsum("q,qi,qj->ij", flat, points, points)),
        )
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    properties = {k if k in MBIS_FIELDS else f"archive_{k}": v for k, v in columns.items()}
    return MoleculeTable.from_molecules(molecules, properties)


def test_exact_multipoles_of_neutral_and_charged_molecules_agree(table):
    frame = label_differences(table)
    assert list(frame.columns) == ["id", *COLUMNS]
    assert list(frame["id"]) == ["a", "C[NH3+]", "ion:2"]
    assert frame[COLUMNS].abs().to_numpy().max() < 1e-12


def test_differences_are_those_of_the_archive(table):
    table.properties["archive_dipole"][1] += [0.1, -0.3, 0.2]
    table.properties["archive_quadrupole"][2] += np.diag([0.1, 0.4, -0.5])
    table.properties[MBIS_FIELDS[0]][table.atoms(0)][0] -= 0.25
    values = label_differences(table).set_index("id")
    assert values.loc["C[NH3+]", COLUMNS[1]] == pytest.approx(0.3)
    assert values.loc["ion:2", COLUMNS[2]] == pytest.approx(0.5)
    assert values.loc["a", COLUMNS[0]] == pytest.approx(-0.25)


@pytest.mark.parametrize("factor", [1 / 3, 0.5, -1.0])
def test_another_convention_of_the_quadrupole_is_far_above_the_tolerance(table, factor):
    table.properties["archive_quadrupole"] *= factor
    rows = difference_table(label_differences(table), LABEL_QUANTITIES)
    assert rows["n_above_tolerance"].tolist() == [0, 0, 3]


def test_the_tolerance_of_a_quadrupole_is_reached_by_one_error_of_the_second_moment():
    """Errors of 3e-3 of the diagonal of Q, of alternating sign, make Θ′xx wrong by 4 times that."""
    error = from_second_moment(3e-3 * np.diag([1.0, -1.0, -1.0]))
    assert LABEL_QUANTITIES[2].tolerance == pytest.approx(np.abs(error).max())


def test_molecules_without_all_multipoles_are_counted_as_not_compared(table, tmp_path, caplog):
    table.properties[MBIS_FIELDS[2]][table.atoms(0)] = np.nan
    table.properties[MBIS_FIELDS[0]][table.atoms(1)] = np.nan
    table.save(tmp_path / "archive.h5")
    with caplog.at_level(logging.WARNING):
        check_labels(tmp_path / "archive.h5", tmp_path / "labels.csv")
    assert "2 of 3 molecules lack multipoles" in caplog.text
    assert caplog.text.rstrip().endswith("the first is a")
    rows = difference_table(pd.read_csv(tmp_path / "labels.csv"), LABEL_QUANTITIES)
    assert rows["n_structures"].tolist() == [2, 2, 1]
    assert rows["n_not_compared"].tolist() == [1, 1, 2]


def test_an_archive_without_mbis_is_not_checked(table):
    bare = MoleculeTable.from_molecules([table.molecule(k) for k in range(3)])
    rows = difference_table(label_differences(bare), LABEL_QUANTITIES)
    assert rows["n_structures"].tolist() == [0, 0, 0]
    assert rows["n_not_compared"].tolist() == [3, 3, 3]
    assert rows["largest_id"].tolist() == ["", "", ""]
