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

from mepflow.naming import FLOORS
from mepflow.runs.status import JobStatus, State, described, status

REPORT_PAGE: Final = "report.html"
_ADVICE: Final = "Correct the cause and run the same command again: what is finished is kept."
_BEFORE_TABLES: Final = ("train_model", "evaluate_models", "evaluate_baseline")
"""Rules that the table of errors waits for: a learning curve has a table of its own."""
_FAILED_REFERENCE: Final = "scf_not_converged"


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


def failures(plan: Sequence[Mapping[str, Any]], started: float, snakemake_log: str) -> str:
    """Return which jobs of a run that began at ``started`` failed, why, and how to go on."""
    jobs = [
        job
        for job in status(plan)
        if job.state in (State.FAILED, State.STOPPED)
        and job.log.exists()
        and job.log.stat().st_mtime >= started - 1
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


def _described(jobs: Sequence[JobStatus]) -> Iterator[str]:
    for job in jobs:
        yield from described(job)


def _dataset(folder: Path, grid: str, jobs: Sequence[JobStatus]) -> list[str]:
    made = Counter(job.stage for job in jobs if job.state is State.FINISHED)
    parts = [f"{made[stage]} {stage}" for stage in ("models", "tables", "figures") if made[stage]]
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
    """Return how many records were kept, and a line on those whose reference failed, if any."""
    if not verdicts.exists():
        return [], []
    with verdicts.open(newline="") as file:
        rows = [(row["verdict"], row["reason"]) for row in csv.DictReader(file)]
    kept = sum(verdict == "kept" for verdict, _ in rows)
    failed = sum(reason == _FAILED_REFERENCE for _, reason in rows)
    line = f"  {failed} of the others failed in the reference calculation: {verdicts}"
    return [f"{kept} of {len(rows)} records kept"], [line] if failed else []


def _headline(table: Path, grid: str) -> list[str]:
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["grid"] == grid]
    if not rows:
        return []
    width = max(len(row["representation"]) for row in rows)
    lines = [
        f"  Median RMSE of the MEP over {rows[0]['n_structures']} test structures, grid {grid}:",
        "",
    ]
    for row in rows:
        median = float(row["median_rmse_kcal_per_mol_e"])
        name = row["representation"]
        remark = FLOORS.get(name, "" if row["kind"] == "model" else "not learned")
        lines.append(f"  {name:{width}}  {median:6.2f} kcal/mol/e  {remark}".rstrip())
    return lines


def _where(results: Path, datasets: Mapping[str, Any]) -> Iterator[str]:
    page = results / REPORT_PAGE
    if page.exists():
        yield f"Everything in one page: {page}"
    for name in datasets:
        yield f"Figures: {results / name}/figures   Tables: {results / name}/tables"


def _times(results: Path, jobs: Sequence[JobStatus], started: float) -> Iterator[str]:
    """Yield the time that the run and its jobs have taken, the latter from the benchmarks."""
    seconds = [
        _cpu_seconds(path)
        for pattern in ("benchmarks/**/*.tsv", "*/benchmarks/**/*.tsv")
        for path in results.glob(pattern)
        if path.stat().st_mtime >= started - 1
    ]
    yield (
        f"{len(jobs)} jobs in {_duration(time.time() - started)}"
        f" ({_duration(sum(seconds))} of processor time in {len(seconds)} of them)"
    )


def _cpu_seconds(path: Path) -> float:
    """Return the processor time in a benchmark of Snakemake's, which has none of short jobs."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    try:
        value = float(rows[-1]["cpu_time"])
    except (LookupError, ValueError):
        return 0.0
    return value if math.isfinite(value) else 0.0


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _unfinished(jobs: Sequence[JobStatus]) -> Iterator[str]:
    count = sum(job.state is not State.FINISHED for job in jobs)
    if count:
        yield f"{count} jobs of the whole run are not finished: snakemake --cores 1 --nolock status"
