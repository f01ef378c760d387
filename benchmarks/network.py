r"""Measure training and inference of the network, and how their cost grows.

Run from the repository's root, in the project's environment::

    python benchmarks/network.py --threads 2

A training step is forward, backward, clipping and Adam on one batch of molecules in float32; it is
done with the fused loops (*fused*) and without (*plain*), taking turns. ``--molecules FILE.npz``
takes the molecules of a file with ``elems`` (M, n), 0 where there is no atom, and ``coord``
(M, n, 3) in ångström; else they are made up, of 15 to 20 atoms at the density of organic matter.

The *floor* is the time of the matrix products that no order of work can avoid, at the rate of a
loop of nothing but fused products and sums (``peak.cpp``), measured in the same run; tanh, memory
and everything else come on top. With P pairs, N atoms, C nodes, B basis functions and
S = rank // 2 + 1 slices, a block multiplies in the forward pass

.. math:: 2 P (3 C^2 + S C^2) + 2 N (2 B C^2 + S C^2 + 3 C^2 + (S - 1)(x C^2) + 2 S C^2 + 2 C^2)

(II; PI per atom, of the few elements in the first block; PP; the mixing of vectors of x = 3 or 5
components; PP'), but in the first block 2 P C^2 less, as the first layer of II follows from the
elements, too. A training step takes three times that.
"""

import argparse
import ctypes
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from matplotlib.figure import Figure
from measuring import RESULTS, Timing, machine, markdown_table, rate, side_by_side, write

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.compiler import load  # noqa: E402
from mepflow.nn.graph import Graph, build_graph, species_of  # noqa: E402
from mepflow.nn.pinet2 import native  # noqa: E402
from mepflow.nn.pinet2.pinet2_network import PiNet2  # noqa: E402
from mepflow.nn.pinet2.pinet2_settings import PiNet2Settings  # noqa: E402
from mepflow.training.optimizer import FlatParameters, KerasAdam, clip_norm  # noqa: E402

PEAK: Final = Path(__file__).with_name("peak.cpp")
PEAK_ROUNDS: Final = 1_000_000
FLOPS_PER_ROUND: Final = 2 * 12 * 16
ELEMENTS: Final = (1, 6, 7, 8, 9)
CUTOFF: Final = 4.5
N_BASIS: Final = 10
DEPTH: Final = 5
SLICES: Final = 2
SPACING_ANGSTROM: Final = 2.1
SIZES: Final = {"large": 64, "medium": 32, "small": 16}
CASES: Final = (
    *(("large", 100), ("large", 32), ("medium", 100), ("medium", 32)),
    *(("small", 100), ("small", 32), ("small", 8)),
)
ATOMS: Final = (10, 20, 50, 100, 200, 500)
BATCHES: Final = (1, 4, 16, 64, 256)
PINN: Final = {
    "training": {
        ("large", 100): 247.0,
        ("large", 32): 273.0,
        ("medium", 100): 593.0,
        ("medium", 32): 636.0,
        ("small", 32): 1240.0,
    },
    "inference": {("large", 100): 707.0, ("medium", 100): 1700.0, ("small", 100): 3100.0},
}
"""Molecules/s of PiNN 2 with TensorFlow 2.15, for comparison: see PINN_NOTE."""
PINN_NOTE: Final = (
    "PiNN: molecules/s of PiNN 2 with TensorFlow 2.15 (its own training path, float32) for "
    "molecules of 15 to 20 atoms, recorded earlier on two cores of another machine of this kind, "
    "not in this run."
)

RANK_CASES: Final = (("large", 32), ("small", 8))
ASKED_OF_RANK_5: Final = 2.2
"""Times the time of rank 3."""

Molecule = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


class Work:
    """A network with its optimiser, and one batch; it learns all of its ``outputs``."""

    def __init__(
        self,
        nodes: int,
        molecules: list[Molecule],
        rank: int = 3,
        outputs: tuple[str, ...] = ("p1",),
    ) -> None:
        torch.manual_seed(1)
        self.nodes = nodes
        self.model = PiNet2(replace(network_settings(nodes), rank=rank, outputs=outputs))
        self.weights = FlatParameters(self.model)
        self.optimizer = KerasAdam(self.weights.values, 1e-7)
        self.graph: Graph = build_graph(molecules, CUTOFF, torch.float32)

    def train(self) -> None:
        """Do one training step."""
        found = self.model(self.graph).values()
        loss = torch.stack([values.square().mean() for values in found]).sum()
        gradient = self.weights.gradient(loss)
        clip_norm(gradient, 0.01)
        self.optimizer.begin_step(1e-4)
        self.optimizer.update(gradient)

    def infer(self) -> None:
        """Evaluate the network."""
        with torch.no_grad():
            self.model(self.graph)

    def floor_s(self, flops_per_s: float, passes: int) -> float:
        """Return the seconds that the products need; 3 ``passes`` in training, else 1."""
        flops = floor_flops(self.nodes, len(self.graph.pair_i), len(self.graph.species))
        return passes * flops / flops_per_s


