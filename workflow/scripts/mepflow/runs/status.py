"""What of a run is finished, running, failed or to do, told from the files of its results alone.

The workflow writes its jobs into a plan when it starts, so that nothing of Snakemake is needed to
look at a run, also while one is going on. Only the standard library is imported.
"""

import fcntl
import json
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from mepflow.errors import InputError, StateError
from mepflow.runs.job_names import words
from mepflow.runs.provenance import record_path
from mepflow.runs.remedies import file_remedy
from mepflow.storage.files import atomic_path
from mepflow.storage.unreadable import unreadable

PLAN_FILE: Final = "logs/plan.json"
"""File of the results folder with the jobs of its run."""

_WIDTH: Final = 80
_SHOWN: Final = 20
"""Jobs of one state that are named unless all are asked for."""
_TAIL_BYTES: Final = 64 * 1024
_STAGES: Final = {
    "read": "data",
    "filter": "data",
    "split": "data",
    "thin": "data",
    "compute": "reference shards",
    "collect": "data",
    "find": "data",
    "train": "models",
    "evaluate": "evaluations",
    "calibrate": "evaluations",
    "tabulate": "tables",
    "plot": "figures",
    "make": "page",
}
"""Where the jobs of a rule are counted, by the verb that its name begins with."""
_OTHER_STAGE: Final = "other"
_ALL_DATASETS: Final = "all datasets"
_ERROR: Final = re.compile(r"^\S+ \S+ ERROR (.*)$", re.MULTILINE)
_PROGRESS: Final = (
    # What trainings and shards write into their logs.
    (re.compile(r" step (\d+)/(\d+)"), "step {} of {}"),
    (re.compile(r" continuing after step (\d+)"), "step {}"),
    (re.compile(r" INFO (\d+)/(\d+) "), "{} of {} molecules"),
    (re.compile(r" Shard \d+ of \d+: (\d+) molecules"), "0 of {} molecules"),
)


class State(StrEnum):
    """How far a job is.

    ``STOPPED`` has begun and neither ended nor said why: it was killed, or waits for another
    attempt.
    """

    FINISHED = "finished"
    RUNNING = "running"
    FAILED = "failed"
    STOPPED = "stopped"
    TO_DO = "to do"


@dataclass(frozen=True)
class JobStatus:
    """A job of the plan, its state, and how far it is or why it failed (may be empty)."""

    rule: str
    wildcards: Mapping[str, str]
    outputs: Sequence[str]
    log: Path
    state: State
    detail: str

    @property
    def name(self) -> str:
        """The rule and the wildcards, the dataset first."""
        return " ".join(
            filter(None, [self.wildcards.get("dataset"), self.rule, *words(self.wildcards)])
        )

    @property
    def stage(self) -> str:
        """The part of the run that the job belongs to."""
        return _STAGES.get(self.rule.partition("_")[0], _OTHER_STAGE)

    @property
    def made(self) -> float | None:
        """When the job ended, in seconds since the epoch, or None where it has not."""
        return _modified(record_path(self.outputs[0])) if self.state is State.FINISHED else None


def write_plan(results: str, jobs: Sequence[Mapping[str, Any]]) -> None:
    """Write the jobs of a run, with ``rule``, ``wildcards``, ``outputs`` and ``log``, as JSON.

    Paths in the file are relative to ``results``, which may be moved. Raises :class:`StateError`
    where nothing can be written there.
    """
    plan = [
        {
            "rule": job["rule"],
            "wildcards": job["wildcards"],
            "outputs": [output.removeprefix(f"{results}/") for output in job["outputs"]],
            "log": job["log"].removeprefix(f"{results}/"),
        }
        for job in jobs
    ]
    try:
        with atomic_path(Path(results) / PLAN_FILE) as path:
            path.write_text(json.dumps(plan, indent=1) + "\n")
    except OSError as error:
        raise StateError(file_remedy(error) or str(error)) from error


def read_plan(results: str | Path) -> list[dict[str, Any]]:
    """Return the jobs that :func:`write_plan` has written, with their paths where they are now.

    Raises :class:`InputError` where nothing has run yet or the file is damaged.
    """
    folder = Path(results)
    path = folder / PLAN_FILE
    try:
        return [
            {
                "rule": str(job["rule"]),
                "wildcards": dict(job["wildcards"]),
                "outputs": [str(folder / output) for output in job["outputs"]],
                "log": str(folder / job["log"]),
            }
            for job in json.loads(path.read_text())
        ]
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist: start a run with snakemake, or name the folder of the results."
        ) from None
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, LookupError, TypeError, RecursionError):
        raise InputError(
            f"{path} is damaged: the next start of snakemake writes it anew."
        ) from None


