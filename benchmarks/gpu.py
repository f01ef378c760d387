r"""Measure the training of the network on a GPU; without one, say that it was not measured.

Run from the repository's root, in the project's environment::

    python benchmarks/gpu.py

A step is forward, backward, clipping and Adam on one batch on the device, in float32 without TF32,
as in :mod:`network`. *Several at once* are trainings of the same network in streams of their own,
in one process, against one after the other.

The *floor* is the larger of two times, at rates measured in the same run: of the matrix products
(counted in :mod:`network`), and of moving what must be moved if nothing between the gathered terms
of the atoms and the sums over pairs were ever written. Per block, pair and pass that is the terms
read of both atoms and the sums added to one of them, (B + 1 + S) C numbers of 4 bytes, three passes
in training.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Final

import torch
from measuring import Row, machine, write_rows
from network import DEPTH, N_BASIS, SIZES, SLICES, Work, made_up

ASKED: Final = 40_000.0
BATCHES: Final = (100, 1000, 4000)
AT_ONCE: Final = 4
WARM_UP: Final = 5
PASSES: Final = 3
"""Forward, and twice as much backward."""


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--device", default="cuda", help="cpu tries the program out")
    parser.add_argument("--size", choices=tuple(SIZES), default="large")
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES)
    options = parser.parse_args()
    there = options.device != "cuda" or torch.cuda.is_available()
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    rows = []
    for batch in options.batches:
        what = f"training on a GPU, {options.size} network, batches of {batch}"
        speed = floor = None
        if there:
            speed, floor = measured(options.size, batch, options.device, options.steps)
        rows.append(Row(what, speed, "molecules/s", True, ASKED, floor, note=f"GPU: {name}"))
    gain = at_once(options.size, options.device, options.steps) if there else None
    what = f"{AT_ONCE} trainings at once on a GPU, against one after the other"
    rows.append(Row(what, gain, "×", True, 2.0, note=f"GPU: {name}"))
    write_rows("gpu", rows, {"machine": {**machine(), "gpu": name}})


def measured(size: str, batch: int, device: str, steps: int) -> tuple[float, float]:
    """Return the molecules per second of training, and those of the floor."""
    work = on_device(size, batch, device)
    seconds = time_of([work.train], steps, device)
    flops, bytes_per_s = rates(device)
    pairs = len(work.graph.pair_i)
    arithmetic = work.floor_s(flops, PASSES)
    moved = 4.0 * DEPTH * PASSES * pairs * work.nodes * (N_BASIS + 1 + SLICES)
    return batch / seconds, batch / max(arithmetic, moved / bytes_per_s)


def on_device(size: str, batch: int, device: str) -> Work:
    """Return a network with its optimiser and a batch on a device."""
    with torch.device(device):
        work = Work(SIZES[size], made_up(batch))
    work.graph = work.graph.to(device)
    return work


def at_once(size: str, device: str, steps: int, batch: int = 100) -> float:
    """Return how many times faster several trainings are together than one after the other."""
    works = [on_device(size, batch, device).train for _ in range(AT_ONCE)]
    together = list(map(in_a_stream, works)) if device == "cuda" else works
    return time_of(works, steps, device) / time_of(together, steps, device)


def in_a_stream(work: Callable[[], None]) -> Callable[[], None]:
    """Return a step that does ``work`` in a stream of its own."""
    stream = torch.cuda.Stream()

    def step() -> None:
        with torch.cuda.stream(stream):
            work()

    return step


def time_of(works: Sequence[Callable[[], object]], steps: int, device: str) -> float:
    """Return the seconds of a step of all ``works``."""
    for _ in range(WARM_UP):
        for work in works:
            work()
    wait_for(device)
    start = time.perf_counter()
    for _ in range(steps):
        for work in works:
            work()
    wait_for(device)
    return (time.perf_counter() - start) / steps


def rates(device: str) -> tuple[float, float]:
    """Return flops per second of products as in the network, and bytes moved per second."""
    x, weight = torch.randn(1 << 17, 64, device=device), torch.randn(64, 64, device=device)
    numbers = torch.empty(1 << 26, device=device)
    target = torch.empty_like(numbers)
    product_s = time_of([lambda: torch.mm(x, weight)], 20, device)
    copy_s = time_of([lambda: target.copy_(numbers)], 20, device)
    return 2.0 * x.numel() * 64 / product_s, 2.0 * numbers.nbytes / copy_s


def wait_for(device: str) -> None:
    """Wait until the device has done all it was asked for."""
    if device == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
