"""How fast a GPU trains and infers, beside floors measured on it."""

import csv
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
import yaml
from gpu_trainings import (
    NotMeasuredError,
    Scale,
    large_row,
    made_up_table,
    make_model,
    make_trainer,
    products_in,
    seconds_of,
)
from measuring import Row
from network import CUTOFF, ELEMENTS, N_BASIS, ROOT, SLICES, floor_flops

from mepflow.models.device_data import DeviceDataset
from mepflow.models.targets import TARGETS, TASKS
from mepflow.models.variants import Variant
from mepflow.molecules import MoleculeTable
from mepflow.nn import gpu
from mepflow.nn.pinet2 import native
from mepflow.runs.studies import complete_config
from mepflow.runs.training_rows import training_row, variant_row
from mepflow.training.run import train
from mepflow.training.together import train_together
from mepflow.training.training_settings import PRECISIONS

ASKED: Final = 40_000.0
BATCHES: Final = (100, 1000, 4000)
BATCH: Final = 1000
AT_ONCE: Final = 4
ASKED_AT_ONCE: Final = 2.0
PASSES: Final = 3
"""Forward, and twice as much backward."""
STUDIES: Final = ROOT / "config" / "studies"
STUDY_STEPS: Final = 200
STUDY_MOLECULES: Final = 200
COPIED: Final = 1 << 26
"""Numbers of four bytes that are copied to measure the memory: more than any cache holds."""


def headline(batch: int) -> str:
    """Return the name of the row of the large network's training."""
    return f"training on a GPU, large network, batches of {batch}"


def floors(scale: Scale) -> list[Row]:
    """Return the rates of products as in the network, and of a copy."""
    flops, moved = rates(scale)
    return [
        Row("products of float32 on a GPU, as in the network", flops / 1e12, "10¹² FLOP/s", True),
        Row("memory of a GPU, moved by a copy", moved / 1e9, "GB/s", True),
    ]


def rates(scale: Scale) -> tuple[float, float]:
    """Return flops per second of products as in the network, and bytes moved per second.

    Of products at the accuracy of float32: the faster of PyTorch's own, and a third of its TF32
    ones, three of which are as accurate.
    """
    tiny = scale.device != "cuda"
    x = torch.randn(1 << (10 if tiny else 17), 64, device=scale.device)
    weight = torch.randn(64, 64, device=scale.device)
    product_s = seconds_of(lambda: torch.mm(x, weight), scale, 20)
    with products_in("tf32"):
        product_s = min(product_s, 3.0 * seconds_of(lambda: torch.mm(x, weight), scale, 20))
    numbers = torch.empty(1 << 16 if tiny else COPIED, device=scale.device)
    target = torch.empty_like(numbers)
    copy_s = seconds_of(lambda: target.copy_(numbers), scale, 20)
    return 2.0 * x.numel() * 64 / product_s, 2.0 * numbers.nbytes / copy_s


def training_of(batch: int) -> Callable[[Scale], list[Row]]:
    """Return what measures the training of the large network, beside floor and plain layers."""

    def measure(scale: Scale) -> list[Row]:
        table = made_up_table(scale, batch)
        floor = len(table) / floor_s(table, scale)
        speed, memory = training_speed(table, scale, "float32")
        with gpu.only_on(), native.switched_off():
            plain, _ = training_speed(table, scale, "float32", recorded=False)
        return [Row(headline(batch), speed, "molecules/s", True, ASKED, floor, plain, memory)]

    return measure


def floor_s(table: MoleculeTable, scale: Scale) -> float:
    """Return the seconds below which no step on these molecules can be; see :mod:`gpu`."""
    graph = DeviceDataset.from_table(table, ELEMENTS, CUTOFF).inputs.graph
    row = scale.network(large_row())
    pairs, nodes = len(graph.pair_i), row["nodes"]
    flops_per_s, bytes_per_s = rates(scale)
    arithmetic = PASSES * floor_flops(nodes, pairs, len(graph.species)) / flops_per_s
    moved = 4.0 * row["depth"] * PASSES * pairs * nodes * (N_BASIS + 1 + SLICES) / bytes_per_s
    return float(max(arithmetic, moved))


def training_speed(
    table: MoleculeTable,
    scale: Scale,
    precision: str,
    row: Mapping[str, Any] | None = None,
    **ways: bool,
) -> tuple[float, str]:
    """Return molecules per second of training with whole tables as batches, and the memory."""
    with products_in(precision):
        trainer = make_trainer(table, row or large_row(), scale, precision, **ways)
        if scale.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        seconds = seconds_of(trainer.advance, scale) / scale.steps
    if scale.device != "cuda":
        return len(table) / seconds, ""
    return len(table) / seconds, f"{torch.cuda.max_memory_allocated() / 2**20:.0f} MiB"


