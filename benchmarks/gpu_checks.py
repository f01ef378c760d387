"""Whether a GPU computes what it should: kernels, recorded networks, recorded steps, a model.

Deviations are the largest ones, divided by the largest number of the same array.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from gpu_trainings import (
    ELEMENTS,
    NotMeasuredError,
    Scale,
    large_row,
    made_up_table,
    make_trainer,
    products_in,
)
from measuring import Row
from network import CUTOFF, ROOT
from torch import Tensor

from mepflow.models.model_file import load_model
from mepflow.models.predict import predict_table
from mepflow.nn import gpu
from mepflow.nn.graph import Graph, build_graph
from mepflow.nn.pinet2 import native
from mepflow.nn.pinet2.pinet2_network import PiNet2
from mepflow.nn.pinet2.pinet2_settings import PiNet2Settings
from mepflow.nn.pinet2.recorded_network import load_recorded
from mepflow.training.trainer import Trainer

OUTPUTS: Final = ("p1", "p3", "p5")
CASES: Final[dict[str, dict[str, Any]]] = {
    "rank 1": {"rank": 1, "nodes": 16},
    "rank 3": {"rank": 3, "nodes": 16},
    "rank 5, weighted": {"rank": 5, "nodes": 16, "weighted": True},
    "rank 3, large": {"rank": 3},
    "rank 5, large": {"rank": 5},
}
ASKED: Final = {"float32": (5e-6, 3e-6)}
"""Deviations of outputs and gradient that are rounding; those of TF32 and bfloat16 are measured."""
COMPARED: Final = {
    "cuda": [(name, precision) for name in CASES for precision in ("float32", "tf32", "bf16")],
    "cpu": [("rank 5, weighted", "float32")],
}
"""Triton's interpreter is slow, and has neither TF32 nor bfloat16."""
MOLECULES: Final = 100
ASKED_OF_RECORDINGS: Final = 5e-6
"""Absolute, as in the tests; recorded in float32."""
RECORDING_FOLDERS: Final = tuple(
    folder / "shared" / "data" / "pinn_parity" for folder in (ROOT, ROOT.parent)
)
STEPS: Final = 40
BATCH: Final = 32
TRAINED: Final = 200
ASKED_OF_PADDING: Final = 1e-3
"""Padding changes the order of some sums, and each step carries on what that changes."""
MODELS: Final = ROOT / "resources" / "models" / "default"
ASKED_OF_MODEL: Final = 1e-5


def kernels(scale: Scale) -> list[Row]:
    """Compare kernels with plain layers in float64, beside the plain layers in the precision."""
    _require_kernels(scale.device)
    graph = build_graph(scale.molecules_of(MOLECULES), CUTOFF).to(scale.device)
    return [
        row
        for name, precision in COMPARED[scale.device]
        for row in _kernel_rows(name, _settings(CASES[name], scale), graph, precision, scale.device)
    ]


def _require_kernels(device: str) -> None:
    with gpu.only_on(device):
        if not gpu.usable(torch.zeros(1, device=device)):
            raise NotMeasuredError("Triton is not installed, so there are no kernels")


