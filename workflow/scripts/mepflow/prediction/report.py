"""What ``predict`` prints: a short table with units, warnings, and where the files lie."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from mepflow.prediction.csv_tables import Row
from mepflow.prediction.job import Job, Results
from mepflow.prediction.model_folder import Ensemble

_MOST_LINES: Final = 20
_HEADINGS: Final = ("molecule", "formula", "charge", "|dipole|", "MEP from", "to", "spread")
_LEFT_COLUMNS: Final = ("molecule", "formula")
_UNITS: Final = ("", "", "e", "debye", "kcal/mol/e", "kcal/mol/e", "kcal/mol/e")
_REFERENCE_HEADINGS: Final = ("molecule", "RMSE of MEP", "relative", "|dipole error|", "Θ′ RMSE")
_REFERENCE_UNITS: Final = ("", "kcal/mol/e", "%", "debye", "e·bohr²")


def report(job: Job, results: Results) -> str:
    """Return the summary of a finished job, for a terminal."""
    lines = [_about(job.predictor.ensemble), "", *_molecules(results.molecules)]
    if results.references:
        lines += ["", *_references(results.references)]
    remarks = [*_remarks(job, results)]
    lines += ["", *remarks] if remarks else []
    kinds = Counter(path.suffix for path in results.files)
    files = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return "\n".join([*lines, "", f"Written to {job.folder}: {files}", ""])


def _about(ensemble: Ensemble) -> str:
    count = len(ensemble.models)
    seeds = "1 model, so no spread" if count == 1 else f"mean and spread of {count} models"
    trained = "".join(f", trained with {domain.molecules} molecules" for domain in ensemble.domains)
    return f"{ensemble.name}: {seeds}{trained}"


def _molecules(rows: Sequence[Row]) -> list[str]:
    cells = [
        (
            row["name"],
            row["formula"],
            f"{row['total_charge_e']:+d}" if row["total_charge_e"] else "0",
            _with_spread(row["dipole_norm_debye"], row["dipole_norm_spread_debye"]),
            f"{row['mep_lowest_kcal_per_mol_e']:.1f}",
            f"{row['mep_highest_kcal_per_mol_e']:+.1f}",
            _number(row["mep_spread_kcal_per_mol_e"]),
        )
        for row in rows[:_MOST_LINES]
    ]
    note = "MEP and spread (root mean square) at 1.4 to 2.0 Bondi radii."
    return [*_table(_HEADINGS, _UNITS, cells, len(rows)), "", note, *_charges(rows)]


def _charges(rows: Sequence[Row]) -> list[str]:
    """Return what the charges in the files are; nothing where they are the model's own."""
    deviations = [row["mep_of_charges_rmse_kcal_per_mol_e"] for row in rows]
    if not any(deviations):
        return []
    largest = max(deviations)
    return [
        "Charges in the files are fitted to that potential and add up to the total charge. Alone",
        f"they give it to within {largest:.2f} kcal/mol/e (root mean square, worst molecule). The",
        "model's own atomic charges and dipoles belong together: atomic_* in atoms.csv.",
    ]


def _references(rows: Sequence[Row]) -> list[str]:
    done = [row for row in rows if not row["failure"]]
    cells = [
        (
            row["name"],
            f"{row['mep_rmse_kcal_per_mol_e']:.2f}",
            f"{100.0 * row['mep_relative_rmse']:.1f}",
            f"{row['dipole_error_norm_debye']:.3f}",
            f"{row['theta_prime_rmse_e_bohr2']:.3f}",
        )
        for row in done[:_MOST_LINES]
    ]
    title = f"Against {rows[0]['level']}:"
    failed = [f"{row['name']}: no reference, {row['failure']}" for row in rows if row["failure"]]
    table = _table(_REFERENCE_HEADINGS, _REFERENCE_UNITS, cells, len(done)) if done else []
    return [title, "", *table, *failed]


def _table(
    headings: Sequence[str], units: Sequence[str], cells: Sequence[Sequence[str]], total: int
) -> list[str]:
    lines = [tuple(headings), tuple(units), *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = ["<" if column in _LEFT_COLUMNS else ">" for column in headings]
    form = "  ".join(f"{{:{side}{width}}}" for side, width in zip(aligned, widths, strict=True))
    more = [f"and {total - len(cells)} more, see the tables"] if total > len(cells) else []
    return [*(form.format(*line).rstrip() for line in lines), *more]


def _remarks(job: Job, results: Results) -> Iterator[str]:
    assumed = [row["name"] for row in results.molecules if row["total_charge_from"] == "assumed"]
    if assumed:
        names = ", ".join(assumed[:3]) + (" and others" if len(assumed) > 3 else "")
        yield f"No total charge was given for {names}: 0 is assumed (--charge)."
    doubtful = [row for row in results.molecules if row["warnings"]]
    for row in doubtful[:_MOST_LINES]:
        yield f"Warning: {row['name']}: {row['warnings']}."
    if len(doubtful) > _MOST_LINES:
        yield f"Warnings on {len(doubtful) - _MOST_LINES} more molecules are in multipoles.csv."
    if not job.predictor.ensemble.domains:
        yield "The model's file does not say what it was trained with: sizes are not checked."
    periodic = sum(structure.is_periodic for structure in job.structures)
    if periodic:
        yield f"The periodic cells of {periodic} molecules are ignored: the atoms alone count."
    if not job.writes_cubes and job.cubes is None:
        yield "No cubes and PQR files for so many molecules: --cubes and --pqr write them."


def _with_spread(value: float, spread: float) -> str:
    return f"{value:.2f}" if math.isnan(spread) else f"{value:.2f} ± {spread:.2f}"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"
