"""Run all benchmarks, one after the other, and put their rows into one table.

Run from the repository's root, in the project's environment (``make bench`` does)::

    python benchmarks/run_all.py --threads 2

Each benchmark is a process of its own. The table goes to the terminal and, with the machine, to
``benchmarks/results/bench.md`` and ``bench.json``; the growth of the network's cost is drawn to
``growth.png`` and ``growth.pdf`` beside them.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from measuring import HEADER, RESULTS, Row, machine, markdown_table, write

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.plots.style import BLUE, GREY, ORANGE, PAGE_WIDTH, drawing  # noqa: E402
from mepflow.runs.provenance import git_commit  # noqa: E402

PARTS: Final = ("network", "gpu", "potential", "reference", "pipeline", "prediction", "charges")
SPICE: Final = "spice_reader"
NO_GPU: Final = 2
"""How the part gpu ends where there is none, after it has written that nothing was measured."""
THREADED: Final = "network"
"""Times of the others are of the processor, on one thread."""
ASKED_OF_PINN: Final = {"training": 2.5, "inference": 3.0}
"""Times the molecules per second of PiNN 2 with the same network and batch."""
COLOURS: Final = {"training": BLUE, "inference": ORANGE}


def main() -> None:
    """Run, collect, draw; the exit status is 1 where a benchmark failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--parts", nargs="+", choices=(*PARTS, SPICE), default=PARTS)
    parser.add_argument("--collect", action="store_true", help="of the results there are")
    options = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    here = {**machine(), "threads": options.threads, "commit": git_commit()}
    here["started"] = time.strftime("%Y-%m-%d %H:%M")
    failed = [part for part in options.parts if not (options.collect or run(part, options.threads))]
    results = {part: result_of(part) for part in options.parts if part not in failed}
    rows = [row for part, result in results.items() for row in rows_of(part, result)]
    details = {part: result for part, result in results.items() if part != SPICE}
    table = markdown_table(HEADER, [row.cells() for row in rows])
    bench = {"machine": here, "rows": [vars(row) for row in rows], "details": details}
    loads = {part: result["machine"]["load"] for part, result in details.items()}
    write("bench", bench, heading(here, loads) + table)
    if growth := results.get("network", {}).get("growth"):
        draw_growth(growth, [RESULTS / "growth.png", RESULTS / "growth.pdf"])
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def run(part: str, threads: int) -> bool:
    """Run one benchmark, its output to a file; return whether it succeeded."""
    command = [sys.executable, str(ROOT / "benchmarks" / f"{part}.py")]
    threads = threads if part == THREADED else 1
    command += ["--threads", str(threads)] if part == THREADED else []
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    sys.stderr.write(f"{' '.join(command[1:])}\n")
    output = RESULTS / f"{part}.txt"
    with output.open("w") as file:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=file, check=False)
    return done.returncode == 0 or (part == "gpu" and done.returncode == NO_GPU)


def result_of(part: str) -> dict[str, Any]:
    """Return what a benchmark wrote; the SPICE reader's JSON ends at the first empty line."""
    if part == SPICE:
        text = (RESULTS / f"{part}.txt").read_text().split("\n\n", maxsplit=1)[0]
    else:
        text = (RESULTS / f"{part}.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def rows_of(part: str, result: dict[str, Any]) -> list[Row]:
    """Return the rows of a benchmark's result."""
    if part == SPICE:
        return spice_rows(result["steps"])
    if "rows" in result:
        return [Row(**row) for row in result["rows"]]
    return [*map(network_row, result["cases"]), *map(rank_row, result["ranks"])]


def network_row(case: dict[str, Any]) -> Row:
    """Return the row of a case of the network's benchmark."""
    pinn = case["PiNN, molecules/s"] or None
    asked = pinn * ASKED_OF_PINN[case["task"]] if pinn else None
    return Row(
        f"{case['task']}, {case['network']} network, batches of {case['batch']}",
        case["molecules/s"],
        "molecules/s",
        is_rate=True,
        asked=asked,
        floor=1e3 * case["batch"] / case["floor ms"],
        plain=1e3 * case["batch"] / case["plain ms"],
        note=f"PiNN 2, on another machine of this kind: {pinn:,.0f}" if pinn else "",
    )


def rank_row(case: dict[str, Any]) -> Row:
    """Return the row of what atomic quadrupoles cost."""
    what = f"training, {case['network']} network, batches of {case['batch']}: rank 5 over rank 3"
    return Row(what, case["ratio"], "× CPU s", asked=case["asked"], note="with all their outputs")


def spice_rows(steps: Sequence[dict[str, Any]]) -> list[Row]:
    """Return the rows of the SPICE reader."""
    first, last = steps[0], steps[-1]
    return [
        Row(
            f"reading {last['gigabytes']:.1f} GB of SPICE's layout",
            last["cpu_seconds"],
            "CPU s",
            note=f"{last['groups']:,} molecules",
        ),
        Row(
            "memory of it, at its peak",
            last["peak_megabytes"],
            "MB",
            note=f"a fifth of the file takes {first['peak_megabytes']:.0f} MB",
        ),
    ]


def heading(here: dict[str, Any], loads: dict[str, float]) -> str:
    """Return the lines that say where and when, and what load each part met at its start."""
    found = ", ".join(f"{part} {load:.1f}" for part, load in loads.items())
    return (
        f"{here['processor']}, {here['cores']} cores, {here['threads']} threads; "
        f"{here['started']}, commit {here['commit']}. Load at the start: {found}.\n\n"
    )


def draw_growth(growth: dict[str, list[dict[str, float]]], outputs: Sequence[Path]) -> None:
    """Draw molecules per second against the atoms of a molecule and the molecules of a batch."""
    labels = {"atoms": "atoms per molecule", "batch": "molecules per batch"}
    with drawing(PAGE_WIDTH, 2.6, outputs) as figure:
        for panel, (key, label) in zip(figure.subplots(1, 2), labels.items(), strict=True):
            x = [row[key] for row in growth[key]]
            for task, colour in COLOURS.items():
                speeds = [row[f"{task}_molecules_per_s"] for row in growth[key]]
                panel.loglog(x, speeds, "o-", color=colour, label=task)
                if key == "atoms":
                    line = [speeds[-1] * x[-1] / atoms for atoms in x]
                    panel.loglog(x, line, ":", color=GREY, linewidth=0.8, zorder=0)
            panel.set(xlabel=label, ylabel="molecules per second")
            panel.legend(title="dotted: ∝ 1 / atoms" if key == "atoms" else None)


if __name__ == "__main__":
    main()