def _settings(changes: dict[str, Any], scale: Scale) -> PiNet2Settings:
    row = scale.network({**large_row(), **changes})
    outputs = OUTPUTS[: row["rank"] // 2 + 1]
    return PiNet2Settings.from_dict({**row, "elements": ELEMENTS, "outputs": outputs})


def _kernel_rows(
    name: str, settings: PiNet2Settings, graph: Graph, precision: str, device: str
) -> list[Row]:
    model = PiNet2(settings, torch.Generator().manual_seed(5)).to(device, torch.float64)
    single = graph.to(device, torch.float32)
    with gpu.only_on(), native.switched_off():
        true = _results(model, graph, "float64")
        model = model.float()
        plain = _deviations(_results(model, single, precision), true)
    with gpu.only_on(device), native.switched_off():
        found = _deviations(_results(model, single, precision), true)
    asked = ASKED.get(precision, (None, None))
    what = ("outputs", "gradient")
    return [
        Row(f"kernels, {name}, {precision}: deviation of the {part}", value, "", False, limit,
            plain=beside)
        for part, value, limit, beside in zip(what, found, asked, plain, strict=True)
    ]  # fmt: skip


def _results(model: PiNet2, graph: Graph, precision: str) -> tuple[list[Tensor], list[Tensor]]:
    """Return outputs and the gradient of the weights of the sum of their squares, in float64."""
    device = graph.distance.device.type
    bf16 = precision == "bf16"
    with products_in(precision), torch.autocast(device, torch.bfloat16, enabled=bf16):
        outputs = list(model(graph).values())
        loss = sum((values.double().square().sum() for values in outputs), start=torch.zeros(()))
        gradient = torch.autograd.grad(loss, list(model.parameters()))
    return [v.detach().double() for v in outputs], [v.double() for v in gradient]


def _deviations(
    found: tuple[list[Tensor], list[Tensor]], true: tuple[list[Tensor], list[Tensor]]
) -> tuple[float, float]:
    """Return the largest deviation of an output, and the gradient's in relation to its norm."""
    outputs = max(
        float((a - b).abs().max() / b.abs().max()) for a, b in zip(found[0], true[0], strict=True)
    )
    wrong = sum(float((a - b).square().sum()) for a, b in zip(found[1], true[1], strict=True))
    whole = sum(float(b.square().sum()) for b in true[1])
    return outputs, (wrong / whole) ** 0.5


def recorded_networks(scale: Scale) -> list[Row]:
    """Compare the network with what PiNN, the original, computed: recordings beside the project.

    On a processor, where Triton's interpreter would take minutes, these are the plain layers.
    """
    paths = sorted(path for folder in RECORDING_FOLDERS for path in folder.glob("?_*.npz"))
    if not paths:
        raise NotMeasuredError("the recordings of PiNN are not in shared/data/pinn_parity")
    paths = paths if scale.device == "cuda" else paths[:1]
    return [
        Row(f"network of PiNN, {path.stem}: largest deviation", _from_recording(path, scale.device),
            "", False, ASKED_OF_RECORDINGS)
        for path in paths
    ]  # fmt: skip


def _from_recording(path: Path, device: str) -> float:
    network = load_recorded(path, torch.float32)
    with torch.no_grad(), gpu.only_on("cuda"), native.switched_off():
        outputs = network.model.to(device)(network.graph.to(device, torch.float32))
    largest = []
    for name, values in outputs.items():
        key = "f32/output" if name == "p1" else f"f32/out_extra/{name}"
        recorded = network.arrays[key].reshape(values.shape)
        largest.append(float(np.abs(values.cpu().numpy() - recorded).max()))
    return max(largest)


def recorded_steps(scale: Scale) -> list[Row]:
    """Compare steps replayed from recordings with the same steps launched one by one.

    Raises :class:`NotMeasuredError` where there are no recordings, after it has run all the same.
    """
    table = made_up_table(scale, TRAINED)
    steps = min(STEPS, scale.steps)

    def trained(way: Callable[[Trainer], Tensor], *, recorded: bool) -> tuple[Tensor, Tensor]:
        batch = min(BATCH, len(table))
        trainer = make_trainer(table, large_row(), scale, batch=batch, recorded=recorded)
        losses = _losses(trainer, way, steps)
        return losses, torch.cat([v.detach().flatten().cpu() for v in trainer.model.parameters()])

    replayed = trained(Trainer._train_step, recorded=True)
    again = trained(Trainer._train_step, recorded=True)
    launched = trained(_padded_step, recorded=False)
    unpadded = trained(Trainer._train_step, recorded=False)
    if scale.device != "cuda":
        raise NotMeasuredError("steps are recorded on a GPU only")
    return [
        *_differences("recorded steps, trained twice", replayed, again, (0.0, 0.0)),
        *_differences("recorded steps and such launched one by one", replayed, launched,
                      (0.0, 0.0)),
        *_differences("recorded steps and such without padding", replayed, unpadded,
                      (ASKED_OF_PADDING, None)),
    ]  # fmt: skip


def _losses(trainer: Trainer, way: Callable[[Trainer], Tensor], steps: int) -> Tensor:
    losses = []

    def train() -> None:
        for _ in range(steps):
            losses.append(way(trainer))
            trainer.step += 1

    if trainer._captured is None:
        train()
    else:
        with trainer._captured.stream():
            train()
    return torch.stack(losses).double().cpu()


def _padded_step(trainer: Trainer) -> Tensor:
    """Do what a recording holds."""
    molecules = trainer._molecules_of(trainer.step)
    trainer._optimizer.begin_step(trainer.settings.learning_rate_at(trainer.step))
    rows = torch.from_numpy(molecules).to(trainer.task.device)
    return trainer._padded_step(rows, trainer.task.capacity(molecules))


def _differences(
    name: str,
    one: tuple[Tensor, Tensor],
    other: tuple[Tensor, Tensor],
    asked: Sequence[float | None],
) -> list[Row]:
    return [
        Row(f"{name}: deviation of the {what}", float((a - b).abs().max() / b.abs().max()),
            "", False, limit)
        for what, a, b, limit in zip(("losses", "weights"), one, other, asked, strict=True)
    ]  # fmt: skip


def shipped_model(scale: Scale) -> list[Row]:
    """Compare the predictions of the model that comes with mepflow, device against processor."""
    path = min(MODELS.glob("*.pt"), default=None)
    if path is None:
        raise NotMeasuredError("there is no model in resources/models/default")
    table = made_up_table(scale, MOLECULES)
    there, here = (predict_table(load_model(path, d)[0], table) for d in (scale.device, "cpu"))
    return [
        Row(f"the model that comes with mepflow, {name}: deviation from the CPU",
            float(np.abs(there.properties[name] - values).max() / np.abs(values).max()),
            "", False, ASKED_OF_MODEL)
        for name, values in here.properties.items()
    ]  # fmt: skip
