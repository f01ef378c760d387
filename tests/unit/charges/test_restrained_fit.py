"""Fitted charges against SciPy's minimum of the same objective, and what constraints ask for."""

import numpy as np
import pytest
from scipy.optimize import minimize

from mepflow.charges.constraints import Constraints
from mepflow.charges.equivalence import equivalent_atoms, turning_groups
from mepflow.charges.resp import FIRST_STAGE_A, SECOND_STAGE_A, TIGHTNESS_B, resp_charges
from mepflow.charges.restrained_fit import Equations, Restraint, fit_charges, together
from mepflow.electrostatics.charge_fit import equivalent_charges
from mepflow.electrostatics.potential import potential
from mepflow.errors import InputError
from mepflow.geometry.bonds import bonds
from mepflow.geometry.grids import grid_points
from mepflow.prediction.input_batch import read_structures
from mepflow.units import BOHR_IN_ANGSTROM

GRID = {"kind": "shells", "scales": [1.4, 1.6, 1.8, 2.0], "points_per_angstrom2": 1.0}
SMILES = ("CCO", "CC(=O)[O-]", "C[N+](C)(C)CC(=O)O", "c1ccncc1", "CC(C)(C)O")


def multipoles(n: int, total: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    charges = rng.normal(0, 0.3, n)
    return charges + (total - charges.sum()) / n, rng.normal(0, 0.2, (n, 3))


def case(smiles: str):
    """Return the molecule, its bonds, points, and a potential that no charges have exactly."""
    (structure,) = read_structures([], [smiles])
    molecule = structure.molecule
    points = grid_points(GRID, molecule.atomic_numbers, molecule.positions)
    charges, dipoles = multipoles(len(molecule), molecule.total_charge)
    values = potential(points, molecule.positions, charges, dipoles)
    pairs = bonds(molecule.atomic_numbers, molecule.positions * BOHR_IN_ANGSTROM)
    return molecule, pairs, points, values


def minimum(points, positions, values, constraints, restraint) -> np.ndarray:
    """Return SciPy's minimum of the objective as the docstring states it."""
    inverse = 1.0 / np.linalg.norm(points[:, None] - positions, axis=-1)
    start, basis = constraints.solutions()

    def objective(y):
        q = start + basis @ y
        left = inverse @ q - values
        root = np.sqrt(q**2 + restraint.b**2)
        slope = 2 * inverse.T @ left + 2 * restraint.a * np.where(restraint.atoms, q / root, 0.0)
        pull = 2 * restraint.a * np.sum((root - restraint.b)[restraint.atoms])
        return left @ left + pull, basis.T @ slope

    found = minimize(
        objective, np.zeros(basis.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-12}
    )
    return start + basis @ found.x


@pytest.mark.parametrize("smiles", SMILES)
@pytest.mark.parametrize("a", [0.0, 0.0005, 0.05])
def test_the_fit_is_the_minimum_that_scipy_finds(smiles: str, a: float) -> None:
    molecule, _, points, values = case(smiles)
    constraints = Constraints.total(len(molecule), molecule.total_charge)
    restraint = Restraint(a, 0.1, molecule.atomic_numbers > 1)
    found = fit_charges(
        Equations.of(points, molecule.positions, values), constraints, restraint if a else None
    )
    expected = minimum(points, molecule.positions, values, constraints, restraint)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.sum() == pytest.approx(molecule.total_charge, abs=1e-12)


@pytest.mark.parametrize("smiles", SMILES)
def test_both_stages_of_resp_are_minima(smiles: str) -> None:
    molecule, pairs, points, values = case(smiles)
    numbers, total = (
        molecule.atomic_numbers,
        Constraints.total(len(molecule), molecule.total_charge),
    )
    equations = Equations.of(points, molecule.positions, values)
    found = resp_charges(equations, numbers, pairs, total)
    classes = equivalent_atoms(numbers, pairs)
    for one in np.unique(classes):
        assert np.ptp(found[classes == one]) < 1e-12
    refitted = np.zeros(len(numbers), bool)
    for group in turning_groups(numbers, pairs):
        refitted[group] = True
    alone = 1000 + np.arange(len(numbers))
    first = minimum(
        points, molecule.positions, values,
        total & Constraints.equal(np.where(refitted, alone, classes)),
        Restraint(FIRST_STAGE_A, TIGHTNESS_B, numbers > 1),
    )  # fmt: skip
    np.testing.assert_allclose(found[~refitted], first[~refitted], atol=1e-6)
    if not refitted.any():
        return
    second = minimum(
        points, molecule.positions, values,
        total
        & Constraints.fixed(found, np.flatnonzero(~refitted))
        & Constraints.equal(np.where(refitted, classes, alone)),
        Restraint(SECOND_STAGE_A, TIGHTNESS_B, refitted & (numbers > 1)),
    )  # fmt: skip
    np.testing.assert_allclose(found, second, atol=1e-6)


def test_without_options_the_fit_is_that_of_the_baseline() -> None:
    molecule, _, points, values = case("CCO")
    charges, dipoles = multipoles(len(molecule), 0)
    expected = equivalent_charges(points, molecule.positions, charges[None], dipoles[None]).charges[
        0
    ]
    equations = Equations.of(points, molecule.positions, values)
    found = fit_charges(equations, Constraints.total(len(molecule), 0))
    np.testing.assert_allclose(found, expected, atol=1e-9)
    left = potential(points, molecule.positions, found) - values
    assert equations.rmse(found) == pytest.approx(np.sqrt(np.mean(left**2)), rel=1e-9)


def test_charges_can_keep_the_dipole_exactly() -> None:
    molecule, _, points, values = case("CCO")
    dipole = np.array([0.3, -0.2, 0.5])
    constraints = Constraints.total(len(molecule), 0) & Constraints.dipole(
        molecule.positions, dipole
    )
    found = fit_charges(Equations.of(points, molecule.positions, values), constraints)
    np.testing.assert_allclose(found @ molecule.positions, dipole, atol=1e-12)
    assert found.sum() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("noise", [0.0, 1e-3])
@pytest.mark.parametrize("extents", [1, 2])
def test_no_dipole_is_asked_across_a_line_or_plane_of_atoms(extents: int, noise: float) -> None:
    """It is 0 there but for rounding, which no charges could give, or huge ones only."""
    rng = np.random.default_rng(extents)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    flat = rng.uniform(-4, 4, (6, extents)) @ axes[:extents] + rng.normal(0, noise, (6, 3))
    points = rng.normal(size=(400, 3))
    points *= 10.0 / np.linalg.norm(points, axis=1)[:, None]
    charges = multipoles(6, 0)[0]
    constraints = Constraints.total(6, 0) & Constraints.dipole(flat, charges @ flat + 1e-6)
    found = fit_charges(Equations.of(points, flat, potential(points, flat, charges)), constraints)
    np.testing.assert_allclose(found @ flat, charges @ flat, atol=1e-5)
    assert np.abs(found).max() < 3.0


def test_conformers_share_one_set_of_charges() -> None:
    """Charges that gave both potentials are found again, whatever the weights of the conformers."""
    molecule, _, points, _ = case("CCO")
    charges, _ = multipoles(len(molecule), 0)
    turned = molecule.positions @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]]) * 1.02
    more = grid_points(GRID, molecule.atomic_numbers, turned)
    total = Constraints.total(len(molecule), 0)
    first = Equations.of(points, molecule.positions, potential(points, molecule.positions, charges))
    second = Equations.of(more, turned, potential(more, turned, charges))
    for weight in (0.1, 1.0):
        joined = first * weight + second * (1 - weight)
        np.testing.assert_allclose(fit_charges(joined, total), charges, atol=1e-8)


