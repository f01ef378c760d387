"""Which molecules are kept, and the one reason why each of the others is not.

Each function returns filters by reason, those that the settings and the table's columns call for,
in the order in which they count; :func:`mepflow.selection.verdicts.judge` applies them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from mepflow.archives.qm9 import read_uncharacterized
from mepflow.archives.rejected_records import REJECTED_COLUMNS
from mepflow.elements import ATOMIC_NUMBERS, symbol
from mepflow.errors import ConfigError
from mepflow.molecules import MoleculeTable
from mepflow.selection.identity import inchi_change, smiles_change
from mepflow.selection.single_molecules import several_molecules
from mepflow.selection.verdicts import (
    COLUMNS,
    REJECTED,
    UNREADABLE,
    Filter,
    IntArray,
    funnel,
    judge,
    kept_rows,
    read_texts,
)
from mepflow.storage.csv_file import write_csv
from mepflow.units import E_BOHR_IN_DEBYE

_COLUMNS_OF: Final[dict[str, tuple[str, ...]]] = {
    "subsets": ("archive_subset",),
    "largest_force_hartree_per_bohr": ("archive_largest_force",),
    "unique_molecules": ("archive_group", "molecule", "archive_energy"),
}
"""Columns that a setting needs and that not every archive has."""


def filters_before_reference(
    table: MoleculeTable, uncharacterized: Collection[str] | None, settings: Mapping[str, Any]
) -> dict[str, Filter]:
    """Return the filters of an archive's molecules that need no calculation.

    ``uncharacterized`` holds keys, None where the archive has no such list; ``settings`` are the
    ``filters`` of a dataset's configuration. Open shells are left out where the table knows them;
    InChI and SMILES are compared where it has both of a pair. Raises :class:`ConfigError` for a
    symbol that is no element, a subset that the archive has not, or a setting for which the table
    lacks a column.
    """
    _require_columns(table, settings)
    filters: dict[str, Filter] = {}
    if uncharacterized is not None:
        filters["uncharacterized"] = _uncharacterized(table, uncharacterized)
    if settings["subsets"] is not None:
        filters["other_subset"] = _other_subset(table, settings["subsets"])
    filters["unsupported_element"] = _unsupported_element(table, settings["elements"])
    if settings["neutral"]:
        filters["charged"] = _charged(table)
    if "archive_radical_electrons" in table.properties:
        filters["open_shell"] = _open_shell(table)
    if settings["single_molecule"]:
        filters["several_molecules"] = several_molecules(table)
    if settings["max_atoms"] is not None:
        filters["too_large"] = _too_large(table, settings["max_atoms"])
    if settings["largest_force_hartree_per_bohr"] is not None:
        filters["large_force"] = _large_force(table, settings["largest_force_hartree_per_bohr"])
    if {"archive_inchi", "relaxed_inchi"} <= set(table.texts):
        pairs = table.texts["archive_inchi"], table.texts["relaxed_inchi"]
        filters["inchi_changed"] = _changed(inchi_change, *pairs)
    if "archive_smiles" in table.texts:
        filters["smiles_changed"] = _changed(
            smiles_change, table.texts["archive_smiles"], table.smiles
        )
    if settings["unique_molecules"]:
        filters["duplicate"] = _duplicate(table)
    return filters


def filters_after_reference(
    reference: MoleculeTable, dipole_tolerance_debye: float | None
) -> dict[str, Filter]:
    """Return the filters of molecules with a reference calculation, failed ones included.

    A row counts as failed where ``scf_converged`` is not 1 or a label is not finite; the text
    ``failure`` may say why. ``dipole`` and the archive's may differ by the tolerance in debye: the
    vectors, or their lengths where the archive has no more; with None they are not compared.
    """
    filters = {"scf_not_converged": _scf_not_converged(reference)}
    if dipole_tolerance_debye is not None:
        differ = _vectors if "archive_dipole" in reference.properties else _lengths
        filters["dipole_mismatch"] = differ(reference, dipole_tolerance_debye)
    return filters


def select_candidates(
    archive_table_path: Path,
    rejected_path: Path,
    uncharacterized_path: Path | None,
    settings: Mapping[str, Any],
    candidates_path: Path,
    verdicts_path: Path,
    funnel_path: Path,
) -> None:
    """Write the molecules that pass the filters before the reference, all verdicts, their counts.

    ``settings`` as in :func:`filters_before_reference`. Raises :class:`InputError` where no
    molecule passes.
    """
    table = MoleculeTable.load(archive_table_path)
    listed = read_uncharacterized(uncharacterized_path) if uncharacterized_path else None
    filters = filters_before_reference(table, listed, settings)
    unreadable = _unreadable(read_texts(rejected_path, REJECTED_COLUMNS), table.ids)
    verdicts = pd.concat([unreadable, judge(table.ids, filters)])
    verdicts = verdicts.sort_values("id", ignore_index=True)
    kept = kept_rows(table, verdicts, archive_table_path)
    write_csv(verdicts, verdicts_path)
    write_csv(funnel(verdicts, [UNREADABLE, *filters]), funnel_path)
    table.select(kept).save(candidates_path)


def _require_columns(table: MoleculeTable, settings: Mapping[str, Any]) -> None:
    there = {*table.texts, *table.properties}
    for key, columns in _COLUMNS_OF.items():
        missing = [name for name in columns if name not in there]
        if settings[key] and missing:
            off = "false" if settings[key] is True else "null"
            raise ConfigError(
                f"filters.{key} needs {', '.join(missing)}, which this archive has not: set it to"
                f" {off}."
            )


def _unreadable(rejected: pd.DataFrame, readable: Iterable[str]) -> pd.DataFrame:
    """Return a verdict per molecule of which no record could be read.

    A rejected copy of a molecule that another record holds is no molecule of its own; a record
    whose name holds no key goes by its name.
    """
    keys = rejected["id"].where(rejected["id"] != "", rejected["record"])
    texts = (rejected["record"] + ": " + rejected["reason"]).groupby(keys).agg("; ".join)
    texts = texts[~texts.index.isin(set(readable))]
    rows = [(key, REJECTED, UNREADABLE, text) for key, text in texts.items()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _where(fails: npt.NDArray[np.bool_], detail: Callable[[int], str]) -> Filter:
    """Return the filter of the rows where ``fails`` (M,) is true."""
    return lambda rows: {row: detail(row) for row in rows[fails[rows]].tolist()}


def _changed(
    change: Callable[[str, str], str], original: Sequence[str], relaxed: Sequence[str]
) -> Filter:
    """Return the filter of the rows for which ``change`` of the two texts has something to say."""

    def find(rows: IntArray) -> dict[int, str]:
        details = {row: change(original[row], relaxed[row]) for row in rows.tolist()}
        return {row: detail for row, detail in details.items() if detail}

    return find


def _uncharacterized(table: MoleculeTable, listed: Collection[str]) -> Filter:
    fails = np.array([key in listed for key in table.ids], dtype=bool)
    return _where(fails, lambda row: "in the archive's list of uncharacterized molecules")


def _other_subset(table: MoleculeTable, subsets: Collection[str]) -> Filter:
    column = table.texts["archive_subset"]
    there = set(column)
    if unknown := [name for name in subsets if name not in there]:
        raise ConfigError(
            f"filters.subsets holds {unknown[0]!r}, which the archive has not: it has"
            f" {', '.join(map(repr, sorted(there)))}."
        )
    fails = np.array([name not in subsets for name in column], dtype=bool)
    return _where(fails, lambda row: f"in the subset {column[row]!r}")


def _unsupported_element(table: MoleculeTable, elements: Iterable[str]) -> Filter:
    supported = list(elements)
    if unknown := [name for name in supported if name not in ATOMIC_NUMBERS]:
        raise ConfigError(f"filters.elements holds {unknown[0]!r}, which is no element.")
    foreign = ~np.isin(table.atomic_numbers, [ATOMIC_NUMBERS[name] for name in supported])
    # Foreign atoms in all molecules up to each.
    before = np.concatenate([[0], np.cumsum(foreign)])[table.atom_offsets]

    def detail(row: int) -> str:
        atoms = table.atoms(row)
        numbers = np.unique(table.atomic_numbers[atoms][foreign[atoms]])
        names = ", ".join(symbol(int(number)) for number in numbers)
        return f"holds {names}; supported are {', '.join(supported)}"

    return _where(np.diff(before) > 0, detail)


def _charged(table: MoleculeTable) -> Filter:
    return _where(
        table.total_charge != 0, lambda row: f"the total charge is {table.total_charge[row]:+d} e"
    )


def _open_shell(table: MoleculeTable) -> Filter:
    unpaired = table.properties["archive_radical_electrons"]
    return _where(unpaired != 0, lambda row: f"unpaired electrons: {unpaired[row]:g}")


def _too_large(table: MoleculeTable, max_atoms: int) -> Filter:
    sizes = np.diff(table.atom_offsets)
    return _where(sizes > max_atoms, lambda row: f"{sizes[row]} atoms, the limit is {max_atoms}")


def _large_force(table: MoleculeTable, limit: float) -> Filter:
    """Return the filter of large forces; it rejects geometries without a gradient, too."""
    forces = table.properties["archive_largest_force"]

    def detail(row: int) -> str:
        if np.isnan(forces[row]):
            return "no gradient in the archive"
        return (
            f"largest force component {forces[row]:.4g} hartree/bohr, the limit is {limit:g}"
            " hartree/bohr"
        )

    return _where(~(forces <= limit), detail)


def _duplicate(table: MoleculeTable) -> Filter:
    """Return the filter of groups whose molecule another group has with a lower energy.

    Stereoisomers are different molecules. All conformers of the group with the lowest one are kept.
    """
    groups = table.texts["archive_group"]
    names = list(zip(table.texts["molecule"], table.smiles, strict=True))
    # Conformers without energy come last; of equal energies the group's name decides.
    energies = np.nan_to_num(table.properties["archive_energy"], nan=np.inf).tolist()

    def find(rows: IntArray) -> dict[int, str]:
        lowest: dict[tuple[str, str], tuple[float, str]] = {}
        for row in rows.tolist():
            candidate = (energies[row], groups[row])
            lowest[names[row]] = min(lowest.get(names[row], candidate), candidate)
        kept = {name: group for name, (_, group) in lowest.items()}
        return {
            row: f"the same molecule as {kept[names[row]]}"
            for row in rows.tolist()
            if groups[row] != kept[names[row]]
        }

    return find


def _scf_not_converged(reference: MoleculeTable) -> Filter:
    converged = reference.properties["scf_converged"] == 1
    failures = reference.texts.get("failure", [""] * len(reference))
    dipoles, quadrupoles = reference.properties["dipole"], reference.properties["quadrupole"]
    finite = np.isfinite(dipoles).all(axis=1) & np.isfinite(quadrupoles).all(axis=(1, 2))

    def detail(row: int) -> str:
        if converged[row]:
            return "the SCF converged to multipoles that are not finite"
        return failures[row] or "the SCF did not converge"

    return _where(~(converged & finite), detail)


def _lengths(reference: MoleculeTable, tolerance: float) -> Filter:
    ours = np.linalg.norm(reference.properties["dipole"], axis=1) * E_BOHR_IN_DEBYE
    theirs = reference.properties["archive_dipole_norm"] * E_BOHR_IN_DEBYE
    difference = np.abs(ours - theirs)
    return _where(
        ~(difference <= tolerance),
        lambda row: (
            f"|dipole| is {ours[row]:.4f} D, the archive's {theirs[row]:.4f} D: they differ by"
            f" {difference[row]:.4f} D, the tolerance is {tolerance:g} D"
        ),
    )


def _vectors(reference: MoleculeTable, tolerance: float) -> Filter:
    ours = reference.properties["dipole"] * E_BOHR_IN_DEBYE
    theirs = reference.properties["archive_dipole"] * E_BOHR_IN_DEBYE
    difference = np.linalg.norm(ours - theirs, axis=1)

    def vector(values: npt.NDArray[np.float64]) -> str:
        return f"({', '.join(f'{value:.4f}' for value in values)}) D"

    return _where(
        ~(difference <= tolerance),
        lambda row: (
            f"the dipole is {vector(ours[row])}, the archive's {vector(theirs[row])}: they differ"
            f" by {difference[row]:.4f} D, the tolerance is {tolerance:g} D"
        ),
    )
