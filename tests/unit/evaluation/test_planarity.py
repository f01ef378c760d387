"""Classes of molecules, with planes known beforehand."""

import numpy as np
import pytest

from mepflow.evaluation.planarity import AROMATIC, OTHER, PLANAR, class_of, largest_deviation
from mepflow.molecules import Molecule
from mepflow.units import ANGSTROM_IN_BOHR

SQUARE = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])

PUCKER = np.array([[0, 0, 0.2], [0, 0, -0.2], [0, 0, 0.2], [0, 0, -0.2]])


def molecule(positions, smiles, hydrogens=()):
    numbers = [6] * len(positions) + [1] * len(hydrogens)
    atoms = np.array([*positions, *hydrogens]) * ANGSTROM_IN_BOHR
    return Molecule("a", np.array(numbers, np.uint8), atoms, 0, smiles)


@pytest.mark.parametrize("height", [0.0, 0.05, 0.3])
def test_the_deviation_is_from_the_best_plane(height):
    """Up and down by turns: no plane is nearer than the middle one, in any frame."""
    folded = SQUARE + height / 0.2 * PUCKER
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    moved = (folded @ turn.T + 7.0) * ANGSTROM_IN_BOHR
    assert largest_deviation(moved) == pytest.approx(height, abs=1e-12)


@pytest.mark.parametrize(
    ("positions", "smiles", "expected"),
    [
        (SQUARE, "c1ccsc1", AROMATIC),
        (SQUARE, "C=CC=C", PLANAR),
        (SQUARE[:3], "C=C=C", OTHER),
        (SQUARE + PUCKER, "C1CCC1", OTHER),
        (SQUARE + PUCKER, "c1ccsc1", AROMATIC),
    ],
)
def test_classes(positions, smiles, expected):
    assert class_of(molecule(positions, smiles)) == expected


def test_hydrogens_out_of_the_plane_do_not_count():
    assert class_of(molecule(SQUARE, "CC(N)=O", [[1.0, 0.0, 1.0]])) == PLANAR
