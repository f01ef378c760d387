"""The last words of a run: what it made, the headline numbers, where to look, what failed.

Only the standard library is imported: the workflow reads this whenever it is parsed.
"""

import csv
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mepflow.naming import FLOORS, grid_words, representation_label
from mepflow.runs.status import JobStatus, State, described, error_of, status

REPORT_PAGE: Final = "report.html"
_ADVICE: Final = "Correct the cause and run the same command again: what is finished is kept."
_CHECK_LOG: Final = "logs/verify.log"
"""Log of the check of the results, which makes nothing and so is no job of a plan."""
_BEFORE_TABLES: Final = ("train_model", "train_seeds", "evaluate_models", "evaluate_baseline")
"""Rules that the table of errors waits for: a learning curve has a table of its own."""
_OF_REFERENCE: Final = {
    "scf_not_converged": "without a converged reference calculation",
    "dipole_mismatch": "with a computed dipole unlike the archive's",
}
"""Reasons of rejection that the reference calculations give."""


def summary(config: Mapping[str, Any], plan: Sequence[Mapping[str, Any]], started: float) -> str:
    """Return what a run has made since ``started`` (seconds since the epoch), for a terminal.

    ``plan`` holds all jobs of the configuration, see :mod:`mepflow.runs.status`. A dataset whose
    table of errors is not there (only a part was asked for) has no numbers. Where nothing was made,
    as by ``snakemake verify``, nothing is said.
    """
    jobs = status(plan)
    new = [job for job in jobs if job.made is not None and job.made >= started - 1]
    if not new:
        return ""
    results = Path(config["results"])
    lines = []
    for name, dataset in config["datasets"].items():
        own = [job for job in jobs if job.wildcards.get("dataset") == name]
        lines += _dataset(results / name, dataset["headline_grid"], own)
    lines += ["", *_where(results, config["datasets"]), *_times(results, new, started)]
    lines += _unfinished(jobs)
    return "\n".join(lines)


def failures(
    config: Mapping[str, Any],
    plan: Sequence[Mapping[str, Any]],
    started: float,
    snakemake_log: str,
) -> str:
    """Return which jobs of a run that began at ``started`` failed, why, and how to go on.

    A check of the results, which has found problems, has said all that there is to say.
    """
    check = Path(config["results"]) / _CHECK_LOG
    if _is_new(check, started) and (problems := error_of(check)):
        return f"\n{problems}"
    jobs = [
        job
        for job in status(plan)
        if job.state in (State.FAILED, State.STOPPED) and _is_new(job.log, started)
    ]
    lines = [""]
    failed = [job for job in jobs if job.state is State.FAILED]
    stopped = [job for job in jobs if job.state is State.STOPPED]
    if failed:
        lines += ["Failed:", *_described(failed)]
    if stopped:
        lines += [
            "Ended without a message (killed, or out of memory or time):",
            *_described(stopped),
        ]
    if not jobs:
        lines.append(f"No job says why; see Snakemake's own messages above and in {snakemake_log}.")
    return "\n".join([*lines, "", _ADVICE])


def _is_new(log: Path, started: float) -> bool:
    return log.exists() and log.stat().st_mtime >= started - 1


def _described(jobs: Sequence[JobStatus]) -> Iterator[str]:
    for job in jobs:
        yield from described(job)


def _dataset(folder: Path, grid: str, jobs: Sequence[JobStatus]) -> list[str]:
    finished = [job for job in jobs if job.state is State.FINISHED]
    made = Counter(job.stage for job in finished)
    models = Counter(
        job.rule for job in finished for file in job.outputs if Path(file).name == "model.pt"
    )
    counts = {
        "model": models.total() - models["train_on_part"],
        "model of the learning curve": models["train_on_part"],
        "table": made["tables"],
        "figure": made["figures"],
    }
    parts = [_counted(count, name) for name, count in counts.items() if count]
    kept, failed = _molecules(folder / "reference" / "verdicts.csv")
    lines = ["", f"{folder.name}: {', '.join([*kept, *parts])}", *failed]
    table = folder / "tables" / "mep.csv"
    evaluated = max((job.made or 0 for job in jobs if job.rule in _BEFORE_TABLES), default=0)
    if not table.exists():
        return lines
    if table.stat().st_mtime < evaluated:
        return [*lines, f"  {table} is older than its models."]
    return [*lines, "", *_headline(table, grid)]


