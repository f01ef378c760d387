"""Labels as a table of molecules: a reference that the workflow reads as an archive."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.archives.label_file import LabelSet
from mepflow.molecules import GridValues, MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge, from_components, from_second_moment

_SAME_NAME: Final = (
    "energy",
    "dipole",
    "homo",
    "lumo",
    "electronic_spatial_extent",
    "mulliken_charges",
    "scf_cycles",
)
_ARCHIVE_NAME: Final = {
    "gradient": "archive_gradient",
    "mbis_charges": "archive_mbis_charges",
    "mbis_dipoles": "archive_mbis_dipoles",
}


def reference_table(labels: LabelSet, grids: Sequence[str]) -> MoleculeTable:
    """Return multipoles, energies, charges, gradients, and the potential on ``grids``.

    ``archive_subset`` is the split. Raises :class:`InputError` where the points of a potential
    cannot be made again as they were.
    """
    rows = range(len(labels))
    molecules = [labels.molecule(index) for index in rows]
    properties: dict[str, Sequence[npt.ArrayLike]] = {
        **{name: _by_molecule(labels, name) for name in _SAME_NAME},
        **{name: _by_molecule(labels, own) for own, name in _ARCHIVE_NAME.items()},
        "quadrupole": list(from_components(labels.columns["quadrupole"])),
        "origin": [centre_of_nuclear_charge(m.atomic_numbers, m.positions) for m in molecules],
        "scf_converged": np.ones(len(labels)).tolist(),
        "archive_mbis_quadrupoles": [
            from_second_moment(from_components(moments.astype(float)))
            for moments in _by_molecule(labels, "mbis_second_moments")
        ],
    }
    values = {
        grid: GridValues.from_ragged([labels.potential(grid, index) for index in rows])
        for grid in grids
    }
    metadata = {
        "level_of_theory": labels.levels[0],
        "grid_settings": {grid: labels.grids[grid] for grid in grids},
        "software": labels.software,
    }
    table = MoleculeTable.from_molecules(molecules, properties, values, metadata)
    return table.with_texts(
        molecule=labels.texts["smiles"],
        archive_subset=labels.texts["split"],
        failure=[""] * len(labels),
    )


def _by_molecule(labels: LabelSet, name: str) -> list[npt.NDArray[Any]]:
    return [labels.of(name, index) for index in range(len(labels))]
