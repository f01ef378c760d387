"""A small reference with exactly known MEPs, and predictions of it."""

from pathlib import Path

import numpy as np
import pytest

from mepflow.electrostatics.penetration import penetration_potential, shells_of
from mepflow.electrostatics.potential import potential
from mepflow.molecules import GridValues, Molecule, MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge, dipole_terms, quadrupole_terms


def make_molecule(rng, name, n_atoms, total_charge=0):
    # Atoms on a stretched line of random steps: far enough apart to be told apart by a fit.
    positions = np.cumsum(rng.uniform(0.8, 1.6, (n_atoms, 3)), axis=0)
    numbers = rng.choice([1, 6, 7, 8], n_atoms).astype(np.uint8)
    return Molecule(name, numbers, positions, total_charge)


def make_terms(rng, molecule, dipoles):
    charges = rng.normal(scale=0.4, size=len(molecule))
    charges += (molecule.total_charge - charges.sum()) / len(molecule)
    return charges, rng.normal(scale=0.3, size=(len(molecule), 3)) if dipoles else None


def make_points(rng, molecule, n_points):
    directions = rng.normal(size=(n_points, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    centres = molecule.positions[rng.integers(len(molecule), size=n_points)]
    return centres + directions * rng.uniform(3.0, 5.0, (n_points, 1))


def predictions_table(molecules, terms, name="model", seed=1):
    """Return the predictions file's table of atomic charges and dipoles, or None for the latter."""
    arguments = [
        (q, m.positions - centre_of_nuclear_charge(m.atomic_numbers, m.positions), mu)
        for m, (q, mu) in zip(molecules, terms, strict=True)
    ]
    properties = {
        "atomic_charges": [charges for charges, _ in terms],
        "dipole": [dipole_terms(*a).sum(axis=0) for a in arguments],
        "quadrupole": [quadrupole_terms(*a).sum(axis=0) for a in arguments],
    }
    if terms[0][1] is not None:
        properties["atomic_dipoles"] = [dipoles for _, dipoles in terms]
    return MoleculeTable.from_molecules(
        molecules, properties, metadata={"name": name, "seed": seed}
    )


class System:
    """Molecules whose reference MEP is that of known charges (and dipoles), and their files."""

    def __init__(self, folder: Path, dipoles: bool, n_molecules: int = 4):
        rng = np.random.default_rng(5)
        self.folder = folder
        self.molecules = [
            make_molecule(rng, f"gdb_{k:06d}", 3 + k % 3, total_charge=k % 2)
            for k in range(1, n_molecules + 1)
        ]
        self.terms = [make_terms(rng, m, dipoles) for m in self.molecules]
        grids = {}
        for grid, n_points in (("mk", 60), ("chelpg", 40)):
            points = [make_points(rng, m, n_points) for m in self.molecules]
            grids[grid] = GridValues.from_ragged(
                [
                    (p, potential(p, m.positions, *terms))
                    for p, m, terms in zip(points, self.molecules, self.terms, strict=True)
                ]
            )
        exact = predictions_table(self.molecules, self.terms)
        self.table = MoleculeTable.from_molecules(
            self.molecules,
            {
                "dipole": exact.properties["dipole"],
                "quadrupole": exact.properties["quadrupole"],
                "mulliken_charges": [0.5 * charges for charges, _ in self.terms],
            },
            grids,
        )
        self.reference = folder / "reference.h5"
        self.save()
        self.splits = folder / "splits.csv"
        others = ["gdb_000090,train,0", "gdb_000091,validation,0"]
        rows = ["id,split,showcase", *(f"{m.id},test,0" for m in self.molecules), *others]
        self.splits.write_text("\n".join(rows) + "\n")

    def save(self):
        self.table.save(self.reference)

    def predict(self, terms, rows=None, name="predictions"):
        molecules = [self.molecules[i] for i in rows] if rows is not None else self.molecules
        path = self.folder / f"{name}.h5"
        predictions_table(molecules, terms).save(path)
        return path


WIDTHS = {"H": 0.4, "C": 0.5, "N": 0.45, "O": 0.41}


def add_shells(system, widths=WIDTHS):
    """Add the penetration of shells to the reference of a system."""
    for name, grid in system.table.grids.items():
        parts = []
        for index, molecule in enumerate(system.molecules):
            points, values = grid.of(index)
            shells = shells_of(molecule.atomic_numbers, widths)
            values = values + penetration_potential(points, molecule.positions, shells)
            parts.append((points, values))
        system.table.grids[name] = GridValues.from_ragged(parts)
    system.save()


@pytest.fixture
def system(tmp_path):
    return System(tmp_path, dipoles=False)


@pytest.fixture
def system_with_dipoles(tmp_path):
    return System(tmp_path, dipoles=True)


@pytest.fixture
def widths():
    return WIDTHS


@pytest.fixture
def system_with_shells(tmp_path):
    made = System(tmp_path, dipoles=True)
    add_shells(made)
    return made
