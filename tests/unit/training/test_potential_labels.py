"""Reduced points stand for all points: the same errors, gradients and molecules."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from mepflow.electrostatics.potential import potential
from mepflow.errors import InputError
from mepflow.models.multipole_model import Multipoles
from mepflow.molecules import GridValues, MoleculeTable
from mepflow.multipoles import traceless_matrices
from mepflow.training.potential_labels import PotentialLabels
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E
from training_case import with_potential

TERMS = (("charges",), ("charges", "dipoles"), ("charges", "dipoles", "quadrupoles"))
NO_MULTIPOLES = torch.empty(0)


@pytest.fixture
def learned(table: MoleculeTable) -> MoleculeTable:
    """A table with two grids, one of few points and one of many."""
    table = with_potential(table)
    rng = np.random.default_rng(9)
    few = [(9.0 + rng.normal(size=(n, 3)), rng.normal(size=n)) for n in range(1, len(table) + 1)]
    return replace(table, grids={**table.grids, "few": GridValues.from_ragged(few)})


def atomic_terms(table: MoleculeTable, terms: tuple[str, ...]) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    n_atoms = len(table.positions)
    found = {
        "charges": rng.normal(size=n_atoms),
        "dipoles": rng.normal(size=(n_atoms, 3)),
        "quadrupoles": traceless_matrices(rng.normal(size=(n_atoms, 5))),
    }
    return {term: found[term] for term in terms}


def errors_of(
    table: MoleculeTable, grids: list[str], terms: tuple[str, ...], dtype: torch.dtype
) -> np.ndarray[Any, Any]:
    """Return the mean square over points of each molecule, (kcal/mol/e)², from reduced points."""
    labels = PotentialLabels.from_table(table, grids, terms, "cpu", dtype)
    numbers = {k: torch.from_numpy(v).to(dtype) for k, v in atomic_terms(table, terms).items()}
    found = Multipoles(
        numbers["charges"],
        numbers.get("dipoles"),
        NO_MULTIPOLES,
        NO_MULTIPOLES,
        numbers.get("quadrupoles"),
    )
    molecule = torch.from_numpy(np.repeat(np.arange(len(table)), np.diff(table.atom_offsets)))
    return labels.errors(found, molecule).square().mean(dim=1).numpy()


def errors_over_points(
    table: MoleculeTable, grids: list[str], terms: tuple[str, ...]
) -> np.ndarray[Any, Any]:
    numbers = atomic_terms(table, terms)
    squares = []
    for row in range(len(table)):
        own = {name: values[table.atoms(row)] for name, values in numbers.items()}
        differences = [
            potential(points, table.molecule(row).positions, **own) - values
            for points, values in (table.grids[grid].of(row) for grid in grids)
        ]
        squares.append(np.mean(np.concatenate(differences) ** 2))
    return np.array(squares) * HARTREE_PER_E_IN_KCAL_PER_MOL_E**2


@pytest.mark.parametrize("terms", TERMS, ids="+".join)
@pytest.mark.parametrize("grids", [["mk"], ["few"], ["mk", "few"]], ids="+".join)
def test_reduced_points_give_the_error_over_all_points(
    learned: MoleculeTable, grids: list[str], terms: tuple[str, ...]
) -> None:
    expected = errors_over_points(learned, grids, terms)
    np.testing.assert_allclose(errors_of(learned, grids, terms, torch.float64), expected, rtol=1e-9)
    np.testing.assert_allclose(errors_of(learned, grids, terms, torch.float32), expected, rtol=1e-4)


@pytest.mark.parametrize("fault", ["missing", "not finite"])
def test_a_molecule_without_a_potential_is_named(learned: MoleculeTable, fault: str) -> None:
    parts = [learned.grids["mk"].of(row) for row in range(len(learned))]
    points, values = parts[4]
    parts[4] = (points[:0], values[:0]) if fault == "missing" else (points, values * np.inf)
    broken = replace(learned, grids={"mk": GridValues.from_ragged(parts)})
    with pytest.raises(InputError, match=r"molecule m04 has .* on the grid mk, which is learned"):
        PotentialLabels.from_table(broken, ["mk"], TERMS[0], "cpu", torch.float64)


def test_a_table_without_the_grid_is_refused(table: MoleculeTable) -> None:
    with pytest.raises(InputError, match="m00 has no potential on the grid mk or chelpg"):
        PotentialLabels.from_table(table, ["mk", "chelpg"], TERMS[0], "cpu", torch.float64)