def test_a_capping_group_keeps_its_charge_and_molecules_may_share_one() -> None:
    first, _, points, values = case("CCO")
    second, _, more, other = case("CC(=O)[O-]")
    n, m = len(first), len(second)
    both = together([
        Equations.of(points, first.positions, values), Equations.of(more, second.positions, other)
    ])  # fmt: skip
    classes = np.arange(n + m)
    classes[n] = 0  # the first carbon atom of either
    constraints = (
        Constraints.total(n + m, 0, range(n))
        & Constraints.total(n + m, -1, range(n, n + m))
        & Constraints.total(n + m, 0.1, [0, 3, 4, 5])
        & Constraints.equal(classes)
    )
    found = fit_charges(both, constraints)
    assert found[[0, 3, 4, 5]].sum() == pytest.approx(0.1, abs=1e-12)
    assert found[0] == pytest.approx(found[n], abs=1e-12)
    assert found[n:].sum() == pytest.approx(-1.0, abs=1e-12)


def test_contradictions_are_refused() -> None:
    with pytest.raises(InputError, match="contradict each other"):
        (Constraints.total(3, 0) & Constraints.total(3, 1)).solutions()


def test_what_the_points_do_not_see_stays() -> None:
    """Two atoms on one place: their difference is not seen, and stays 0."""
    positions = np.array([[0.0, 0, 0], [0, 0, 2.0], [0, 0, 2.0]])
    points = np.random.default_rng(1).normal(0, 1, (200, 3))
    points *= 8.0 / np.linalg.norm(points, axis=1)[:, None]
    values = potential(points, positions, np.array([0.4, -0.1, -0.3]))
    equations, total = Equations.of(points, positions, values), Constraints.total(3, 0)
    np.testing.assert_allclose(fit_charges(equations, total), [0.4, -0.2, -0.2], atol=1e-6)


@pytest.mark.parametrize(
    ("smiles", "alike", "turning"),
    [
        ("CCO", [{3, 4, 5}, {6, 7}], [[0, 3, 4, 5], [1, 6, 7]]),
        ("CC(=O)[O-]", [{2, 3}, {4, 5, 6}], [[0, 4, 5, 6]]),
        ("c1ccccc1", [set(range(6)), set(range(6, 12))], []),
        ("C=C", [{0, 1}, {2, 3, 4, 5}], []),
        ("C[N+](=O)[O-]", [{2, 3}, {4, 5, 6}], [[0, 4, 5, 6]]),
    ],
)
def test_equivalent_atoms_and_groups_that_turn(smiles: str, alike, turning) -> None:
    molecule, pairs, _, _ = case(smiles)
    classes = equivalent_atoms(molecule.atomic_numbers, pairs)
    groups = [set(np.flatnonzero(classes == one).tolist()) for one in np.unique(classes)]
    assert sorted((g for g in groups if len(g) > 1), key=min) == alike
    assert turning_groups(molecule.atomic_numbers, pairs) == turning
