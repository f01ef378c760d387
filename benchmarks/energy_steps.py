"""Measure a training step on energies, forces and dipoles, for each network and gradient.

Run from the repository's root, in the project's environment::

    python benchmarks/energy_steps.py

Batches of eight molecules of ``resources/labels/organic.h5``; times are of the processor, of one
thread.
"""

import sys
import time
from pathlib import Path
from typing import Any, Final

import torch
import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.archives.labelled_table import read_reference  # noqa: E402
from mepflow.models.device_data import elements_of  # noqa: E402
from mepflow.models.energy_model import EnergyModel  # noqa: E402
from mepflow.models.variants import Variant  # noqa: E402
from mepflow.molecules import MoleculeTable  # noqa: E402
from mepflow.nn.networks import network_settings  # noqa: E402
from mepflow.training.energy_task import EnergyTask  # noqa: E402
from mepflow.training.trainer import Trainer  # noqa: E402
from mepflow.training.training_settings import TrainingSettings  # noqa: E402

CASES: Final = (
    ("physnet-small", "exact"),
    ("small", "exact"),
    ("small", "differences"),
    ("medium", "differences"),
    ("physnet-large", "exact"),
)
FIELDS: Final = {"energy": "energy", "forces": "archive_gradient", "dipole": "dipole"}
MOLECULES, BATCH, STEPS = 200, 8, 10


def main() -> None:
    """Measure and print a line for each case."""
    table, _ = read_reference(ROOT / "resources" / "labels" / "organic.h5", None, {})
    table = table.select(range(min(MOLECULES, len(table))))
    networks = read("definitions.yaml")["networks"]
    row = dict(read("studies/energies.yaml")["variants"]["AC-EFD"])
    training = {**read("config.yaml")["training"], **row.pop("training")}
    lines = [f"{len(table)} molecules of {len(table.positions) / len(table):.1f} atoms"]
    for name, how in CASES:
        variant = Variant.from_row(name, row)
        settings = networks[name] | {"elements": elements_of(table), "outputs": variant.outputs}
        model = EnergyModel(network_settings(settings), variant)
        own = training | {"force_gradient": how, "batch_size": BATCH, "device": "cpu"}
        seconds = step_time(model, table, own)
        weights = sum(values.numel() for values in model.parameters())
        lines.append(f"{name}, {how}: {1000 * seconds:.0f} ms a step, {weights:,} weights")
    sys.stdout.write("\n".join(lines) + "\n")


def step_time(model: EnergyModel, table: MoleculeTable, training: dict[str, Any]) -> float:
    """Return the CPU seconds of a step, after one that is not counted."""
    known = {field: training[field] for field in training if field in KEYS}
    settings = TrainingSettings.from_config(known)
    task = EnergyTask(model, (table, table), FIELDS, "the labels", settings)
    trainer = Trainer(model, task, settings, seed=1)
    trainer._train_until(1)
    start = time.process_time()
    trainer._train_until(1 + STEPS)
    return (time.process_time() - start) / STEPS


def read(name: str) -> dict[str, Any]:
    """Return a file of ``config``."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "config" / name).read_text())
    return content


KEYS: Final = TrainingSettings.__dataclass_fields__


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