def network_settings(nodes: int) -> PiNet2Settings:
    """Return the network of these widths."""
    return PiNet2Settings(
        rank=3,
        depth=DEPTH,
        nodes=nodes,
        cutoff_angstrom=CUTOFF,
        cutoff_function="f1",
        basis="gaussian",
        n_basis=N_BASIS,
        gamma_per_angstrom2=3.0,
        weighted=False,
        elements=ELEMENTS,
    )


def floor_flops(nodes: int, pairs: int, atoms: int) -> float:
    """Return the products and sums of a forward pass that no order of work can avoid."""
    on_pairs = DEPTH * (3 + SLICES) - 1
    on_atoms = DEPTH * (SLICES + 3 + 3 * (SLICES - 1) + 2 * SLICES + 2)
    shares = 2 * N_BASIS * nodes * (len(ELEMENTS) + (DEPTH - 1) * nodes)
    return 2.0 * (nodes**2 * (pairs * on_pairs + atoms * on_atoms) + atoms * shares)


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--molecules", type=Path)
    names = [f"{size}-{batch}" for size, batch in CASES]
    parser.add_argument("--cases", nargs="+", choices=names, default=names)
    parser.add_argument("--no-growth", action="store_true", help="leave out sizes and batches")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    here = {**machine(), "threads": options.threads, "torch": torch.__version__}
    molecules = read(options.molecules) if options.molecules else made_up(200)
    flops_per_s = measured_flops_per_s()
    chosen = [case for name, case in zip(names, CASES, strict=True) if name in options.cases]
    cases = [
        row for key in chosen for row in rows_of(*key, molecules, flops_per_s, options.repetitions)
    ]
    result: dict[str, Any] = {"machine": here, "rates": {"flops": flops_per_s}, "cases": cases}
    result["pinn"] = PINN_NOTE
    result["ranks"] = ranks = rank_costs(molecules, options.repetitions)
    if not options.no_growth:
        result["growth"] = growth(options.repetitions)
        plot(result["growth"], RESULTS / "network.svg")
    table = markdown_table(list(cases[0]), [list(row.values()) for row in cases])
    ranks_table = markdown_table(list(ranks[0]), [list(row.values()) for row in ranks])
    write("network", result, f"{table}\n{PINN_NOTE}\n\n{ranks_table}")


def read(path: Path) -> list[Molecule]:
    """Return the species and positions of the molecules of a file."""
    with np.load(path) as file:
        numbers, positions = file["elems"], file["coord"]
    return [
        (species_of(z[z > 0], ELEMENTS), x[z > 0]) for z, x in zip(numbers, positions, strict=True)
    ]


def made_up(n_molecules: int, n_atoms: int | None = None) -> list[Molecule]:
    """Return compact clusters of 15 to 20 atoms, or of ``n_atoms``, near a lattice's points."""
    rng = np.random.default_rng(1)
    return [cluster(n_atoms or int(rng.integers(15, 21)), rng) for _ in range(n_molecules)]


def cluster(n_atoms: int, rng: np.random.Generator) -> Molecule:
    """Return the atoms nearest to the middle of a disturbed cubic lattice."""
    side = np.arange(-5, 6) * SPACING_ANGSTROM
    points = np.stack(np.meshgrid(side, side, side), axis=-1).reshape(-1, 3)
    points = points + rng.uniform(-0.4, 0.4, points.shape)
    nearest = np.argsort(np.linalg.norm(points, axis=1))[:n_atoms]
    return rng.integers(0, len(ELEMENTS), n_atoms), points[nearest]


def measured_flops_per_s() -> float:
    """Return the rate of fused products and sums, of all threads.

    Without a compiler that of PyTorch's product of large matrices.
    """
    library = load(PEAK, "the benchmark")
    if library is None:
        x, output = torch.randn(2048, 2048), torch.empty(2048, 2048)
        return rate(lambda: torch.mm(x, x, out=output), 2.0 * 2048**3, 10)
    loop = library.products_and_sums
    loop.argtypes, loop.restype = [ctypes.c_int64], ctypes.c_float
    return torch.get_num_threads() * rate(lambda: loop(PEAK_ROUNDS), PEAK_ROUNDS * FLOPS_PER_ROUND)


