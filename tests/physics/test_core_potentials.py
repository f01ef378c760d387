"""Calculations with an effective core potential: valence charges where they must stand, bare ones
in the origin; and the dispersion of the level, counted once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import yaml
from pyscf import dft, gto
from pyscf.dispersion import dftd3

from mepflow.electrostatics.potential import potential
from mepflow.elements import ATOMIC_NUMBERS
from mepflow.molecules import Molecule
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.properties import molecular_properties, potential_on_points
from mepflow.qm.scf import run_scf
from mepflow.units import ANGSTROM_IN_BOHR

FloatArray = npt.NDArray[np.float64]
ROOT = Path(__file__).resolve().parents[2]
ROWS = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())["levels_of_theory"]
LEVEL = LevelOfTheory.from_row("svp", ROWS["wb97m-d3bj-def2-svp"])
ANGLE = np.radians(111.0)
HYDROGENS = [
    [1.084 * np.sin(ANGLE) * np.cos(a), 1.084 * np.sin(ANGLE) * np.sin(a), 1.084 * np.cos(ANGLE)]
    for a in (0.3, 0.3 + 2 * np.pi / 3, 0.3 - 2 * np.pi / 3)
]


def molecule(symbols: str, angstrom: Any, charge: int = 0) -> Molecule:
    numbers = np.array([ATOMIC_NUMBERS[s] for s in symbols.split()], dtype=np.uint8)
    return Molecule("m", numbers, np.array(angstrom, float) * ANGSTROM_IN_BOHR, charge)


METHYL_IODIDE = molecule("I C H H H", [[0, 0, 2.14], [0, 0, 0], *HYDROGENS])


@pytest.fixture(scope="module")
def methyl_iodide() -> tuple[Any, dict[str, FloatArray]]:
    return solved(METHYL_IODIDE)


def solved(target: Molecule) -> tuple[Any, dict[str, FloatArray]]:
    result = run_scf(target, LEVEL)
    assert result.converged
    origin = centre_of_nuclear_charge(target.atomic_numbers, target.positions)
    return result.mean_field, molecular_properties(result.mean_field, origin)


def test_origin_is_that_of_the_bare_charges(
    methyl_iodide: tuple[Any, dict[str, FloatArray]],
) -> None:
    numbers = METHYL_IODIDE.atomic_numbers.astype(float)
    expected = numbers @ METHYL_IODIDE.positions / (53 + 6 + 3)
    np.testing.assert_allclose(methyl_iodide[1]["origin"], expected, atol=1e-12)


def test_mulliken_charges_sum_to_the_charge(
    methyl_iodide: tuple[Any, dict[str, FloatArray]],
) -> None:
    charges = methyl_iodide[1]["mulliken_charges"]
    assert charges.sum() == pytest.approx(0.0, abs=1e-8)
    assert np.abs(charges).max() < 1.0


def test_potential_far_away_is_that_of_the_multipoles(
    methyl_iodide: tuple[Any, dict[str, FloatArray]],
) -> None:
    mean_field, found = methyl_iodide
    rays = np.random.default_rng(5).normal(size=(20, 3))
    rays *= 100.0 / np.linalg.norm(rays, axis=1)[:, None]
    centre = found["origin"][None]
    expected = [
        potential(
            centre + side * rays,
            centre,
            np.zeros(1),
            found["dipole"][None],
            found["quadrupole"][None],
        )
        for side in (1, -1)
    ]
    ours = [potential_on_points(mean_field, centre + side * rays) for side in (1, -1)]
    # The octupole is odd, the hexadecapole even: 1e-8 and 1e-9 at this distance.
    np.testing.assert_allclose(ours[0], expected[0], atol=3e-7)
    even = np.array([sum(ours), sum(expected)]) / 2
    assert np.abs(even[1]).max() > 3e-6
    np.testing.assert_allclose(even[0], even[1], atol=1e-8)


def test_multipoles_move_with_the_molecule(
    methyl_iodide: tuple[Any, dict[str, FloatArray]],
) -> None:
    moved = replace(METHYL_IODIDE, positions=METHYL_IODIDE.positions + np.array([3.0, -7.0, 11.0]))
    _, found = solved(moved)
    np.testing.assert_allclose(found["dipole"], methyl_iodide[1]["dipole"], atol=1e-5)
    np.testing.assert_allclose(found["quadrupole"], methyl_iodide[1]["quadrupole"], atol=1e-4)


def test_all_electron_calculation_gives_the_same_multipoles() -> None:
    """Scalar-relativistic (X2C) with every electron: the valence of HI is the same.

    The potential was fitted to relativistic atoms; without X2C the all-electron dipole is off by
    some 0.03. A bare charge instead of the effective one would give tens.
    """
    hydrogen_iodide = molecule("H I", [[0, 0, 0], [0, 0, 1.609]])
    level = replace(LEVEL, functional="pbe", density_fitting=None, grid_level=2)
    mean_field = run_scf(hydrogen_iodide, level).mean_field
    origin = centre_of_nuclear_charge(hydrogen_iodide.atomic_numbers, hydrogen_iodide.positions)
    valence = molecular_properties(mean_field, origin)
    mol = gto.M(
        atom=[("H", hydrogen_iodide.positions[0]), ("I", hydrogen_iodide.positions[1])],
        unit="Bohr",
        basis={"H": "def2-svp", "I": "dyall-v2z"},
        verbose=0,
    )
    every = dft.RKS(mol, xc="pbe").x2c()
    every.grids.level = 2
    every.kernel()
    complete = molecular_properties(every, origin)
    assert every.converged
    np.testing.assert_allclose(valence["dipole"], complete["dipole"], atol=0.01)
    np.testing.assert_allclose(valence["quadrupole"], complete["quadrupole"], atol=0.05)
    points = origin + 6.0 * np.vstack([np.eye(3), -np.eye(3)])
    np.testing.assert_allclose(
        potential_on_points(mean_field, points), potential_on_points(every, points), atol=5e-4
    )


def test_dispersion_is_counted_once(methyl_iodide: tuple[Any, dict[str, FloatArray]]) -> None:
    """wB97M-D3(BJ) is the functional of wB97M-V without VV10, and its own D3(BJ) beside it."""
    mean_field, _ = methyl_iodide
    assert not mean_field.do_nlc()
    correction = dftd3.DFTD3Dispersion(mean_field.mol, xc="wb97m", version="d3bj")
    expected = correction.get_dispersion()["energy"]
    assert expected < -1e-4
    bare = dft.RKS(mean_field.mol, xc="wb97m-v").density_fit(auxbasis=LEVEL.density_fitting)
    bare.nlc = bare.disp = False
    bare.grids.level, bare.conv_tol = LEVEL.grid_level, LEVEL.convergence_hartree
    assert mean_field.e_tot - bare.kernel() == pytest.approx(expected, abs=1e-8)
