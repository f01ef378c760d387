"""Damage files in many ways and read them: only clear errors, no crash, no hang, bounded memory.

``python tests/fuzz/campaign.py --cases 100000`` prints a line per reader and one of all. A case is
made from its reader's name and number alone: ``--case model:123 --write FILE`` writes its file and
reads it here, with the traceback of whatever comes out.
"""

import argparse
import contextlib
import logging
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow" / "scripts"))

from targets import CLEAR, TARGETS, Target

HANG_SECONDS: Final = 30
MEMORY_BYTES: Final = 2 << 30
"""Address space that a reader may take beyond what the process has at its start."""
FOLDER: Final = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""In memory where that can be had: every result is flushed, which takes long on a disk."""


@dataclass
class Outcome:
    """What came of a reader's cases: read, clear errors, and failures by case with the reason."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def cases(self) -> int:
        """Return the number of cases that ran."""
        return sum(self.counts.values())

    def line(self, name: str) -> str:
        """Return the figures in one line."""
        kinds = ("read", "clear errors", "other errors", "crashes", "hangs")
        figures = ", ".join(f"{kind} {self.counts[kind]}" for kind in kinds)
        peak = self.peak_bytes / 2**20
        return f"{name}: cases {self.cases}, {self.seconds:.0f} s, peak {peak:.0f} MiB, {figures}"


def content_of(target: Target, number: int) -> bytes:
    """Return the file of a case."""
    return target.damaged(random.Random(f"{target.name}:{number}"))


def run(target: Target, cases: int, start: int = 0) -> Outcome:
    """Run the cases from ``start`` on in processes of their own, a new one after each crash."""
    outcome = Outcome()
    began = time.monotonic()
    context = multiprocessing.get_context("fork")
    number = start
    folder = Path(tempfile.mkdtemp(dir=FOLDER))
    while number < start + cases:
        current = context.Value("q", number)
        receiver, sender = context.Pipe(duplex=False)
        arguments = (target.name, number, start + cases, current, sender, folder)
        process = context.Process(target=_work, args=arguments)
        process.start()
        sender.close()
        hung = _watch(process, receiver, current, outcome)
        number = current.value
        if process.exitcode != 0:
            kind = "hangs" if hung else "crashes"
            outcome.counts[kind] += 1
            outcome.failures.append(f"{target.name}:{number} {kind}, exit {process.exitcode}")
            number += 1
    shutil.rmtree(folder)
    outcome.seconds = time.monotonic() - began
    return outcome


def _watch(process: Any, receiver: Any, current: "Synchronized[int]", outcome: Outcome) -> bool:
    """Collect what a process reports until it ends; kill it where it stays at one case."""
    seen, since = current.value, time.monotonic()
    while True:
        with contextlib.suppress(EOFError):
            while receiver.poll(0.2):
                kind, text = receiver.recv()
                if kind == "peak":
                    outcome.peak_bytes = max(outcome.peak_bytes, text)
                    continue
                outcome.counts[kind] += 1
                if text:
                    outcome.failures.append(text)
        if not process.is_alive():
            process.join()
            return False
        if current.value != seen:
            seen, since = current.value, time.monotonic()
        elif time.monotonic() - since > HANG_SECONDS:
            process.kill()
            process.join()
            return True


def _work(
    name: str, start: int, end: int, current: "Synchronized[int]", sender: Any, folder: Path
) -> None:
    target = next(target for target in TARGETS if target.name == name)
    logging.disable()
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in range(start, end):
        current.value = number
        path = folder / "case"
        path.write_bytes(content_of(target, number))
        sender.send(_outcome_of(target, number, path))
        for file in folder.iterdir():
            file.unlink()
    current.value = end
    sender.send(("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def _outcome_of(target: Target, number: int, path: Path) -> tuple[str, str]:
    case = f"{target.name}:{number}"
    try:
        target.read(path)
    except CLEAR as error:
        if not str(error).isprintable():
            return "other errors", f"{case} a message with control characters: {str(error)!r}"
        return "clear errors", ""
    except BaseException as error:
        return "other errors", f"{case} {type(error).__name__}: {str(error)[:200]}"
    return "read", ""


def campaign(cases: int, names: list[str], start: int = 0) -> Iterator[tuple[str, Outcome]]:
    """Run all cases, divided among the readers of these names by their shares."""
    chosen = [target for target in TARGETS if target.name in names]
    shares = sum(target.share for target in chosen)
    for target in chosen:
        yield target.name, run(target, round(cases * target.share / shares), start)


def total(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the sum of the outcomes; the peak is the largest."""
    whole = Outcome()
    for outcome in outcomes:
        whole.counts += outcome.counts
        whole.failures += outcome.failures
        whole.seconds += outcome.seconds
        whole.peak_bytes = max(whole.peak_bytes, outcome.peak_bytes)
    return whole


def main() -> int:
    """Run the campaign that the command line asks for."""
    names = [target.name for target in TARGETS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000, help="of all readers together")
    parser.add_argument("--start", type=int, default=0, help="number of the first case")
    parser.add_argument("--target", choices=names, action="append", help="default: all")
    parser.add_argument("--case", metavar="READER:NUMBER", help="read one case, here")
    parser.add_argument("--write", type=Path, default=Path("case"), help="where --case is written")
    options = parser.parse_args()
    if options.case:
        name, number = options.case.split(":")
        target = next(target for target in TARGETS if target.name == name)
        options.write.write_bytes(content_of(target, int(number)))
        target.read(options.write)
        return 0
    outcomes = []
    for name, outcome in campaign(options.cases, options.target or names, options.start):
        outcomes.append(outcome)
        sys.stdout.write("\n".join([*outcome.failures, outcome.line(name)]) + "\n")
        sys.stdout.flush()
    whole = total(outcomes)
    sys.stdout.write(whole.line("fuzz, all readers") + "\n")
    return 1 if whole.failures else 0


if __name__ == "__main__":
    sys.exit(main())