def precisions_of(name: str) -> Callable[[Scale], list[Row]]:
    """Return what measures training and inference of a row of networks in every precision."""

    def measure(scale: Scale) -> list[Row]:
        row = definitions()["networks"][name]
        table = made_up_table(scale, BATCH)
        rows = []
        for precision in PRECISIONS:
            speeds = {
                "training": training_speed(table, scale, precision, row),
                "inference": (inference_speed(table, scale, precision, row), ""),
            }
            for task, (speed, note) in speeds.items():
                what = f"{task} on a GPU, {name} network, batches of {BATCH}, {precision}"
                rows.append(Row(what, speed, "molecules/s", True, note=note))
        return rows

    return measure


def inference_speed(
    table: MoleculeTable, scale: Scale, precision: str, row: Mapping[str, Any]
) -> float:
    """Return molecules per second that a model predicts, their pairs being known."""
    model = make_model(row, scale, precision)
    weights = next(model.parameters())
    settings = model.settings
    dataset = DeviceDataset.from_table(
        table, settings.elements, settings.cutoff_angstrom, device=scale.device, dtype=weights.dtype
    )
    bf16 = precision == "bf16"

    def infer() -> None:
        model(dataset.inputs)

    with (
        products_in(precision),
        torch.no_grad(),
        torch.autocast(scale.device, torch.bfloat16, enabled=bf16),
    ):
        return len(table) / seconds_of(infer, scale, 5)


def at_once(scale: Scale) -> list[Row]:
    """Return how many times faster some trainings are together than one after the other."""
    table = made_up_table(scale, BATCHES[0])
    # Each way has trainers of its own, so that those in threads make their recordings there.
    first, second = ([advancing(table, scale) for _ in range(AT_ONCE)] for _ in range(2))

    def one_by_one() -> None:
        for advance in first:
            advance()

    alone = seconds_of(one_by_one, scale)
    together = seconds_of(lambda: train_together(second, at_once=True), scale)
    what = f"{AT_ONCE} trainings at once on a GPU, against one after the other"
    return [Row(what, alone / together, "×", True, ASKED_AT_ONCE)]


def advancing(table: MoleculeTable, scale: Scale) -> Callable[[], None]:
    """Return what takes a new trainer of the large network to its next validation."""
    trainer = make_trainer(table, large_row(), scale)

    def advance() -> None:
        trainer.advance()

    return advance


def definitions() -> dict[str, Any]:
    """Return the definitions that all runs share."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())
    return found


def training_of_study(study: str) -> Callable[[Scale], list[Row]]:
    """Return what trains the variant with most terms and targets of a study, by the workflow."""

    def measure(scale: Scale) -> list[Row]:
        config = _config(study, scale)
        variant = max(
            (Variant.from_row(name, variant_row(config, name)) for name in config["variants"]),
            key=lambda one: (len(one.atomic_terms), len(one.loss_weights)),
        )
        if variant.task not in TASKS:
            raise NotMeasuredError(f"nothing trains {variant.name}")
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            losses = _train(config, variant, scale, Path(folder))
        steps = config["training"]["steps"]
        what = f"training of {variant.name} (study {study}), {steps} steps on a GPU"
        return [
            Row(what, time.perf_counter() - start, "s", note="compiling and files included"),
            Row(f"{what}: last loss in relation to the first", losses[-1] / losses[0], "×", False,
                1.0 if scale.device == "cuda" else None),
        ]  # fmt: skip

    return measure


def _config(study: str, scale: Scale) -> dict[str, Any]:
    """Return the configuration of the default run with a study, and a short training."""
    rows = yaml.safe_load((STUDIES / f"{study}.yaml").read_text())
    run = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    steps = min(STUDY_STEPS, scale.steps)
    short = {"steps": steps, "validation_interval": max(1, steps // 4), "device": scale.device}
    run = {"training": {**run["training"], **short}}
    return dict(complete_config(definitions(), {study: rows}, run))


def _train(config: Mapping[str, Any], variant: Variant, scale: Scale, folder: Path) -> list[float]:
    """Train a variant from files to files; return the mean losses between its validations."""
    fields = {
        field: target
        for target in variant.loss_weights
        for field in TARGETS[target].label_fields(variant.charges_like)[:1]
    }
    table = made_up_table(scale, STUDY_MOLECULES, fields)
    table.save(folder / "reference.h5")
    parts = ["test", "validation", *["train"] * (len(table) - 2)]
    lines = [f"{key},{part},0" for key, part in zip(table.ids, parts, strict=True)]
    (folder / "splits.csv").write_text("\n".join(["id,split,showcase", *lines, ""]))
    row = config["networks"][config["variants"][variant.name].get("network", "small")]
    settings = training_row(config, variant.name)
    train(
        reference=folder / "reference.h5",
        splits=folder / "splits.csv",
        variant=variant,
        network=scale.network(row),
        training={**settings, "batch_size": min(settings["batch_size"], parts.count("train"))},
        seed=1,
        state_folder=folder / "state",
        model_path=folder / "model.pt",
        log_path=folder / "training.csv",
    )
    with (folder / "training.csv").open() as file:
        return [float(line["train_loss"]) for line in csv.DictReader(file)]
