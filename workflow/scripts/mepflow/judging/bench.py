"""A reference that charges are judged by: its table, its labels, and the widths of its shells."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import h5py

from mepflow.archives.label_archive import reference_of_labels
from mepflow.archives.label_file import FORMAT, read_labels
from mepflow.archives.label_set import LabelSet
from mepflow.electrostatics.penetration import Widths
from mepflow.errors import InputError, choice
from mepflow.molecules import MoleculeTable
from mepflow.storage.yaml_file import read_row, read_yaml

HF_GRID: Final = "hf_mk"
"""The potential of HF/6-31G* on Merz–Kollman points, where the labels have it."""
ALL_GRIDS: Final = "all"
_THROUGH_ATOMS: Final = "plane"


@dataclass(frozen=True)
class Bench:
    """A reference, its labels where it is a file of labels, and the grids that count.

    Fits are to the first grid. ``widths`` are those of valence shells in bohr of the reference's
    basis set, None where nobody has fitted them.
    """

    table: MoleculeTable
    labels: LabelSet | None
    grids: tuple[str, ...]
    widths: Widths | None = None

    @property
    def grid(self) -> str:
        """Return the grid of the fits."""
        return self.grids[0]


def load_bench(path: Path, grids: Sequence[str], definitions: Path) -> Bench:
    """Read a file of labels, or the ``reference.h5`` of a run.

    ``grids`` are names, or :data:`ALL_GRIDS` alone: all but planes, which go through atoms.
    ``definitions`` has the widths. Raises :class:`InputError` for another file or grid.
    """
    labels = _labels(path)
    if labels is None:
        table = MoleculeTable.load(path)
        held, settings = list(table.grids), table.metadata.get("grid_settings", {})
    else:
        held, settings = list(labels.potentials), labels.grids
    chosen = tuple(grids)
    if chosen == (ALL_GRIDS,):
        chosen = tuple(
            name
            for name in sorted(held, key=lambda name: (settings[name]["kind"] != "shells", name))
            if name != HF_GRID and settings[name]["kind"] != _THROUGH_ATOMS
        )
    for name in chosen:
        if name not in held:
            raise InputError(f"{path} has no potential on {name!r}: {choice(name, held)}")
    if labels is not None:
        wanted = [name for name in held if name in (*chosen, HF_GRID)]
        table = reference_of_labels(labels, wanted, path)
    return Bench(table, labels, chosen, _widths(table, definitions))


def _labels(path: Path) -> LabelSet | None:
    if not path.is_file():
        raise InputError(f"{path} does not exist: give a file of labels or a run's reference.h5.")
    try:
        with h5py.File(path) as file:
            is_labels = file.attrs.get("format") == FORMAT
    except OSError as error:
        raise InputError(
            f"{path} is no HDF5 file: give a file of labels or reference.h5."
        ) from error
    return read_labels(path) if is_labels else None


def _widths(table: MoleculeTable, definitions: Path) -> Widths | None:
    basis = str((table.metadata.get("level_of_theory") or {}).get("basis"))
    known = read_yaml(definitions).content.get("penetration") or {}
    return read_row(definitions, "penetration", basis) if basis in known else None
