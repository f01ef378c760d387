"""Bonds that are drawn, from distances alone."""

import numpy as np
import pytest

from mepflow.elements import ATOMIC_NUMBERS
from mepflow.geometry.bonds import bonds, bonds_of_each, n_parts


def place(symbols_and_positions):
    """Return atomic numbers and positions (n, 3) in Å of atoms given as ("C", x, y)."""
    numbers = np.array([ATOMIC_NUMBERS[name] for name, *_ in symbols_and_positions], np.uint8)
    return numbers, np.array([[x, y, 0.0] for _, x, y in symbols_and_positions])


@pytest.mark.parametrize(
    ("atoms", "expected"),
    [
        # Two iodine atoms at one carbon (3.5 Å apart) are no bond, two sulphur atoms at 2.2 Å are.
        ([("C", 0, 0), ("I", 1.75, 1.2), ("I", -1.75, 1.2)], [(0, 1), (0, 2)]),
        ([("S", 0, 0), ("S", 2.2, 0)], [(0, 1)]),
        # P–O–P: 2.6 Å between the phosphorus atoms.
        ([("O", 0, 0), ("P", 1.3, 0.9), ("P", -1.3, 0.9)], [(0, 1), (0, 2)]),
        # A sodium ion 2.3 Å from an oxygen atom, and a bromide ion by an ammonium's hydrogen.
        ([("O", 0, 0), ("Na", 2.3, 0), ("C", -1.25, 0)], [(0, 2)]),
        ([("N", 0, 0), ("H", 1.05, 0), ("Br", 3.2, 0)], [(0, 1)]),
        (
            [("C", 0, 0), ("O", 1.21, 0), ("H", -0.59, 0.92), ("H", -0.59, -0.92)],
            [(0, 1), (0, 2), (0, 3)],
        ),
        ([("C", 0, 0), ("Br", 1.95, 0), ("Cl", -1.8, 0)], [(0, 1), (0, 2)]),
    ],
)
def test_bonds_of_light_and_heavy_elements_and_ions(atoms, expected):
    assert bonds(*place(atoms)) == expected


def test_bonds_of_molecules_one_after_the_other():
    """All stand at the same place, and each counts its own atoms from 0."""
    water = [("O", 0, 0), ("H", 0.96, 0), ("H", -0.24, 0.93)]
    helium = [("He", 0, 0)]
    ethyne = [("H", -1.66, 0), ("C", -0.6, 0), ("C", 0.6, 0), ("H", 1.66, 0)]
    molecules = [helium, water, helium, ethyne, water, helium]
    numbers, positions = (
        np.concatenate(parts) for parts in zip(*map(place, molecules), strict=True)
    )
    found = bonds_of_each(numbers, positions, [len(atoms) for atoms in molecules])
    assert found == [[], [(0, 1), (0, 2)], [], [(0, 1), (1, 2), (2, 3)], [(0, 1), (0, 2)], []]
    assert found == [bonds(*place(atoms)) for atoms in molecules]


@pytest.mark.parametrize(("factor", "parts"), [(1.25, 3), (1.48, 2), (2.2, 1), (0.5, 5)])
def test_parts_that_close_neighbours_join(factor, parts):
    """Two H–O at 0.96 Å; the oxygen atoms stand 2.0 Å apart, a hydrogen atom 1.4 Å from one."""
    atoms = [("O", 0, 0), ("H", -0.96, 0), ("O", 2.0, 0), ("H", 2.96, 0), ("H", 0, 1.4)]
    assert n_parts(*place(atoms), factor) == parts
