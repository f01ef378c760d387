"""Comparison with recorded networks of PiNN, the original implementation of PiNet2.

Pair arrays are sorted before the comparison: a recording has them in an order of its own.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mepflow.errors import InputError
from mepflow.nn.graph import Graph
from mepflow.nn.pinet2 import native
from mepflow.nn.pinet2.layers import traceless_square
from mepflow.nn.pinet2.pinet2_network import PiNet2
from mepflow.nn.pinet2.pinet2_settings import PiNet2Settings
from mepflow.nn.pinet2.recorded_network import PRECISIONS, RecordedNetwork, load_recorded
from mepflow.nn.segments import segment_sum

TOLERANCES: Final = {"f64": 1e-10, "f32": 5e-6}
"""Largest absolute deviation that counts as agreement."""
RELATIVE_TOLERANCES: Final = {"f64": 0.0, "f32": 2e-6}
"""The same relative to the largest number of an array, whose rounding grows with it."""
_PAIR_ARRAYS: Final = re.compile(r"nl/ind_2|nl/dist|nl/diff|d3|d5|fc|basis|block\d+/i\d")
# PiNN keeps the length of a dipole differentiable at 0: sqrt(|μ|² + this), in (e·Å)².
_NORM_SHIFT: Final = 1e-6


@dataclass(frozen=True)
class Deviation:
    """Largest absolute deviation of one array, and what is tolerated, by recorded precision."""

    name: str
    largest: dict[str, float] = field(default_factory=dict)
    tolerated: dict[str, float] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether every deviation is within its tolerance (NaN is not)."""
        return all(value <= self.tolerated[precision] for precision, value in self.largest.items())


def deviations(path: str | Path) -> list[Deviation]:
    """Return the deviation of each array that the file records, in the file's order.

    Raises :class:`~mepflow.errors.InputError` as :func:`load_recorded` does, and where an array
    has another shape than ours, or a name we know nothing about.
    """
    found: dict[str, Deviation] = {}
    for precision, dtype in PRECISIONS.items():
        network = load_recorded(path, dtype)
        ours = computed(network)
        recorded_arrays = {
            name.removeprefix(f"{precision}/"): values
            for name, values in network.arrays.items()
            if name.startswith(f"{precision}/")
        }
        for name, values in recorded_arrays.items():
            if name not in ours or tuple(ours[name].shape) != values.shape:
                raise InputError(
                    f"{path} holds {precision}/{name} of shape {values.shape}, which we do not"
                    " compute."
                )
        order = _pair_order(recorded_arrays["nl/ind_2"])
        for name, values in recorded_arrays.items():
            recorded = values[order] if _PAIR_ARRAYS.fullmatch(name) else values
            row = found.setdefault(name, Deviation(name))
            row.largest[precision] = float(np.abs(ours[name].numpy() - recorded).max(initial=0.0))
            relative = RELATIVE_TOLERANCES[precision] * float(np.abs(recorded).max(initial=0.0))
            row.tolerated[precision] = max(TOLERANCES[precision], relative)
    return list(found.values())


def _pair_order(pairs: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return np.lexsort((pairs[:, 1], pairs[:, 0])).astype(np.int64)


@torch.no_grad()
def computed(network: RecordedNetwork) -> dict[str, Tensor]:
    """Return what our network makes of the recorded molecules, by the recording's names."""
    model, graph = network.model, network.graph
    difference = graph.positions[graph.pair_j] - graph.positions[graph.pair_i]
    found = {
        "nl/ind_2": torch.stack([graph.pair_i, graph.pair_j], dim=1),
        "nl/dist": graph.distance,
        "nl/diff": difference,
        "d3": graph.direction,
        "d5": traceless_square(graph.direction),
        "fc": model.basis.cutoff_values(graph.distance),
        "embed_p1": model.embed(graph)["p1"],
    }
    handles = [_watch(model, path, name, found) for path, name in _inner(network.settings)]
    # Modules run on the plain way only; the outputs are those of the fused one.
    with native.switched_off():
        model(graph)
    outputs = model(graph)
    for handle in handles:
        handle.remove()
    unbiased = _without_vector_bias(model)(graph)
    for name in network.settings.outputs[1:]:
        found[f"out_extra/{name}"] = outputs[name][:, :, None]
        found[f"out_extra_headbias0/{name}"] = unbiased[name][:, :, None]
    return found | {"output": outputs["p1"]} | _dipoles(outputs, graph)


def _inner(settings: PiNet2Settings) -> list[tuple[str, str]]:
    """Return the path of each module whose output is recorded, and the name of the record."""
    names = [("basis", "basis")]
    for t in range(settings.depth):
        block = f"blocks.{t}"
        names.append((block, f"block{t}/{{}}_new"))
        names.append((f"residuals.{t}", f"block{t}/{{}}_res"))
        names.append((f"{block}.invariant", f"block{t}/i1"))
        for name in settings.properties[1:]:
            layer = f"{block}.equivariant.{name}"
            names.append((layer, f"block{t}/dotted_{name}"))
            names.append((f"{layer}.interaction", f"block{t}/{name.replace('p', 'i')}"))
    return names


def _watch(model: PiNet2, path: str, name: str, found: dict[str, Tensor]) -> RemovableHandle:
    """Keep in ``found`` what a module returns: a tensor, the last of a tuple, or all of a dict."""

    def keep(module: nn.Module, arguments: Any, output: Any) -> None:
        if isinstance(output, dict):
            found.update({name.format(key): value for key, value in output.items()})
        else:
            found[name] = output[-1] if isinstance(output, tuple) else output

    return model.get_submodule(path).register_forward_hook(keep)


def _without_vector_bias(model: PiNet2) -> PiNet2:
    copied = copy.deepcopy(model)
    for name, parameter in copied.named_parameters():
        if re.match(r"heads\.\d+\.p[35]\..*bias", name):
            parameter.zero_()
    return copied


def _dipoles(outputs: Mapping[str, Tensor], graph: Graph) -> dict[str, Tensor]:
    """Return PiNN's charges (neutral molecules) and dipoles in e and e·Å, those it can compute."""

    def total(values: Tensor) -> Tensor:
        return segment_sum(values, graph.molecule, graph.n_molecules)

    p1 = outputs["p1"]
    charges = p1 - (total(p1) / total(torch.ones_like(p1)))[graph.molecule]
    of_charges = total(charges[:, None] * graph.positions)
    found = {
        "model/ac_charges": charges,
        "model/ac_dipole_vec": of_charges,
        "model/ac_dipole_norm": (of_charges.square().sum(dim=1) + _NORM_SHIFT).sqrt(),
    }
    if "p3" in outputs:
        found["model/ad_dipole_vec"] = total(outputs["p3"])
        found["model/ac_ad_dipole_vec"] = of_charges + total(outputs["p3"])
    return found


def report(found: Sequence[Deviation]) -> str:
    """Return an aligned table of the deviations, the tolerances, and the verdict as last line."""
    rows = [("array", *PRECISIONS), ("tolerance", *(f"{t:.1e}" for t in TOLERANCES.values()))]
    for row in found:
        values = (f"{row.largest[p]:.1e}" if p in row.largest else "-" for p in PRECISIONS)
        rows.append((row.name, *values, "" if row.agrees else "differs"))
    width = max(len(name) for name, *_ in rows)
    lines = [
        "  ".join([name.ljust(width), *(v.rjust(7) for v in values)]).rstrip()
        for name, *values in rows
    ]
    different = sum(not row.agrees for row in found)
    total = f"{len(found)} arrays"
    lines.append(f"{different} of {total} differ" if different else f"all {total} agree")
    return "\n".join(lines)
