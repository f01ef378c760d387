r"""Measure the training of the network on a GPU; without one, say that it was not measured.

Run from the repository's root, in the project's environment::

    python benchmarks/gpu.py

What is timed is the trainer of the workflow, from drawing a batch to the new weights, in float32:
its kernels and recorded steps, and beside it (*plain*) the same trainer with PyTorch's operations
one by one. Molecules are made up (:mod:`network`); as many as a batch has, so that every batch has
the same size. *At once* are trainings in threads of one process, as with ``seeds_together``,
against one after the other.

The *floor* is the larger of two times, at rates measured in the same run: of the matrix products
(counted in :mod:`network`) at the faster of PyTorch's float32 products and a third of its TF32 ones
(three of which are as accurate), and of moving what must be moved if nothing between the gathered
terms of the atoms and the sums over pairs were ever written. Per block, pair and pass that is the
terms read of both atoms and the sums added to one of them, (B + 1 + S) C numbers of 4 bytes, three
passes in training.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from measuring import Row, machine, write_rows
from network import (
    CUTOFF,
    DEPTH,
    ELEMENTS,
    N_BASIS,
    SIZES,
    SLICES,
    floor_flops,
    made_up,
    network_settings,
)

from mepflow.models.device_data import DeviceDataset
from mepflow.models.multipole_model import MultipoleModel
from mepflow.models.variants import Variant
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.nn import gpu
from mepflow.nn.pinet2 import native
from mepflow.training.multipole_task import MultipoleTask
from mepflow.training.together import train_together
from mepflow.training.trainer import Trainer
from mepflow.training.training_settings import TrainingSettings
from mepflow.units import BOHR_IN_ANGSTROM

ASKED: Final = 40_000.0
BATCHES: Final = (100, 1000, 4000)
LOW_PRECISIONS: Final = ("tf32", "bf16")
AT_ONCE: Final = 4
PASSES: Final = 3
"""Forward, and twice as much backward."""
WEIGHTS: Final = {"dipole": 1.0, "quadrupole": 1.0}
VARIANT: Final = Variant("AC-DQ", ("charges",), WEIGHTS, "charges")


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--device", default="cuda", help="cpu tries the program out")
    parser.add_argument("--size", choices=tuple(SIZES), default="large")
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES)
    options = parser.parse_args()
    there = options.device != "cuda" or torch.cuda.is_available()
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    note = f"GPU: {name}"
    measure = Measurement(options.size, options.device, options.steps) if there else None
    training = f"training on a GPU, {options.size} network, batches of"
    rows = []
    for batch in options.batches:
        figures = (None, None, None) if measure is None else measure.training(batch)
        speed, floor, plain = figures
        rows.append(
            Row(f"{training} {batch}", speed, "molecules/s", True, ASKED, floor, plain, note)
        )
    for precision in LOW_PRECISIONS:
        batch = options.batches[-1]
        speed = None if measure is None else measure.speed(batch, precision)
        rows.append(Row(f"{training} {batch}, {precision}", speed, "molecules/s", True, note=note))
    gain = None if measure is None else measure.gain_at_once(options.batches[0])
    what = f"{AT_ONCE} trainings at once on a GPU, against one after the other"
    rows.append(Row(what, gain, "×", True, 2.0, note=note))
    write_rows("gpu", rows, {"machine": {**machine(), "gpu": name}})


@dataclass(frozen=True)
class Measurement:
    """Trainings of one size of network on one device, timed over some steps."""

    size: str
    device: str
    steps: int

    def training(self, batch: int) -> tuple[float, float, float]:
        """Return molecules per second of training, of the floor, and without our kernels."""
        table = made_up_table(batch)
        trainer = self._trainer(table, "float32")
        dataset = DeviceDataset.from_table(table, ELEMENTS, CUTOFF)
        pairs, atoms = len(dataset.inputs.graph.pair_i), len(table.atomic_numbers)
        nodes = SIZES[self.size]
        flops_per_s, bytes_per_s = rates(self.device)
        arithmetic = PASSES * floor_flops(nodes, pairs, atoms) / flops_per_s
        moved = 4.0 * DEPTH * PASSES * pairs * nodes * (N_BASIS + 1 + SLICES) / bytes_per_s
        floor = batch / max(arithmetic, moved)
        with gpu.only_on(), native.switched_off():
            plain = self._trainer(table, "float32", recorded=False)
            slow = batch / self._step_s([plain], one_by_one)
        return batch / self._step_s([trainer], one_by_one), floor, slow

    def speed(self, batch: int, precision: str) -> float:
        """Return molecules per second of training in a precision."""
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        trainer = self._trainer(made_up_table(batch), precision)
        speed = batch / self._step_s([trainer], one_by_one)
        torch.set_float32_matmul_precision("highest")
        return speed

    def gain_at_once(self, batch: int) -> float:
        """Return how many times faster some trainings are together than one after the other."""
        table = made_up_table(batch)
        trainers = [self._trainer(table, "float32") for _ in range(AT_ONCE)]
        return self._step_s(trainers, one_by_one) / self._step_s(trainers, train_together)

    def _trainer(self, table: MoleculeTable, precision: str, *, recorded: bool = True) -> Trainer:
        torch.manual_seed(1)
        model = MultipoleModel(network_settings(SIZES[self.size]), VARIANT).to(self.device)
        fields = {name: name for name in WEIGHTS}
        task = MultipoleTask(model, (table, table.select([0])), fields)
        settings = TrainingSettings.from_config(
            {
                **{"steps": 100 * self.steps, "validation_interval": self.steps},
                **{"batch_size": len(table), "learning_rate": 1e-4, "adam_epsilon": 1e-7},
                **{"schedule": {"kind": "constant"}, "gradient_clip_norm": 0.01},
                **{"precision": precision, "device": "auto", "early_stopping_patience": None},
            }
        )
        return Trainer(model, task, settings, 1, recorded=recorded)

    def _step_s(
        self, trainers: list[Trainer], run: Callable[[list[Callable[[], object]]], None]
    ) -> float:
        """Return the seconds of a step of all trainers; the first steps are a warm-up."""
        run([trainer.advance for trainer in trainers])
        start = time.perf_counter()
        run([trainer.advance for trainer in trainers])
        return (time.perf_counter() - start) / self.steps


def one_by_one(works: list[Callable[[], object]]) -> None:
    """Do some things one after the other."""
    for work in works:
        work()


def made_up_table(n_molecules: int) -> MoleculeTable:
    """Return made-up molecules with made-up labels."""
    rng = np.random.default_rng(2)
    molecules = [
        Molecule(f"m{k}", np.array(ELEMENTS, dtype=np.uint8)[species], x / BOHR_IN_ANGSTROM)
        for k, (species, x) in enumerate(made_up(n_molecules))
    ]
    labels = {"dipole": (n_molecules, 3), "quadrupole": (n_molecules, 3, 3)}
    return MoleculeTable.from_molecules(
        molecules, {name: list(rng.normal(size=shape)) for name, shape in labels.items()}
    )


def rates(device: str) -> tuple[float, float]:
    """Return flops per second of products as in the network, and bytes moved per second."""
    x, weight = torch.randn(1 << 17, 64, device=device), torch.randn(64, 64, device=device)
    flops = 2.0 * x.numel() * 64
    product_s = seconds_of(lambda: torch.mm(x, weight), device)
    torch.set_float32_matmul_precision("high")
    product_s = min(product_s, 3.0 * seconds_of(lambda: torch.mm(x, weight), device))
    torch.set_float32_matmul_precision("highest")
    numbers = torch.empty(1 << 26, device=device)
    target = torch.empty_like(numbers)
    copy_s = seconds_of(lambda: target.copy_(numbers), device)
    return flops / product_s, 2.0 * numbers.nbytes / copy_s


def seconds_of(work: Callable[[], object], device: str, repetitions: int = 20) -> float:
    """Return the seconds of something that a device does, after a warm-up."""
    for turn in range(repetitions + 5):
        if turn == 5:
            wait_for(device)
            start = time.perf_counter()
        work()
    wait_for(device)
    return (time.perf_counter() - start) / repetitions


def wait_for(device: str) -> None:
    """Wait until the device has done all it was asked for."""
    if device == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
