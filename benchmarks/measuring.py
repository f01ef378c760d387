"""What the benchmarks share: times side by side, the machine, and the files of a result."""

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

RESULTS: Final = Path(__file__).resolve().parent / "results"
NOT_MEASURED: Final = "not measured"
HEADER: Final = (
    "what", "figure", "unit", "asked", "floor", "to floor", "plain", "to plain", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """Medians of the repetitions: seconds on the clock and of all threads together."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Row:
    """A line of the table of ``make bench``; ``asked``, ``floor`` and ``plain`` are in ``unit``.

    ``asked`` is what the project wants to reach, ``floor`` what no implementation can beat (of a
    rate, a ceiling), ``plain`` the figure of a plain implementation in the same run. A ``value`` of
    None is one that was not measured, or whose measurement failed: ``failure`` says why. Of a rate
    more is better, else less.
    """

    name: str
    value: float | None
    unit: str
    is_rate: bool = False
    asked: float | None = None
    floor: float | None = None
    plain: float | None = None
    note: str = ""
    failure: str = ""

    def cells(self) -> list[object]:
        """Return the cells under :data:`HEADER`; above 1, *to plain* is how many times faster."""
        if self.value is None:
            figure = f"failed: {self.failure}" if self.failure else NOT_MEASURED
            return [self.name, figure, self.unit, self._asked(), "", "", "", "", self.note]
        to_floor, to_plain = (
            ""
            if not (other and self.value)
            else f"{(other / self.value) ** (1 if rate else -1):.3g}×"
            for other, rate in ((self.floor, self.is_rate), (self.plain, not self.is_rate))
        )
        floor, plain = ("" if number is None else number for number in (self.floor, self.plain))
        return [
            self.name, self.value, self.unit, self._asked(),
            floor, to_floor, plain, to_plain, self.note,
        ]  # fmt: skip

    def _asked(self) -> str:
        if self.asked is None:
            return ""
        return f"{'≥' if self.is_rate else '≤'} {number_text(self.asked)}"


def side_by_side(
    ways: Mapping[str, Callable[[], object]], repetitions: int, warm_up: int = 2
) -> dict[str, Timing]:
    """Time each of the ``ways`` to do something, taking turns, after ``warm_up`` turns.

    So all see the same machine, and ratios hold even where others use it, too.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for turn in range(warm_up + repetitions):
        for name, work in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            spent = (time.perf_counter() - wall, time.process_time() - cpu)
            if turn >= warm_up:
                times[name].append(spent)
    return {
        name: Timing(*(statistics.median(values) for values in zip(*spent, strict=True)))
        for name, spent in times.items()
    }


@dataclass(frozen=True)
class Spent:
    """What a process and those it waited for took: of memory, the most that one of them held."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def spent(command: Sequence[str], folder: Path, *, output: Path | None = None) -> Spent:
    """Run a command in ``folder`` to its end; raises ``RuntimeError`` where it fails.

    What it prints goes to the file ``output``, or nowhere. Its peak memory is at least that of this
    process, from which Linux lets it start: a caller that wants to know it must be small.
    """
    start = time.perf_counter()
    with (output or Path(os.devnull)).open("w") as printed:
        process = subprocess.Popen(command, cwd=folder, stdout=printed, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    seconds = time.perf_counter() - start
    return Spent(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def rate(work: Callable[[], object], amount: float, repetitions: int = 20) -> float:
    """Return the ``amount`` of something done per second of the fastest repetition."""
    best = float("inf")
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return amount / best


def cpu_rate(work: Callable[[], object], amount: float, calls: int, repetitions: int = 20) -> float:
    """Return the ``amount`` of something done per second of the processor, which others may share.

    That of the fastest of the repetitions, each of so many ``calls`` that the clock tells them.
    """
    best = float("inf")
    for _ in range(repetitions):
        start = time.process_time()
        for _ in range(calls):
            work()
        best = min(best, time.process_time() - start)
    return calls * amount / best


def machine() -> dict[str, Any]:
    """Describe where this runs, with the load before the measurement."""
    names = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def number_text(value: float) -> str:
    """Return a number with three significant digits, whole from 1000 on."""
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown; real numbers have three significant digits."""

    def text(value: object) -> str:
        return number_text(value) if isinstance(value, float) else str(value)

    lines = [list(header), ["---"] * len(header), *([text(v) for v in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write(name: str, result: Mapping[str, Any], table: str, folder: Path = RESULTS) -> None:
    """Write ``NAME.json`` and ``NAME.md`` into a folder and show the table."""
    save(name, result, table, folder)
    print(table)  # noqa: T201


def save(name: str, result: Mapping[str, Any], table: str, folder: Path = RESULTS) -> None:
    """Write ``NAME.json`` and ``NAME.md`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / f"{name}.md").write_text(table)


def write_rows(name: str, rows: Sequence[Row], details: Mapping[str, Any]) -> None:
    """Write the rows of a benchmark, for ``make bench`` to collect, with other ``details``.

    The JSON has the rows under ``rows``, as the fields of :class:`Row`.
    """
    result = {**details, "rows": [asdict(row) for row in rows]}
    write(name, result, table_of(rows))


def table_of(rows: Sequence[Row]) -> str:
    """Return the table of some rows in Markdown."""
    return markdown_table(HEADER, [row.cells() for row in rows])
