"""Put the results of ``make bench`` into ``docs/performance.md``.

Run from the repository's root, in the project's environment, after ``make bench``::

    python benchmarks/document.py

Between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` the page holds what is made here, so that
no number is typed; the figure goes to ``docs/images``.
"""

import argparse
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from measuring import NOT_MEASURED, RESULTS, markdown_table, number_text

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
PAGE: Final = DOCS / "performance.md"
PRECISION: Final = RESULTS / "precision.md"
"""Of ``precision.py``, which is no part of ``make bench``: it needs a finished run."""
MOLECULES_PER_NETWORK: Final = 3_000_000 * 100
"""Steps and batch of ``config/paper.yaml``."""
NETWORKS: Final = 54
"""Variants × seeds × data sets of it."""
LARGE: Final = "training, large network, batches of 100"
LARGE_ON_GPU: Final = "training on a GPU, large network, batches of 100"
FROM_ATOMS: Final = 50
SHOWN_STARTS: Final = 8
SECONDS_PER_DAY: Final = 86_400.0


def main() -> None:
    """Rewrite the page and copy the figure."""
    parser = argparse.ArgumentParser(description="Put the results of make bench into the page.")
    parser.parse_args()
    try:
        bench = json.loads((RESULTS / "bench.json").read_text())
    except (OSError, ValueError) as error:
        parser.error(f"{RESULTS / 'bench.json'} cannot be read ({error}): run make bench first.")
    network, pipeline = (bench["details"][name] for name in ("network", "pipeline"))
    parts = {
        "table": (RESULTS / "bench.md").read_text(),
        "rates": rates(network["rates"]),
        "growth": growth(network["growth"]),
        "data sets": data_sets(bench["rows"]),
        "programme": programme({row["name"]: row["value"] for row in bench["rows"]}),
        "starts": starts(pipeline["jobs"]),
        "precision": PRECISION.read_text() if PRECISION.exists() else NOT_MEASURED,
    }
    text = PAGE.read_text()
    for name, part in parts.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        block = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if len(block.findall(text)) != 1:
            raise SystemExit(f"{PAGE} has not one block {name!r}")
        first, last = block.split(text)
        text = f"{first}{begin}\n\n{part.strip()}\n\n{end}{last}"
    PAGE.write_text(text)
    shutil.copyfile(RESULTS / "growth.png", DOCS / "images" / "growth.png")


def rates(found: dict[str, float]) -> str:
    """Return what the machine did per second during the network's benchmark."""
    return f"In the run above: {number_text(found['flops'] / 1e9)} GFLOP/s."


def growth(found: dict[str, list[dict[str, float]]]) -> str:
    """Return the data of the figure."""
    by_atoms = [
        [
            int(row["atoms"]),
            row["pairs_per_atom"],
            row["training_molecules_per_s"],
            row["inference_molecules_per_s"],
            row["training_molecules_per_s"] * row["atoms"],
            row["training_pairs_per_s"],
        ]
        for row in found["atoms"]
    ]
    by_batch = [
        [int(row["batch"]), row["training_molecules_per_s"], row["inference_molecules_per_s"]]
        for row in found["batch"]
    ]
    speeds = ["training, molecules/s", "inference, molecules/s"]
    header = ["atoms per molecule", "pairs per atom", *speeds, "training, atoms/s", "pairs/s"]
    whole = [row for row in found["atoms"] if row["atoms"] >= FROM_ATOMS]
    power = -np.polyfit(
        np.log([row["atoms"] for row in whole]),
        np.log([row["training_molecules_per_s"] for row in whole]),
        1,
    )[0]
    return (
        f"From {FROM_ATOMS} atoms on, the time of a training step grows as atoms^{power:.2f}.\n\n"
        + markdown_table(header, by_atoms)
        + "\n"
        + markdown_table(["molecules per batch", *speeds], by_batch)
    )


def data_sets(rows: Sequence[dict[str, Any]]) -> str:
    """Return the cost of whole data sets."""
    chosen = [row for row in rows if row["unit"] == "core-hours"]
    values = [NOT_MEASURED if row["value"] is None else row["value"] for row in chosen]
    cells = [[row["name"], value, row["note"]] for row, value in zip(chosen, values, strict=True)]
    return markdown_table(["", "core-hours", "from"], cells)


def programme(values: dict[str, float | None]) -> str:
    """Return the time of the paper's trainings, as arithmetic."""
    cases = [
        ("on the CPU, measured above", values.get(LARGE)),
        ("on the CPU, asked", 620.0),
        ("on one GPU, asked", 40_000.0),
        ("on one GPU, measured", values.get(LARGE_ON_GPU)),
    ]
    rows = []
    for name, speed in cases:
        if speed is None:
            rows.append([name, NOT_MEASURED, "", ""])
            continue
        days = MOLECULES_PER_NETWORK / speed / SECONDS_PER_DAY
        rows.append([name, speed, days, NETWORKS * days])
    header = ["", "molecules/s", "days for a network", f"days for {NETWORKS}, one after the other"]
    return markdown_table(header, rows)


def starts(jobs: dict[str, dict[str, float]]) -> str:
    """Return the jobs whose imports cost most in the default run."""

    def cost(rule: str) -> float:
        return jobs[rule]["count"] * jobs[rule]["start_cpu_s"]

    chosen = sorted(jobs, key=cost, reverse=True)[:SHOWN_STARTS]
    rows = [[f"`{rule}`", int(jobs[rule]["count"]), jobs[rule]["start_cpu_s"]] for rule in chosen]
    return markdown_table(["job", "number in the default run", "imports, CPU s each"], rows)


if __name__ == "__main__":
    main()
