"""Say what each rule of a finished rehearsal used, and hold it against the limits.

Run from the repository's root, in the project's environment, after the run (``make rehearsal``)::

    python benchmarks/rehearsal.py

Processor time and peak of the memory are those that every job wrote into its record. A dry run and
``status`` of the finished results are timed here; the page's size is that of its file. The exit
status is 1 where a limit is passed, or the page is missing.
"""

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from measuring import Row, machine, markdown_table, save, spent, table_of

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.runs.provenance import RECORD_SUFFIX, read_record  # noqa: E402

RESULTS: Final = ROOT / "results-rehearsal-made-up"
CONFIGURATION: Final = ("config/paper.yaml", "config/rehearsal.yaml")
RULE_MB: Final = 8000.0
PAGE_MB: Final = 30.0
ANSWER_S: Final = 10.0
HEADER: Final = ("rule", "jobs", "CPU s", "the longest job, CPU s", "peak memory, MB")


def main() -> int:
    """Measure, write and show both tables; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("results", type=Path, nargs="?", default=RESULTS)
    options = parser.parse_args()
    used = used_by_rule(options.results)
    if not used:
        sys.stderr.write(f"{options.results} holds no record of a job: run make rehearsal first.\n")
        return 2
    rows = limits(options.results, used)
    table = f"{markdown_table(HEADER, list(rule_rows(used)))}\n{table_of(rows)}"
    details: dict[str, Any] = {"machine": machine(), "used": used}
    save("rehearsal", details | {"rows": [vars(row) for row in rows]}, table)
    sys.stdout.write(table)
    return int(any(row.asked and (row.value is None or row.value > row.asked) for row in rows))


def used_by_rule(results: Path) -> dict[str, list[dict[str, float]]]:
    """Return what the jobs of each rule used, by the records below a folder."""
    used = defaultdict(list)
    for path in sorted(results.rglob(f"*{RECORD_SUFFIX}")):
        record = read_record(path)
        if "used" in record:  # those of earlier versions do not say
            used[record["rule"]].append(record["used"])
    return dict(used)


def rule_rows(used: Mapping[str, Sequence[Mapping[str, float]]]) -> Iterator[list[object]]:
    """Yield a row under :data:`HEADER` for each rule, those of the most processor time first."""
    total = {rule: sum(job["cpu_s"] for job in jobs) for rule, jobs in used.items()}
    for rule in sorted(total, key=lambda name: -total[name]):
        jobs = used[rule]
        longest = max(job["cpu_s"] for job in jobs)
        yield [f"`{rule}`", len(jobs), total[rule], longest, peak(jobs)]
    jobs_in_all = [job for jobs in used.values() for job in jobs]
    yield ["all", len(jobs_in_all), sum(total.values()), "", peak(jobs_in_all)]


def peak(jobs: Sequence[Mapping[str, float]]) -> float:
    """Return the most memory that one of the jobs held, in MB."""
    return max(job.get("peak_mb", 0.0) for job in jobs)  # absent where the kernel does not say


def limits(results: Path, used: Mapping[str, Sequence[Mapping[str, float]]]) -> list[Row]:
    """Return what is asked of the whole: memory, page, dry run and status."""
    largest = max(used, key=lambda rule: peak(used[rule]))
    page = results / "report.html"
    status = [sys.executable, "-m", "mepflow", "status", str(results)]
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder) / "listing"
        plan = [sys.executable, "-m", "snakemake", "--dry-run", "--configfile", *CONFIGURATION]
        planned = spent(plan, ROOT, output=listing)
        told = spent(["env", f"PYTHONPATH={ROOT / 'workflow/scripts'}", *status], ROOT)
    return [
        Row("memory of the largest job", peak(used[largest]), "MB", asked=RULE_MB, note=largest),
        Row("page", page.stat().st_size / 1e6 if page.exists() else None, "MB", asked=PAGE_MB),
        Row("dry run of the finished rehearsal", planned.cpu_s, "CPU s", asked=ANSWER_S),
        Row("status", told.cpu_s, "CPU s", asked=ANSWER_S),
    ]


if __name__ == "__main__":
    sys.exit(main())
