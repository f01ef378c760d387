"""Small references as mepflow writes them, with made-up numbers."""

from dataclasses import replace
from typing import Any

import numpy as np

from level_cases import TINY_LEVEL
from mepflow.molecules import GridValues, Molecule, MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge

LEVEL: dict[str, Any] = TINY_LEVEL | {"backend": "pyscf"}
GRID: dict[str, Any] = {
    "kind": "shells",
    "molecules": "test",
    "scales": [1.4],
    "points_per_angstrom2": 1.0,
}
WATER = (np.array([8, 1, 1], np.uint8), np.array([[0, 0, 0.2], [1.4, 0, -0.9], [-1.4, 0, -0.9]]))
METHYL = (
    np.array([6, 1, 1, 1], np.uint8),
    np.array([[0.0, 0, 0], [2, 0, 0], [-1, 1.73, 0], [-1, -1.73, 0]]),
)


def make_reference(shapes=(WATER, METHYL, WATER), charges=(0, 1, -1), seed=1) -> MoleculeTable:
    """Return a reference of molecules m0, m1, … of which m0 alone has points on the grid mk."""
    rng = np.random.default_rng(seed)
    molecules = [
        Molecule(f"m{row}", numbers, positions + row, charge, "O" if len(numbers) == 3 else "")
        for row, ((numbers, positions), charge) in enumerate(zip(shapes, charges, strict=True))
    ]
    count = len(molecules)
    values = {
        "energy": -rng.random(count),
        "dipole": rng.normal(size=(count, 3)),
        "quadrupole": rng.normal(size=(count, 3, 3)),
        "origin": [centre_of_nuclear_charge(m.atomic_numbers, m.positions) for m in molecules],
        "homo": -rng.random(count),
        "mulliken_charges": [rng.normal(size=len(m)) for m in molecules],
        "scf_converged": np.ones(count),
        "archive_dipole": np.zeros((count, 3)),
        "archive_mbis_charges": [rng.normal(size=len(m)) for m in molecules],
    }
    points = [(rng.normal(size=(4, 3)), rng.normal(size=4)), *[(np.empty((0, 3)), np.empty(0))] * 2]
    metadata = {
        "archive": "raw.tar",
        "level_of_theory": {"name": "ours", **LEVEL},
        "grid_settings": {"mk": GRID, "plane": {"kind": "plane"}},
    }
    grids = {name: GridValues.from_ragged(points[:count]) for name in ("mk", "plane")}
    table = MoleculeTable.from_molecules(molecules, values, grids, metadata)
    return table.with_texts(failure=[""] * count, archive_subset=["made up"] * count)


def with_values(table: MoleculeTable, **changes: Any) -> MoleculeTable:
    """Return a table with other values in some of its columns (flat arrays) or of its own parts."""
    own = {name: value for name, value in changes.items() if name in vars(table)}
    others = {name: value for name, value in changes.items() if name not in own}
    return replace(table, **own).with_properties(**others)
