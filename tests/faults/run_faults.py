"""Break runs of the workflow in the ways that a shared machine knows, and see each one recover.

``python tests/faults/run_faults.py`` prints a row per fault and a line of all. ``--short`` kills
one run at three places; ``--only`` does the faults that are named. Needs Linux; the disks need
root. The faults are made in copies of the repository, in a temporary folder.
"""

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench import Bench
from inputs import damaged_files, foreign_checkpoint, not_a_number, torn_journal
from kills import CHAIN, SHORT, kill_chain
from surroundings import (
    clock_skew,
    full_disk,
    memory,
    no_mounts,
    read_only_folder,
    second_run,
)

SEED: Final = 20261121
CHAINS: Final = 3
STEPS: Final = 120
SHORT_STEPS: Final = 20

Fault = Callable[[Bench], tuple[int, str]]

FAULTS: Final[dict[str, tuple[str, Fault]]] = {
    "full-disk": ("disk full", full_disk),
    "read-only": ("results cannot be written", read_only_folder),
    "damaged": ("file between two rules cut short", damaged_files),
    "checkpoint": ("checkpoint of another configuration or code", foreign_checkpoint),
    "two-runs": ("second run in the same folder", second_run),
    "clock": ("clock a day ahead, or 27 years behind", clock_skew),
    "memory": ("job out of memory", memory),
    "nan": ("loss of a training not finite", not_a_number),
    "journal": ("journal cut at every byte", torn_journal),
}
NEED_MOUNTS: Final = ("full-disk", "read-only")


class Table:
    """The rows printed so far, and what they add up to."""

    def __init__(self) -> None:
        self.kills = 0
        self.faults = 0
        self.failed = 0
        self.skipped = 0
        self._began = time.monotonic()
        _say(f"{'fault':<48} {'times':>5}  {'s':>4}  outcome")

    def row(self, fault: str, times: int | str, seconds: float, outcome: str) -> None:
        """Print a row."""
        _say(f"{fault:<48} {times:>5}  {seconds:>4.0f}  {outcome}")

    def end(self) -> int:
        """Print the line of all, and return the exit status."""
        outcome = f"{self.failed} NOT RECOVERED" if self.failed else "all recovered"
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        seconds = time.monotonic() - self._began
        _say(f"{self.kills} kills, {self.faults} other faults, {outcome}{skipped}, {seconds:.0f} s")
        return 1 if self.failed else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def do_kills(table: Table, bench: Bench, chains: int, short: bool) -> None:
    """Kill runs; print how often what was killed."""
    began = time.monotonic()
    killed: Counter[str] = Counter()
    outcome = "run again: same results"
    for number in range(chains):
        try:
            killed += kill_chain(bench, SHORT if short else CHAIN, SEED + number)
        except Exception:
            traceback.print_exc()
            table.failed += 1
            outcome = f"FAILED: chain {number}"
    table.kills = sum(killed.values())
    for name, times in sorted(killed.items()):
        table.row(f"kill -9 of {name}", times, (time.monotonic() - began) / len(killed), outcome)


def do_fault(table: Table, bench: Bench, name: str) -> None:
    """Make one fault, and print what came of it."""
    title, fault = FAULTS[name]
    reason = no_mounts() if name in NEED_MOUNTS else ""
    if reason:
        table.skipped += 1
        table.row(title, "-", 0, f"skipped: {reason}")
        return
    began = time.monotonic()
    try:
        times, outcome = fault(bench)
        table.faults += times
    except Exception as error:
        traceback.print_exc()
        table.failed += 1
        times, outcome = 1, f"FAILED: {error}".splitlines()[0][:200]
    table.row(title, times, time.monotonic() - began, outcome)


def main() -> int:
    """Make the faults, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="three kills in one run")
    parser.add_argument("--only", nargs="+", choices=["kills", *FAULTS], metavar="FAULT")
    parser.add_argument("--chains", type=int, default=CHAINS, help="runs that are killed")
    arguments = parser.parse_args()
    chosen = arguments.only or (["kills", "journal"] if arguments.short else ["kills", *FAULTS])
    table = Table()
    with tempfile.TemporaryDirectory(prefix="mepflow-faults-") as folder:
        began = time.monotonic()
        bench = Bench(Path(folder).resolve(), SHORT_STEPS if arguments.short else STEPS)
        table.row("(undisturbed run)", 1, time.monotonic() - began, "what the others must equal")
        try:
            for name in chosen:
                if name == "kills":
                    do_kills(
                        table, bench, 1 if arguments.short else arguments.chains, arguments.short
                    )
                else:
                    do_fault(table, bench, name)
        finally:
            bench.close()
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
