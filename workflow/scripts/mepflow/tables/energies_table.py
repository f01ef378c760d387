"""Table of energies and forces, beside what the same models say of charges and potential."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from mepflow.evaluation.energy_errors import energy_errors
from mepflow.evaluation.multipole_errors import multipole_errors
from mepflow.evaluation.predictions_file import load_predictions, matched_reference
from mepflow.evaluation.sources import Source, read_sources
from mepflow.evaluation.statistics import bootstrap_interval
from mepflow.molecules import MoleculeTable
from mepflow.selection.splits import TRAIN, rows_in_split
from mepflow.storage.csv_file import read_csv
from mepflow.tables.learning_curve_table import Step
from mepflow.tables.writing import NONE, Column, counted, number, write_table
from mepflow.units import (
    BOHR_IN_ANGSTROM,
    E_BOHR2_IN_DEBYE_ANGSTROM,
    E_BOHR_IN_DEBYE,
    HARTREE_IN_EV,
)

_MEV: Final = 1000.0 * HARTREE_IN_EV
_WITH_INTERVALS: Final = ("energy_mae_mev", "forces_mae_ev_per_angstrom", "dipole_rmse_debye")
_EV_PER_ANGSTROM: Final = HARTREE_IN_EV / BOHR_IN_ANGSTROM


def energies_table(
    steps: Sequence[Step], reference: Path, headline_grid: str | None
) -> pd.DataFrame:
    """Return the errors of every variant and size of the training set, the largest first.

    They are means over structures of means over seeds. ``steps`` hold the files ``predictions``,
    ``mep`` and ``logs`` of the models of each part of the training set, the whole one last.
    The intervals hold 95 % of bootstrap samples of molecules, or of structures where all are of one
    molecule; fewer than six have none. The potential's error is the median of the structures', on
    the headline grid. Times are of a step with its share of the validations.
    """
    table = MoleculeTable.load(reference)
    rows = [row for step in reversed(steps) for row in _rows(step, table, headline_grid)]
    order = list(dict.fromkeys(row["representation"] for row in rows))
    rows.sort(key=lambda row: order.index(row["representation"]))
    return pd.DataFrame(rows)


def _rows(step: Step, table: MoleculeTable, grid: str | None) -> Iterator[dict[str, Any]]:
    count = len(rows_in_split(table.ids, step.splits, TRAIN))
    potentials = _potential_errors(step.files["mep"], grid)
    sources, logs = step.files["predictions"], step.files["logs"]
    for name in dict.fromkeys(source.name for source in sources):
        own = [source for source in sources if source.name == name]
        frames = []
        for source in own:
            predicted = load_predictions(source.path)
            matched = matched_reference(predicted, table, source.path)
            joined = energy_errors(predicted, matched).merge(
                multipole_errors(predicted, matched).drop(columns="molecule"), on="id"
            )
            frames.append(joined.assign(atoms=np.diff(predicted.atom_offsets)))
        yield {
            "representation": name,
            "n_training": count,
            "n_structures": len(frames[0]),
            "n_molecules": frames[0]["molecule"].nunique(),
            "n_seeds": len(own),
            **_errors(pd.concat(frames)),
            "mep_rmse_kcal_per_mol_e": potentials.get(name, np.nan),
            "ms_per_step": _step_time([log for log in logs if log.name == name]),
        }


def _errors(frame: pd.DataFrame) -> dict[str, float]:
    sizes: dict[str, pd.Series[float]] = {
        "energy_mae_mev": _MEV * frame["energy_hartree"].abs(),
        "energy_mae_mev_per_atom": _MEV * frame["energy_hartree"].abs() / frame["atoms"],
        "forces_mae_ev_per_angstrom": _EV_PER_ANGSTROM * frame["forces_mae"],
        "dipole_norm_mae_debye": E_BOHR_IN_DEBYE * frame["dipole_norm_error_e_bohr"].abs(),
        "dipole_rmse_debye": E_BOHR_IN_DEBYE * frame["dipole_rmse_e_bohr"],
        "quadrupole_rmse_debye_angstrom": E_BOHR2_IN_DEBYE_ANGSTROM
        * frame["quadrupole_rmse_e_bohr2"],
        "charges_rmse_e": frame["charges_rmse_e"],
    }
    one_molecule = len(set(frame["molecule"])) == 1
    found: dict[str, float] = {}
    for name, values in sizes.items():
        of_structures = values.groupby(frame["id"]).mean()
        found[name] = float(of_structures.mean())
        if name in _WITH_INTERVALS:
            molecules = frame.groupby("id")["molecule"].first()
            low = high = np.nan
            if of_structures.notna().any():
                low, high = bootstrap_interval(
                    np.asarray(of_structures, dtype=np.float64),
                    np.nanmean,
                    molecules=None if one_molecule else list(molecules[of_structures.index]),
                )
            found |= {f"{name}_low": low, f"{name}_high": high}
    return found


def _potential_errors(sources: Sequence[Source], grid: str | None) -> dict[str, float]:
    """Return the median RMSE of each variant on a grid, of means over seeds."""
    if grid is None:
        return {}
    frame = read_sources(sources)
    of_grid = frame[frame["grid"] == grid]
    means = of_grid.groupby(["name", "id"])["rmse_kcal_per_mol_e"].mean()
    medians = means.groupby("name").median()
    return {str(name): float(value) for name, value in medians.items()}


def _step_time(logs: Sequence[Source]) -> float:
    last = [read_csv(log.path).iloc[-1] for log in logs]
    return float(np.mean([1000.0 * row["wall_time_s"] / row["step"] for row in last]))


def write_energies_table(
    steps: Sequence[Step],
    reference: Path,
    headline_grid: str | None,
    csv: Path,
    markdown: Path,
) -> None:
    """Write :func:`energies_table` as CSV and Markdown."""
    columns = (
        Column("Variant", lambda row: row.representation, "left"),
        Column("Training structures", lambda row: f"{row.n_training:,}"),
        Column("E MAE (meV)", _with_interval("energy_mae_mev", 1)),
        Column("per atom", number("energy_mae_mev_per_atom", 2)),
        Column("F MAE (eV/Å)", _with_interval("forces_mae_ev_per_angstrom", 3)),
        Column("\\|μ\\| MAE (D)", number("dipole_norm_mae_debye", 3)),
        Column("μ RMSE (D)", _with_interval("dipole_rmse_debye", 3)),
        Column("Θ′ RMSE (D·Å)", number("quadrupole_rmse_debye_angstrom", 2)),
        Column("q RMSE (e)", number("charges_rmse_e", 3)),
        Column("MEP RMSE (kcal/mol/e)", number("mep_rmse_kcal_per_mol_e", 2)),
        Column("ms a step", number("ms_per_step", 1)),
        Column("Seeds", lambda row: str(row.n_seeds)),
    )
    table = energies_table(steps, reference, headline_grid)
    first = table.iloc[0]
    write_table(
        table,
        columns,
        csv,
        markdown,
        title="Energies and forces",
        note=f"Of {counted(first['n_structures'], 'test structure')} of"
        f" {counted(first['n_molecules'], 'molecule')}; in brackets 95 % bootstrap intervals.",
    )


def _with_interval(name: str, decimals: int) -> Any:
    def cell(row: Any) -> str:
        value, low, high = (getattr(row, f"{name}{end}") for end in ("", "_low", "_high"))
        if np.isnan(value):
            return NONE
        interval = "" if np.isnan(low) else f" [{low:.{decimals}f}, {high:.{decimals}f}]"
        return f"{value:.{decimals}f}{interval}"

    return cell