def _molecules(verdicts: Path) -> tuple[list[str], list[str]]:
    """Return how many records were kept, and a line on those that the reference rejected."""
    if not verdicts.exists():
        return [], []
    with verdicts.open(newline="") as file:
        rows = [(row["verdict"], row["reason"]) for row in csv.DictReader(file)]
    kept = sum(verdict == "kept" for verdict, _ in rows)
    counts = Counter(reason for _, reason in rows)
    found = [f"{counts[reason]} {text}" for reason, text in _OF_REFERENCE.items() if counts[reason]]
    line = f"  Of the others {', '.join(found)}: {verdicts}"
    return [f"{kept} of {len(rows)} records kept"], [line] if found else []


def _headline(table: Path, grid: str) -> list[str]:
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["grid"] == grid]
    if not rows:
        return []
    labels = [representation_label(row["representation"]) for row in rows]
    width = max(map(len, labels))
    chosen = _chosen(rows)
    lines = [
        "  Error of the molecular electrostatic potential in kcal/mol/e: median RMSE over"
        f" {rows[0]['n_structures']}",
        f"  test structures on {grid_words(grid)}, with its 95 % interval:",
        "",
    ]
    for label, row in zip(labels, rows, strict=True):
        name, is_model = row["representation"], row["kind"] == "model"
        remark = "chosen on the validation molecules" if name == chosen else ""
        remark = remark or FLOORS.get(name, "" if is_model else "not learned")
        lines.append(f"  {label:{width}}  {_error(row)}  {remark}".rstrip())
    return lines


def _chosen(rows: Sequence[Mapping[str, str]]) -> str | None:
    """Return the model with the smallest error on the validation molecules, if that is there."""
    errors = {row["representation"]: row.get("validation_error") for row in rows}
    known = {name: float(error) for name, error in errors.items() if error}
    return min(known, key=known.__getitem__, default=None)


def _error(row: Mapping[str, str]) -> str:
    median, *ends = (row.get(f"median_rmse{end}_kcal_per_mol_e") for end in ("", "_low", "_high"))
    interval = f"[{', '.join(f'{float(end):.2f}' for end in ends if end)}]" if all(ends) else ""
    return f"{float(median or math.nan):6.2f}  {interval:14}"


def _where(results: Path, datasets: Mapping[str, Any]) -> Iterator[str]:
    page = results / REPORT_PAGE
    if page.exists():
        yield f"Everything in one page: {page}"
    for name in datasets:
        yield f"{name}: figures in {results / name}/figures, tables in {results / name}/tables"


def _times(results: Path, jobs: Sequence[JobStatus], started: float) -> Iterator[str]:
    """Yield the time that the run and its jobs have taken, the latter from the benchmarks."""
    seconds = [
        _cpu_seconds(path)
        for pattern in ("benchmarks/**/*.tsv", "*/benchmarks/**/*.tsv")
        for path in results.glob(pattern)
        if path.stat().st_mtime >= started - 1
    ]
    used = f", {_duration(sum(seconds))} of processor time" if sum(seconds) >= 1 else ""
    yield f"{_counted(len(jobs), 'job')} in {_duration(time.time() - started)}{used}"


def _cpu_seconds(path: Path) -> float:
    """Return the processor time in a benchmark of Snakemake's, which has none of short jobs."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    try:
        value = float(rows[-1]["cpu_time"])
    except (LookupError, ValueError):
        return 0.0
    return value if math.isfinite(value) else 0.0


def _counted(count: int, name: str) -> str:
    """Return a number of things in words; of a name with ``of`` the word before it is counted."""
    head, of, tail = name.partition(" of ")
    return f"{count} {head}{'' if count == 1 else 's'}{of}{tail}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _unfinished(jobs: Sequence[JobStatus]) -> Iterator[str]:
    count = sum(job.state is not State.FINISHED for job in jobs)
    if count:
        yield f"{_counted(count, 'job')} of the whole run to do: ./mepflow status"