def status(plan: Sequence[Mapping[str, Any]]) -> list[JobStatus]:
    """Return the state of every job of a plan, whose paths are relative to the working folder.

    A job is finished once its outputs are there with the record that is written last, and running
    while its process holds the lock on its log. Whether a finished one is up to date is not asked.
    """
    found = []
    for job in plan:
        log = Path(job["log"])
        state, detail = _state(job["outputs"], log)
        found.append(JobStatus(job["rule"], job["wildcards"], job["outputs"], log, state, detail))
    return found


def _state(outputs: Sequence[str], log: Path) -> tuple[State, str]:
    has_record = record_path(outputs[0]).exists()
    if has_record and all(Path(output).exists() for output in outputs):
        return State.FINISHED, ""
    if not log.exists():
        return State.TO_DO, ""
    tail = _tail(log)
    if _is_locked(log):
        return State.RUNNING, _progress(tail)
    if has_record:  # it ended well, and something that it made was deleted since
        return State.TO_DO, ""
    reason = _reason(tail)
    return (State.FAILED, reason) if reason else (State.STOPPED, _progress(tail))


def error_of(log: Path) -> str:
    """Return the error that ended the job of a log, empty without one."""
    return _reason(_tail(log))


def _is_locked(log: Path) -> bool:
    """Return whether a process holds the lock that :mod:`mepflow.runs.jobs` takes on a log."""
    try:
        with log.open("rb") as file:  # closing it gives the lock back
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # gone, or on a file system without locks
        return False
    return False


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _reason(tail: str) -> str:
    """Return the error that ended a job: its sentence, or the last line of a traceback."""
    errors = list(_ERROR.finditer(tail))
    if not errors:
        return ""
    after = [line for line in tail[errors[-1].end() :].splitlines() if line.strip()]
    return (after[-1] if after else errors[-1][1]).strip()


def _progress(tail: str) -> str:
    """Return how far a job has come, by the last line of its log that says so."""
    latest = [(match, text) for pattern, text in _PROGRESS for match in pattern.finditer(tail)]
    if not latest:
        return ""
    match, text = max(latest, key=lambda pair: pair[0].start())
    return text.format(*match.groups())


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def report(jobs: Sequence[JobStatus], *, every_job: bool = False) -> str:
    """Return the jobs of each dataset and stage counted by state, and names of jobs below.

    The first 20 of the unfinished ones that have begun are named, or, with ``every_job``, all jobs.
    """
    lines = _table(jobs)
    for state in State if every_job else (State.RUNNING, State.FAILED, State.STOPPED):
        chosen = [job for job in jobs if job.state is state]
        lines += _listed(state, chosen, len(jobs) if every_job else _SHOWN)
    return "\n".join(lines)


def _table(jobs: Sequence[JobStatus]) -> list[str]:
    counts: dict[str, dict[str, Counter[State]]] = {}
    for job in jobs:
        stages = counts.setdefault(job.wildcards.get("dataset", _ALL_DATASETS), {})
        stages.setdefault(job.stage, Counter())[job.state] += 1
    head = "".join(f"{state:>10}" for state in State)
    lines = [f"{'':20}{'jobs':>6}{head}"]
    order = list(dict.fromkeys([*_STAGES.values(), _OTHER_STAGE]))
    for dataset in sorted(counts, key=lambda name: (name == _ALL_DATASETS, name)):
        lines.append(dataset)
        for stage, row in sorted(counts[dataset].items(), key=lambda item: order.index(item[0])):
            numbers = "".join(f"{row[state] or '':>10}" for state in State)
            lines.append(f"  {stage:18}{row.total():>6}{numbers}".rstrip())
    return lines


def _listed(state: State, jobs: Sequence[JobStatus], most: int) -> Iterator[str]:
    if not jobs:
        return
    yield ""
    yield f"{state}:"
    for job in sorted(jobs, key=lambda job: _in_order(job.name))[:most]:
        yield from described(job)
    if len(jobs) > most:
        yield f"  and {len(jobs) - most} more: ./mepflow status --all"


def _in_order(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts shard 2 before shard 10."""
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in name.split()]


def described(job: JobStatus) -> list[str]:
    """Return the lines on a job, at most 80 columns wide but for paths."""
    if job.state is State.RUNNING or not job.detail:
        text = f"{job.name}  {job.detail}".rstrip()
    else:
        text = f"{job.name}: {job.detail}"
    lines = textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [*lines, f"    {job.log}"] if job.state in (State.FAILED, State.STOPPED) else lines
