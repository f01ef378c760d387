r"""Measure the potential of atomic charges, dipoles and quadrupoles, and the errors made of it.

Run from the repository's root, in the project's environment::

    python benchmarks/potential.py

Molecules of 15 to 20 atoms and 2,000 points around each are made up; times are those of 10,000 of
them, from fewer. *plain* is the formula written down with NumPy. The *floor* is what one pair of
atom and point cannot do without: 22 sums and products, fused where they can be, at the rate of a
product of matrices in the same run. The square root and the division of a pair have a unit of their
own in the processor; they take about as long, at the same time. All times are of the processor.
"""

import argparse
import sys
import tracemalloc
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from measuring import Row, cpu_rate, machine, side_by_side, write_rows

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.electrostatics.potential import (  # noqa: E402
    DEFAULT_BLOCK_BYTES,
    Shells,
    _in_blocks,
    _library,
    potential,
)
from mepflow.evaluation.mep_errors import mep_errors  # noqa: E402

MOLECULES: Final = 10_000
POINTS: Final = 2_000
OPERATIONS: Final = 22
ASKED: Final = 3.0
"""Times the floor."""
ASKED_WITH_SHELLS: Final = 1.3
"""Times the same without penetration."""

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


class Case(NamedTuple):
    """Points, positions, charges, dipoles and quadrupoles of a molecule."""

    points: FloatArray
    positions: FloatArray
    charges: FloatArray
    dipoles: FloatArray
    quadrupoles: FloatArray


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch; NumPy has one")
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--molecules", type=int, default=100, help="how many are made up")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rng = np.random.default_rng(1)
    cases = [made_up(int(rng.integers(15, 21)), rng) for _ in range(options.molecules)]
    tensors = [[torch.from_numpy(array) for array in case] for case in cases]
    shells = [made_up_shells(len(case.charges), rng) for case in cases]
    expected = [plain(case) for case in cases]
    ways = {
        "compiled": lambda: [potential(*case) for case in cases],
        "arrays": lambda: [
            _in_blocks(*case, None, None, None, DEFAULT_BLOCK_BYTES) for case in cases
        ],
        "shells": lambda: [
            potential(*case, penetration=shell) for case, shell in zip(cases, shells, strict=True)
        ],
        "torch shells": lambda: [
            potential(*case, penetration=Shells(*map(torch.from_numpy, shell)))
            for case, shell in zip(tensors, shells, strict=True)
        ],
        "torch": lambda: [potential(*case) for case in tensors],
        "errors": lambda: [
            mep_errors(values, potential(*case))
            for values, case in zip(expected, cases, strict=True)
        ],
        "plain": lambda: [plain(case) for case in cases],
    }
    if _library() is None:
        del ways["compiled"], ways["shells"]
    timings = side_by_side(ways, options.repetitions)
    scale = MOLECULES / options.molecules
    seconds = {name: scale * timing.cpu_s for name, timing in timings.items()}
    pairs = scale * sum(len(case.points) * len(case.charges) for case in cases)
    floor = 1e-9 * pairs * floor_ns()
    write_rows(
        "potential",
        [*rows_of(seconds, floor), memory_row()],
        {"machine": machine(), "pairs": pairs, "seconds": seconds},
    )


def made_up(n_atoms: int, rng: np.random.Generator) -> Case:
    """Return a cluster of atoms, and points on a sphere around it."""
    points = rng.normal(size=(POINTS, 3))
    points *= 12.0 / np.linalg.norm(points, axis=1, keepdims=True)
    quadrupoles = rng.normal(size=(n_atoms, 3, 3))
    quadrupoles += quadrupoles.swapaxes(1, 2)
    quadrupoles -= np.trace(quadrupoles, axis1=1, axis2=2)[:, None, None] * np.eye(3) / 3.0
    positions = rng.uniform(-4.0, 4.0, (n_atoms, 3))
    return Case(points, positions, rng.normal(size=n_atoms), rng.normal(size=(n_atoms, 3)),
                quadrupoles)  # fmt: skip


def made_up_shells(n_atoms: int, rng: np.random.Generator) -> Shells:
    """Return shells as those of H to F."""
    return Shells(rng.integers(1, 8, n_atoms).astype(float), rng.uniform(0.3, 0.5, n_atoms))


def plain(case: Case) -> FloatArray:
    """Return the potential as its formula says."""
    d = case.points[None] - case.positions[:, None]
    length = np.linalg.norm(d, axis=-1)
    terms = case.charges[:, None] / length
    terms += np.einsum("ia,ipa->ip", case.dipoles, d) / length**3
    terms += 0.5 * np.einsum("ipa,iab,ipb->ip", d, case.quadrupoles, d) / length**5
    return np.asarray(terms.sum(axis=0))


def floor_ns() -> float:
    """Return the nanoseconds that the operations of a pair take at the rate of a matrix product."""
    side = 512
    a, b = np.ones((side, side)), np.ones((side, side))
    product = np.empty_like(a)

    def multiply() -> None:
        np.matmul(a, b, out=product)

    return 1e9 * OPERATIONS / cpu_rate(multiply, side**3, 4)


def rows_of(seconds: dict[str, float], floor: float) -> list[Row]:
    """Return a row for every way but the plain one."""
    what = f"MEP of {MOLECULES:,} molecules at {POINTS:,} points"
    names = {
        "compiled": f"{what}, compiled loop",
        "errors": "the same and its errors",
        "arrays": f"{what}, NumPy without a compiler",
        "torch": f"{what}, PyTorch's operations",
        "shells": f"{what}, compiled loop, with penetration",
        "torch shells": f"{what}, PyTorch's operations, with penetration",
    }
    asked = {
        "compiled": ASKED * floor,
        "shells": ASKED_WITH_SHELLS * seconds.get("compiled", float("nan")),
        "torch shells": ASKED_WITH_SHELLS * seconds["torch"],
    }
    return [
        Row(
            name,
            seconds.get(key),
            "CPU s",
            asked=asked.get(key),
            floor=floor,
            plain=seconds["plain"],
            note="q, μ and Θ of 15–20 atoms, float64" if key == "compiled" else "",
        )
        for key, name in names.items()
    ]


def memory_row() -> Row:
    """Return the memory that a large case takes beside its arrays."""
    rng = np.random.default_rng(2)
    case = made_up(100, rng)._replace(points=rng.uniform(8.0, 12.0, (100_000, 3)))
    potential(*case)
    tracemalloc.start()
    potential(*case)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Row(
        "memory of the MEP of 100 atoms at 100,000 points",
        peak / 2**20,
        "MB",
        floor=8 * len(case.points) / 2**20,
        note="the floor is the result",
    )


if __name__ == "__main__":
    main()
