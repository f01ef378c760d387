"""Charges that the points around a molecule do not see: buried atoms are named.

In a cubic lattice of carbon atoms, less than two radii apart, the inner ones are buried.
"""

from itertools import product

import numpy as np
import pytest

from mepflow.charges.restrained_fit import Equations
from mepflow.charges.schemes import SCHEMES
from mepflow.electrostatics.charge_fit import equivalent_charges, undetermined
from mepflow.geometry.grids import grid_points
from mepflow.molecules import Molecule
from mepflow.prediction.csv_tables import Surroundings, all_warnings, molecule_rows
from mepflow.prediction.input_batch import read_structures
from mepflow.prediction.result import Prediction
from mepflow.prediction.structures import Structure

GRID = {"kind": "shells", "scales": [1.4, 1.6, 1.8, 2.0], "points_per_angstrom2": 1.0}
SPACING_BOHR = 2.9


def lattice(edge: int) -> Molecule:
    places = np.array(list(product(range(edge), repeat=3)), dtype=float)
    return Molecule(f"lattice {edge}", np.full(len(places), 6, np.uint8), SPACING_BOHR * places)


def inner_atoms(edge: int) -> list[int]:
    every = product(range(edge), repeat=3)
    return [n for n, place in enumerate(every) if min(place) > 0 and max(place) < edge - 1]


def prediction_of(molecule: Molecule, scheme: str) -> Prediction:
    rng = np.random.default_rng(5)
    n = len(molecule)
    return Prediction(
        molecule, np.zeros(3), np.zeros((1, n)), rng.normal(0.0, 0.1, (1, n, 3)), np.zeros((1, 3)),
        np.zeros((1, 3, 3)), charge_scheme=scheme,
    )  # fmt: skip


@pytest.mark.parametrize("edge", [2, 3, 4])
def test_the_atoms_inside_are_those_that_are_not_seen(edge: int) -> None:
    molecule = lattice(edge)
    points = grid_points(GRID, molecule.atomic_numbers, molecule.positions)
    dipoles = np.random.default_rng(5).normal(0.0, 0.1, (1, len(molecule), 3))
    equations = Equations.of(points, molecule.positions, np.zeros(len(points)))
    nothing = np.zeros((1, len(molecule)))
    by_dipoles = equivalent_charges(points, molecule.positions, nothing, dipoles).undetermined
    for found in (undetermined(equations.matrix), by_dipoles):
        assert found.combinations == len(inner_atoms(edge))
        assert sorted(found.atoms) == inner_atoms(edge)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_molecule_with_a_buried_atom_is_warned_of(scheme: str) -> None:
    molecule = lattice(3)
    prediction = prediction_of(molecule, scheme)
    around = Surroundings.of(prediction, GRID)
    (said,) = all_warnings(prediction, around)
    assert said == (
        "the potential around it leaves 1 combination of its charges open, those of buried atoms "
        "(C14): these charges mean nothing one by one"
    )
    (row,) = molecule_rows([Structure(molecule, "a file", "read")], [prediction], [around])
    assert row["charges_undetermined"] == 1
    assert said in row["warnings"]
    assert not all_warnings(prediction, None)


def test_usual_molecules_have_none() -> None:
    for structure in read_structures([], ["CC(C)(C)C", "OCC", "C1C2CC3CC1CC(C2)C3"]):
        prediction = prediction_of(structure.molecule, "symmetric")
        assert prediction.undetermined_charges == (0, ())
