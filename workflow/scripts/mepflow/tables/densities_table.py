"""Table of the errors of densities, and of multipoles beside them, on the same molecules."""

from pathlib import Path
from typing import Final

import pandas as pd

from mepflow.densities.fit_names import FREE_ATOMS, LABELS_FIT
from mepflow.naming import grid_label, representation_label
from mepflow.runs.density_settings import USUAL
from mepflow.storage.csv_file import read_csv
from mepflow.tables.writing import Column, counted, number, write_table

LABELS: Final[dict[str, str]] = {
    FREE_ATOMS: "Free atoms",
    "fit-overlap": "Fit, overlap metric",
    "fit-coulomb": "Fit, Coulomb metric",
    "fit-coulomb-dipole": "Fit, Coulomb metric, exact dipole",
    LABELS_FIT: "Fit, Coulomb + potential (labels)",
    USUAL: "Density model",
}
"""Densities in the order of the table; those in other basis sets and multipoles follow."""
MEP: Final = "mep_"
"""What the columns of the potential's errors begin with, before the name of the grid."""
_COUNTS: Final = ("n_molecules", "n_seeds")


def density_label(name: str) -> str:
    """Return what a row is called: a fit, with its basis set, a density model or multipoles."""
    fit, _, basis = name.partition("@")
    if basis:
        return f"{LABELS[fit].partition(' (')[0]}, {basis}"
    other = name.removeprefix(f"{USUAL}-")
    return LABELS.get(name, representation_label(name) if other == name else f"Density, {other}")


def densities_table(errors: pd.DataFrame) -> pd.DataFrame:
    """Return the means over molecules, of errors averaged over seeds: a row per source.

    ``errors`` are rows of :func:`mepflow.densities.density_evaluation.evaluate_densities`.
    """
    values = [column for column in errors if column not in ("id", "name", "seed")]
    by_molecule = errors.groupby(["name", "id"], sort=False)[values].mean()
    table = by_molecule.groupby("name", sort=False).mean()
    groups = errors.groupby("name", sort=False)
    table.insert(0, _COUNTS[0], groups["id"].nunique())
    table.insert(1, _COUNTS[1], groups["seed"].nunique())
    known = [name for name in LABELS if name in table.index]
    others = [name for name in table.index if name not in LABELS]
    return table.loc[known + others].reset_index()


def write_densities_table(errors: Path, csv: Path, markdown: Path) -> None:
    """Write :func:`densities_table` of a file as CSV and Markdown."""
    table = densities_table(read_csv(errors))
    names = list(map(str, table.columns))
    grids = [name.removeprefix(MEP) for name in names if name.startswith(MEP)]
    columns = [
        Column("Source", lambda row: density_label(row.name), "left"),
        Column("Density (%)", number("density_error_percent")),
        Column("> 0.5 Å from nuclei", number("density_error_outside_percent")),
        Column("from the label (%)", number("density_from_label_percent")),
        Column("μ (D)", number("dipole_error_debye", 3)),
        Column("Θ′ (D·Å)", number("quadrupole_rmse_debye_angstrom", 3)),
        *(Column(f"MEP, {grid_label(grid)}", number(f"{MEP}{grid}", 3)) for grid in grids),
    ]
    molecules = counted(int(table["n_molecules"].max()), "molecule")
    note = (
        f"Means over {molecules} of the test set, computed again with their exact densities."
        " Density: the integral of the error's absolute value in per cent of the electrons, against"
        " the exact density, and against the fit that the model learned (label). Dipole: length of"
        " the error; Θ′: root mean square of its components; MEP: root mean square on the grid, in"
        " kcal/mol/e. Multipoles are without penetration: inside the van der Waals surface they are"
        " no model of the potential."
    )
    write_table(table, columns, csv, markdown, title="Electron densities", note=note)
