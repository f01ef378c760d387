"""Table of density models beside multipoles: potential and moments of all test molecules."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mepflow.evaluation.mep_errors import WITH_PENETRATION
from mepflow.evaluation.paired_differences import (
    DIFFERENCE,
    difference_of,
    errors_by_molecule,
    paired_differences,
)
from mepflow.evaluation.sources import Source, read_sources
from mepflow.naming import grid_label
from mepflow.runs.density_settings import USUAL
from mepflow.tables.densities_table import density_label
from mepflow.tables.writing import Column, counted, difference_text, number, write_table
from mepflow.units import E_BOHR2_IN_DEBYE_ANGSTROM, E_BOHR_IN_DEBYE

_RMSE: Final = "rmse_kcal_per_mol_e"
_MEAN, _PENETRATED = "mean_rmse_", "mean_rmse_with_penetration_"
_DIPOLE, _QUADRUPOLE = "dipole_error_debye", "quadrupole_rmse_debye_angstrom"


def density_mep_table(
    mep: Sequence[Source], multipoles: Sequence[Source], headline_grid: str
) -> pd.DataFrame:
    """Return a row per source: mean errors on every grid, of dipole and Θ′, and differences.

    ``mep`` and ``multipoles`` are files of :mod:`mepflow.evaluation.mep_errors` and
    :mod:`mepflow.evaluation.multipole_errors`. The difference is that of the usual density model
    minus the row's source on ``headline_grid``, paired, with penetration where the row's potential
    has it; over molecules, or over the geometries of one.
    """
    errors, moments = _of_units(read_sources(mep)), _of_units(read_sources(multipoles))
    if WITH_PENETRATION not in errors:
        errors[WITH_PENETRATION] = float("nan")
    best = "best"
    errors[best] = errors[WITH_PENETRATION].fillna(errors[_RMSE])
    on_grid = errors[errors["grid"] == headline_grid]
    pairs = paired_differences(errors_by_molecule(on_grid, best))
    # The length is that of three components.
    moments[_DIPOLE] = moments["dipole_rmse_e_bohr"] * 3.0**0.5 * E_BOHR_IN_DEBYE
    moments[_QUADRUPOLE] = moments["quadrupole_rmse_e_bohr2"] * E_BOHR2_IN_DEBYE_ANGSTROM
    grids = sorted(errors["grid"].unique(), key=lambda grid: (grid != headline_grid, grid))
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys(errors["name"]):
        own, of_moments = (frame[frame["name"] == name] for frame in (errors, moments))
        row: dict[str, Any] = {"name": name, "n_molecules": own["molecule"].nunique()}
        row["n_seeds"] = own["seed"].nunique()
        for grid in grids:
            part = own[own["grid"] == grid]
            row[f"{_MEAN}{grid}"] = part[_RMSE].mean()
            row[f"{_PENETRATED}{grid}"] = part[WITH_PENETRATION].mean()
        row |= {column: of_moments[column].mean() for column in (_DIPOLE, _QUADRUPOLE)}
        ends = (float("nan"),) * 3 if name == USUAL else difference_of(pairs, USUAL, name)
        rows.append(row | dict(zip(DIFFERENCE, ends, strict=True)))
    return pd.DataFrame(rows)


def _of_units(errors: pd.DataFrame) -> pd.DataFrame:
    """Return errors whose ``molecule`` is what intervals are over: structures of a single one."""
    is_single = len(set(errors["molecule"])) == 1
    return errors.assign(molecule=errors["id"]) if is_single else errors


def write_density_mep_table(
    mep: Sequence[Source],
    multipoles: Sequence[Source],
    headline_grid: str,
    csv: Path,
    markdown: Path,
) -> None:
    """Write :func:`density_mep_table` as CSV and Markdown."""
    table = density_mep_table(mep, multipoles, headline_grid)
    grids = [n.removeprefix(_PENETRATED) for n in map(str, table) if n.startswith(_PENETRATED)]
    of_grids = [
        column
        for grid in grids
        for column in (
            Column(f"MEP, {grid_label(grid)}", number(f"{_MEAN}{grid}", 3)),
            Column(f"{grid_label(grid)} with penetration", number(f"{_PENETRATED}{grid}", 3)),
        )
    ]
    columns = [
        Column("Source", lambda row: density_label(row.name), "left"),
        *of_grids,
        Column(f"Density model − source, {grid_label(headline_grid)}", _difference),
        Column("μ (D)", number(_DIPOLE, 3)),
        Column("Θ′ (D·Å)", number(_QUADRUPOLE, 3)),
        Column("Seeds", lambda row: f"{row.n_seeds}" if row.n_seeds else ""),
    ]
    note = (
        f"Means over {counted(int(table['n_molecules'].max()), 'test structure')} of"
        " root-mean-square errors in kcal/mol/e; a density's potential holds penetration by itself."
        " The difference is paired, with its 95 % bootstrap interval, and takes the source's"
        " potential with penetration where it has one. μ: length of the error; Θ′: root mean square"
        " of its components."
    )
    title = "Potential and moments of densities and multipoles"
    write_table(table, columns, csv, markdown, title=title, note=note)


def _difference(row: Any) -> str:
    if row.name == USUAL:
        return "–"
    return difference_text(*(getattr(row, name) for name in DIFFERENCE))