def rows_of(
    size: str, batch: int, molecules: list[Molecule], flops_per_s: float, repetitions: int
) -> list[dict[str, Any]]:
    """Return the rows of training and inference with one network and batch."""
    work = Work(SIZES[size], molecules[:batch])
    rows = []
    for task, passes in (("training", 3), ("inference", 1)):
        taken = both_ways(work.train if passes == 3 else work.infer, repetitions)
        fused, plain = taken["fused"], taken["plain"]
        floor = work.floor_s(flops_per_s, passes)
        pinn = PINN[task].get((size, batch))
        speed = batch / fused.wall_s
        rows.append(
            {
                "network": size,
                "batch": batch,
                "task": task,
                "floor ms": floor * 1e3,
                "fused ms": fused.wall_s * 1e3,
                "plain ms": plain.wall_s * 1e3,
                "plain/fused, time": plain.wall_s / fused.wall_s,
                "plain/fused, CPU time": plain.cpu_s / fused.cpu_s,
                "floor/fused": floor / fused.wall_s,
                "molecules/s": speed,
                "PiNN, molecules/s": pinn or "",
                "ratio to PiNN": speed / pinn if pinn else "",
            }
        )
    return rows


def rank_costs(molecules: list[Molecule], repetitions: int) -> list[dict[str, Any]]:
    """Return what a training step of charges, dipoles and quadrupoles costs beside rank 3's."""
    rows = []
    for size, batch in RANK_CASES:
        third, fifth = (
            Work(SIZES[size], molecules[:batch], rank, ("p1", "p3", "p5")[: rank // 2 + 1])
            for rank in (3, 5)
        )
        taken = side_by_side({"rank 3": third.train, "rank 5": fifth.train}, repetitions)
        rows.append(
            {
                "network": size,
                "batch": batch,
                "rank 3, CPU ms": taken["rank 3"].cpu_s * 1e3,
                "rank 5, CPU ms": taken["rank 5"].cpu_s * 1e3,
                "ratio": taken["rank 5"].cpu_s / taken["rank 3"].cpu_s,
                "asked": ASKED_OF_RANK_5,
            }
        )
    return rows


def both_ways(work: Callable[[], None], repetitions: int) -> dict[str, Timing]:
    """Time something with and without the fused loops."""

    def plain() -> None:
        with native.switched_off():
            work()

    return side_by_side({"fused": work, "plain": plain}, repetitions)


def growth(repetitions: int) -> dict[str, list[dict[str, float]]]:
    """Return times of the large network against the size of molecules and of the batch."""
    by_atoms, by_batch = [], []
    for n_atoms in ATOMS:
        work = Work(SIZES["large"], made_up(max(1, 1000 // n_atoms), n_atoms))
        by_atoms.append({"atoms": n_atoms, **speed(work, repetitions)})
    for batch in BATCHES:
        work = Work(SIZES["large"], made_up(batch))
        by_batch.append({"batch": batch, **speed(work, repetitions)})
    return {"atoms": by_atoms, "batch": by_batch}


def speed(work: Work, repetitions: int) -> dict[str, float]:
    """Return molecules and pairs per second of training and inference."""
    taken = side_by_side({"training": work.train, "inference": work.infer}, repetitions)
    n_molecules, n_pairs = work.graph.n_molecules, len(work.graph.pair_i)
    found: dict[str, float] = {"pairs_per_atom": n_pairs / len(work.graph.species)}
    for task, timing in taken.items():
        found[f"{task}_molecules_per_s"] = n_molecules / timing.wall_s
        found[f"{task}_pairs_per_s"] = n_pairs / timing.wall_s
    return found


def plot(found: dict[str, list[dict[str, float]]], path: Path) -> None:
    """Draw molecules per second against atoms and batch."""
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    panels = figure.subplots(1, 2)
    for panel, key, label in zip(
        panels, ("atoms", "batch"), ("atoms per molecule", "molecules per batch"), strict=True
    ):
        x = [row[key] for row in found[key]]
        for task in ("training", "inference"):
            panel.loglog(
                x, [row[f"{task}_molecules_per_s"] for row in found[key]], "o-", label=task
            )
        panel.set(xlabel=label, ylabel="molecules per second")
    panels[0].legend()
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path)


if __name__ == "__main__":
    main()
