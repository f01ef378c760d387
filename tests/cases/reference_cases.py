"""A small reference, as the shards of a dataset give it together."""

from typing import Final

import numpy as np

from mepflow.molecules import Molecule, MoleculeTable

DEBYE: Final = 1 / 2.541746473  # in e bohr


def reference_table(**rows: tuple[int, float, float, str]) -> MoleculeTable:
    """Return a reference with rows id=(converged, our dipole in D, the archive's in D, failure)."""
    molecules = [Molecule(key, np.array([8], np.uint8), np.zeros((1, 3))) for key in rows]
    direction = np.array([2.0, -1.0, 2.0]) / 3.0
    return MoleculeTable.from_molecules(
        molecules,
        {
            "scf_converged": [row[0] for row in rows.values()],
            "dipole": [row[1] * DEBYE * direction for row in rows.values()],
            "archive_dipole_norm": [row[2] * DEBYE for row in rows.values()],
            "quadrupole": [np.eye(3) * (row[1] * 0 + 1) for row in rows.values()],
        },
    ).with_texts(failure=[row[3] for row in rows.values()])


NAN: Final = float("nan")
EIGHT_MOLECULES: Final = reference_table(
    gdb_000001=(1, 1.85, 1.8595, ""),
    gdb_000002=(1, 1.85, 1.8605, ""),
    gdb_000003=(1, 1.8605, 1.85, ""),
    gdb_000004=(0, NAN, 1.85, "no convergence in 200 cycles"),
    gdb_000005=(0, 1.85, 1.85, ""),
    gdb_000006=(1, NAN, 1.85, ""),
    gdb_000007=(1, 1.85, NAN, ""),
    gdb_000008=(1, 0.0, 0.0, ""),
)
"""Good, diverged and incomplete ones, and such whose dipole is not the archive's."""
