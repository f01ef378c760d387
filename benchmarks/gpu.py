r"""Measure the network on a GPU, part by part; without one, say so in one sentence.

Run from the repository's root, in the project's environment::

    make bench-gpu

This takes six minutes at most. Each part is a process of its own, so one that fails, hangs or
breaks the GPU's context leaves the others what they are: its row says *failed*, and why. Parts that
cannot be measured here, or for which no time is left, are *not measured*. What is known is written
after every part, to ``benchmarks/results/gpu.md`` and ``gpu.json`` or another folder. The exit
status is 2 where there is no GPU. ``--device cpu`` tries the program out, with tiny networks, and
writes to ``benchmarks/results/tried``.

What is timed is the trainer of the workflow, from drawing a batch to the new weights: its kernels
and recorded steps, and beside it (*plain*) the same trainer with PyTorch's operations one by one.
Molecules are made up (:mod:`network`); as many as a batch has, so that every batch has the same
size. *At once* are trainings in threads of one process, as with ``seeds_together``, against one
after the other.

The *floor* is the larger of two times, at rates measured in the same process: of the matrix
products (counted in :mod:`network`) at the faster of PyTorch's float32 products and a third of its
TF32 ones (three of which are as accurate), and of moving what must be moved if nothing between the
gathered terms of the atoms and the sums over pairs were ever written. Per block, pair and pass that
is the terms read of both atoms and the sums added to one of them, (B + 1 + S) C numbers of 4 bytes,
three passes in training.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import gpu_checks
import gpu_speeds
import torch
from gpu_trainings import FULL, TINY, NotMeasuredError, Scale
from measuring import RESULTS, Row, machine, save, table_of

MINUTES: Final = 6.0
NO_GPU: Final = 2
"""Exit status."""
_FEWEST_S: Final = 10.0
"""A part that has less does not begin."""
_ERROR_LENGTH: Final = 300


@dataclass(frozen=True)
class Part:
    """Some rows that are measured together, in at most so many seconds.

    ``what`` is the row that is shown where there are none.
    """

    name: str
    what: str
    limit_s: float
    measure: Callable[[Scale], list[Row]]


def all_parts() -> dict[str, Part]:
    """Return the parts by name, the most important ones first."""
    speeds, checks = gpu_speeds, gpu_checks
    studies = sorted(path.stem for path in speeds.STUDIES.glob("*.yaml"))
    parts = [
        Part("kernels", "kernels on a GPU against plain layers", 120.0, checks.kernels),
        Part("recorded-steps", "recorded steps on a GPU", 60.0, checks.recorded_steps),
        *(
            Part(f"batch-{n}", speeds.headline(n), 60.0, speeds.training_of(n))
            for n in speeds.BATCHES
        ),
        Part("pinn", "recorded networks of PiNN on a GPU", 40.0, checks.recorded_networks),
        Part("model", "the model that comes with mepflow on a GPU", 40.0, checks.shipped_model),
        Part("floors", "products and memory of a GPU", 40.0, speeds.floors),
        Part(
            "at-once",
            f"{speeds.AT_ONCE} trainings at once on a GPU, against one after the other",
            60.0,
            speeds.at_once,
        ),
        *(
            Part(f"study-{study}", f"training of the study {study} on a GPU", 60.0,
                 speeds.training_of_study(study))
            for study in studies
        ),
        *(
            Part(f"network-{name}", f"{name} network on a GPU, in every precision", 90.0,
                 speeds.precisions_of(name))
            for name in speeds.definitions()["networks"]
        ),
    ]  # fmt: skip
    return {part.name: part for part in parts}


def main() -> int:
    """Measure, write and show the table; return the exit status."""
    options = arguments()
    if options.worker:
        return work(options)
    chosen = [part for name, part in all_parts().items() if name in (options.parts or all_parts())]
    if options.device == "cuda" and not torch.cuda.is_available():
        save_rows([missing(part) for part in chosen], {}, "none", options.output)
        sys.stderr.write(
            "PyTorch finds no GPU on this machine: nothing was measured (--device cpu tries the "
            "program out).\n"
        )
        return NO_GPU
    name = torch.cuda.get_device_name() if options.device == "cuda" else "none"
    end = time.monotonic() + 60.0 * options.minutes
    rows: list[Row] = []
    details: dict[str, dict[str, Any]] = {"seconds": {}, "errors": {}}
    for number, part in enumerate(chosen, start=1):
        sys.stderr.write(f"{number} of {len(chosen)}: {part.name}\n")
        start = time.monotonic()
        found, error = run(part, options.device, end - start)
        rows += found
        details["seconds"][part.name] = time.monotonic() - start
        details["errors"] |= {part.name: error} if error else {}
        save_rows(rows, details, name, options.output)
    sys.stdout.write(report(rows, name))
    return 0


def arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--parts", nargs="+", choices=all_parts(), metavar="PART")
    parser.add_argument("--output", type=Path, help="folder of the results")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.output = options.output or (RESULTS / "tried" if options.device == "cpu" else RESULTS)
    return options


def work(options: argparse.Namespace) -> int:
    """Measure one part and print its rows as the last line, in JSON."""
    (name,) = options.parts
    part = all_parts()[name]
    rows = measured(part, TINY if options.device == "cpu" else FULL)
    sys.stdout.write(f"\n{json.dumps([asdict(row) for row in rows])}\n")
    return 0


def measured(part: Part, scale: Scale) -> list[Row]:
    """Return the rows of a part, measured in this process; none of its errors is raised."""
    try:
        return part.measure(scale)
    except NotMeasuredError as reason:
        return [missing(part, str(reason))]
    except Exception as error:  # whatever it is, the other parts go on
        traceback.print_exc()
        return [failed(part, f"{type(error).__name__}: {error}")]


def run(part: Part, device: str, left_s: float) -> tuple[list[Row], str]:
    """Return the rows of a part, measured in a process of its own, and what it complained about."""
    limit = min(part.limit_s, left_s)
    if limit < _FEWEST_S:
        return [missing(part, "no time was left")], ""
    command = [sys.executable, __file__, "--worker", "--device", device, "--parts", part.name]
    # Triton looks at this when it is imported.
    environment = os.environ | ({"TRITON_INTERPRET": "1"} if device == "cpu" else {})
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return [failed(part, f"it was not done after {limit:.0f} s")], ""
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return [failed(part, f"its process ended with {done.returncode}: {last}")], done.stderr
    rows = [Row(**row) for row in json.loads(done.stdout.strip().splitlines()[-1])]
    return rows, done.stderr if any(row.failure for row in rows) else ""


def missing(part: Part, reason: str = "") -> Row:
    """Return the row of a part that was not measured."""
    return Row(part.what, None, "", note=reason)


def failed(part: Part, reason: str) -> Row:
    """Return the row of a part that failed; the reason in one line that fits into a table."""
    line = " ".join(reason.split()).replace("|", "/")
    return Row(part.what, None, "", failure=line[:_ERROR_LENGTH])


def save_rows(rows: Sequence[Row], details: Mapping[str, Any], gpu_name: str, folder: Path) -> None:
    """Write what is known so far, with what parts took and what those that failed printed."""
    here = {**machine(), "gpu": gpu_name, "torch": torch.__version__, "triton": triton_version()}
    here["cuda"] = torch.version.cuda
    if gpu_name != "none":
        here["capability"] = ".".join(map(str, torch.cuda.get_device_capability()))
    result: dict[str, Any] = {"machine": here, "rows": [asdict(row) for row in rows]}
    save("gpu", {**result, **details}, report(rows, gpu_name), folder)


def report(rows: Sequence[Row], gpu_name: str) -> str:
    """Return where it was measured, the table, and the verdict."""
    where = "none; figures of tiny networks on a processor mean nothing"
    return (
        f"GPU: {where if gpu_name == 'none' else gpu_name}\n\n{table_of(rows)}\n{verdict(rows)}\n"
    )


def triton_version() -> str:
    """Return the version of Triton, or that there is none."""
    try:
        return str(importlib.import_module("triton").__version__)
    except ImportError:
        return "none"


def verdict(rows: Sequence[Row]) -> str:
    """Return a line with the number of parts that failed, and of deviations that are too large."""
    broken = sum(bool(row.failure) for row in rows)
    beyond = [row.name for row in rows if is_beyond(row)]
    line = f"{broken} failed, {len(beyond)} of the checks beyond what is asked"
    return "; ".join([line, *beyond]) + "."


def is_beyond(row: Row) -> bool:
    """Whether a row is a check that is not passed; NaN passes none."""
    if row.is_rate or row.asked is None or row.value is None:
        return False
    return not row.value <= row.asked


if __name__ == "__main__":
    sys.exit(main())
