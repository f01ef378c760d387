"""Stockholder divisions of densities whose atoms are known."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from pyscf import dft, gto

from mepflow.qm.pro_atoms import pro_atom
from mepflow.qm.stockholder import (
    GridDensity,
    atomic_multipoles,
    fit_shells,
    hirshfeld_charges,
    initial_shells,
)

FloatArray = npt.NDArray[np.float64]
CENTRES = np.array([[0.0, 0.0, -1.1], [0.0, 0.3, 1.1]])
NUMBERS = np.array([8, 1])


def on_grid(density: Callable[[FloatArray], FloatArray]) -> GridDensity:
    """A density around the two atoms, as a function of distances (2, p) from them."""
    mol = gto.M(
        atom=[("O", CENTRES[0]), ("H", CENTRES[1])], unit="Bohr", spin=1, basis="sto-3g", verbose=0
    )
    grids = dft.gen_grid.Grids(mol)
    grids.level = 3
    grids.build()
    distances = np.linalg.norm(grids.coords - CENTRES[:, None], axis=-1)
    return GridDensity(grids.coords, grids.weights, density(distances))


def slater(distances: FloatArray, population: float, width: float) -> FloatArray:
    return population * np.exp(-distances / width) / (8 * np.pi * width**3)


def test_mbis_finds_the_shells_that_a_density_is_made_of() -> None:
    populations, widths = [1.8, 7.0, 0.4], [0.07, 0.42, 0.35]
    grid = on_grid(
        lambda r: sum(
            slater(r[atom], n, s) for atom, n, s in zip((0, 0, 1), populations, widths, strict=True)
        )
    )
    shells = fit_shells(grid, CENTRES, initial_shells(NUMBERS, np.zeros(2, int)))
    np.testing.assert_allclose(shells.populations, populations, atol=2e-3)
    np.testing.assert_allclose(shells.widths, widths, atol=2e-3)
    multipoles = atomic_multipoles(grid, CENTRES, NUMBERS, shells)
    np.testing.assert_allclose(multipoles["charges"][:, 0], [-0.8, 0.6], atol=2e-3)
    assert multipoles["charges"].sum() == pytest.approx(9 - 9.2, abs=1e-4)
    np.testing.assert_allclose(multipoles["dipoles"], 0.0, atol=2e-3)


def test_free_atoms_have_no_hirshfeld_charges() -> None:
    free = [pro_atom(int(number), "def2-svp") for number in NUMBERS]
    grid = on_grid(lambda r: free[0](r[0]) + free[1](r[1]))
    charges = hirshfeld_charges(grid, CENTRES, NUMBERS.astype(float), free)
    np.testing.assert_allclose(charges, 0.0, atol=1e-4)
    shifted = GridDensity(
        grid.points,
        grid.weights,
        grid.density + slater(np.linalg.norm(grid.points - CENTRES[1], axis=-1), 0.3, 0.4),
    )
    charges = hirshfeld_charges(shifted, CENTRES, NUMBERS.astype(float), free)
    assert charges.sum() == pytest.approx(-0.3, abs=1e-4)
    assert charges[1] < charges[0] < 0
