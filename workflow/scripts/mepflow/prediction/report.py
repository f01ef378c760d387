"""What ``predict`` prints: a short table with units, warnings, and where the files lie."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from mepflow.charges.schemes import SCHEMES
from mepflow.evaluation.calibration import DIPOLE, Calibration
from mepflow.prediction.batch_folder import Finished
from mepflow.prediction.job import Job
from mepflow.prediction.model_set import ModelSet
from mepflow.prediction.outcome_tables import MOLECULES, REFERENCES
from mepflow.prediction.predictor import Predictor
from mepflow.prediction.report_columns import molecule_columns, number
from mepflow.prediction.table_summary import SomeRows, TableSummary, csv_rows

_LEFT_COLUMNS: Final = ("molecule", "formula")
_REFERENCE_HEADINGS: Final = ("molecule", "RMSE of MEP", "relative", "|dipole error|", "Θ′ RMSE")
_REFERENCE_UNITS: Final = ("", "kcal/mol/e", "%", "debye", "e·bohr²")


def report(job: Job, finished: Finished, files: Sequence[Path]) -> str:
    """Return the summary of a finished job, for a terminal."""
    summary = TableSummary.of(job.folder / MOLECULES)
    lines = [_about(job.predictor.ensemble), "", *_molecules(job, summary)]
    if job.level is not None:
        lines += ["", *_references(job.level, job.folder / REFERENCES)]
    remarks = [*_failures(summary.failed, finished.done), *_remarks(job, summary, finished)]
    lines += ["", *remarks] if remarks else []
    kinds = Counter(path.suffix for path in files)
    names = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return "\n".join([*lines, "", f"Written to {job.folder}: {names}", ""])


def _about(ensemble: ModelSet) -> str:
    count = ensemble.count
    mean = "mean" if ensemble.calibrations else "mean and spread"
    seeds = "1 model, so no spread" if count == 1 else f"{mean} of {count} models"
    trained = "".join(f", trained with {domain.molecules} molecules" for domain in ensemble.domains)
    return f"{ensemble.name}: {seeds}{trained}"


def _molecules(job: Job, summary: TableSummary) -> list[str]:
    calibrations = job.predictor.ensemble.calibrations
    columns = molecule_columns(is_calibrated=bool(calibrations), with_mep=not job.moments_only)
    found = summary.predicted
    cells = [[column.cell(row) for column in columns] for row in found.rows]
    headings, units = ([getattr(c, name) for c in columns] for name in ("heading", "unit"))
    table = _table(headings, units, cells, found.count)
    notes = list(_notes(calibrations, with_mep=not job.moments_only))
    charges = [] if job.moments_only else _charges(job.predictor, summary.largest_deviation)
    return [*table, *([""] if notes else []), *notes, *charges]


def _notes(calibrations: Mapping[str, Calibration], *, with_mep: bool) -> Iterator[str]:
    """Yield what the table's numbers are."""
    if calibrations:
        of_dipole = calibrations[DIPOLE]
        what, n = ("± and error" if with_mep else "±"), of_dipole.molecules
        yield f"{what}: the root-mean-square error to expect, calibrated on {n} molecules;"
        is_known = not np.isnan(of_dipole.bound)
        bound = "what 95 % of errors do not exceed" if is_known else "not known from so few"
        yield f"95 %: {bound}. Molecules unlike those have larger errors."
    if with_mep:
        what = "error" if calibrations else "spread"
        yield f"MEP and {what} (root mean square) at 1.4 to 2.0 Bondi radii."


def _charges(predictor: Predictor, largest_deviation: float) -> list[str]:
    """Return what the charges in the files are; nothing where they are the model's own."""
    if not largest_deviation:
        return []
    said = (
        f"In the files: {SCHEMES[predictor.charge_scheme].text}; they add up to the total charge."
    )
    if not predictor.ensemble.has_atomic_terms:
        return [
            said,
            f"Alone they give it to within {largest_deviation:.2f} kcal/mol/e (root mean square,"
            " worst molecule).",
            "An electron density has no atomic charges: they are a fit to its potential.",
        ]
    return [
        said,
        f"Alone they give it to within {largest_deviation:.2f} kcal/mol/e (root mean square, worst "
        "molecule). The",
        "model's own atomic charges and dipoles belong together: atomic_* in atoms.csv.",
    ]


def _references(level: str, path: Path) -> list[str]:
    done, failed = SomeRows(), SomeRows()
    for row in csv_rows(path):
        (failed if row["failure"] else done).add(row)
    cells = [
        (
            row["name"],
            number(row["mep_rmse_kcal_per_mol_e"], ".2f"),
            f"{100.0 * float(row['mep_relative_rmse']):.1f}",
            number(row["dipole_error_norm_debye"], ".3f"),
            number(row["theta_prime_rmse_e_bohr2"], ".3f"),
        )
        for row in done.rows
    ]
    table = _table(_REFERENCE_HEADINGS, _REFERENCE_UNITS, cells, done.count) if cells else []
    missing = [f"{row['name']}: no reference, {row['failure']}" for row in failed.rows]
    more = [f"and {failed.more} more without a reference, see {REFERENCES}"] if failed.more else []
    return [f"Against {level}:", "", *table, *missing, *more]


def _table(
    headings: Sequence[str], units: Sequence[str], cells: Sequence[Sequence[str]], total: int
) -> list[str]:
    lines = [tuple(headings), tuple(units), *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = ["<" if column in _LEFT_COLUMNS else ">" for column in headings]
    form = "  ".join(f"{{:{side}{width}}}" for side, width in zip(aligned, widths, strict=True))
    more = [f"and {total - len(cells)} more, see the tables"] if total > len(cells) else []
    return [*(form.format(*line).rstrip() for line in lines), *more]


def _failures(failed: SomeRows, total: int) -> Iterator[str]:
    if not failed.count:
        return
    yield f"Not predicted: {failed.count:,} of {total:,} molecules."
    for row in failed.rows:
        yield f"  {row['name']}: {row['failure']}"
    if failed.more:
        yield f"  and {failed.more:,} more, see the column failure of {MOLECULES}"


def _remarks(job: Job, summary: TableSummary, finished: Finished) -> Iterator[str]:
    assumed = [row["name"] for row in summary.assumed.rows]
    if assumed:
        names = ", ".join(assumed[:3]) + (" and others" if summary.assumed.count > 3 else "")
        yield f"No total charge was given for {names}: 0 is assumed (--charge)."
    for row in summary.doubtful.rows:
        yield f"Warning: {row['name']}: {row['warnings']}."
    if summary.doubtful.more:
        yield f"Warnings on {summary.doubtful.more} more molecules are in {MOLECULES}."
    if job.surfaces and not job.predictor.ensemble.has_atomic_terms:
        # Imported here: only models of the density need its functions.
        from mepflow.densities.isodensity_surface import ISODENSITY

        yield f"Surfaces are where the density is {ISODENSITY} e/bohr³."
    if not job.predictor.ensemble.domains:
        yield "The model's file does not say what it was trained with: sizes are not checked."
    if finished.periodic:
        periodic = finished.periodic
        yield f"The periodic cells of {periodic} molecules are ignored: the atoms alone count."
    if job.is_many and job.cubes is None and job.pqr is None and not job.moments_only:
        yield "No cubes and PQR files for so many molecules: --cubes and --pqr write them."
