"""Comparison with recorded networks of PiNN, the original implementation of PiNet2.

A recording is an ``.npz`` file of hyperparameters (JSON), molecules (``in/…``), weights (``w/…``,
dense kernels as (in, out)), and what the original computed from them in float32 and in float64
(``f32/…``, ``f64/…``): outputs, inner tensors, and dipoles in e·Å about the origin of the
coordinates. Its pairs are in an order of its own, so pair arrays are sorted before the comparison.
"""

import copy
import json
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

from mepflow.errors import ConfigError, InputError
from mepflow.nn.graph import Graph, build_graph, species_of
from mepflow.nn.pinet2 import native
from mepflow.nn.pinet2.layers import traceless_square
from mepflow.nn.pinet2.pinet2_network import LayerNodes, PiNet2, PiNet2Settings
from mepflow.nn.segments import segment_sum
from mepflow.storage.npz import read_npz

Arrays = Mapping[str, npt.NDArray[Any]]

PRECISIONS: Final = {"f64": torch.float64, "f32": torch.float32}
"""Precisions of a recording, by the prefix of their arrays."""
TOLERANCES: Final = {"f64": 1e-10, "f32": 5e-6}
"""Largest absolute deviation that counts as agreement."""
RELATIVE_TOLERANCES: Final = {"f64": 0.0, "f32": 2e-6}
"""The same relative to the largest number of an array, whose rounding grows with it."""

_SIZE_LIMIT: Final = 1 << 30
"""Largest recorded network in bytes, uncompressed."""
_INPUTS: Final = ("hyperparameters_json", "in/elems", "in/coord", "in/ind_1")
_OUTPUTS: Final = tuple(f"{p}/{name}" for p in PRECISIONS for name in ("nl/ind_2", "output"))
# What PiNet2Settings has no word for must have these values.
_FIXED: Final = {"act": "tanh", "out_units": 1, "out_pool": False, "center": None}
_PAIR_ARRAYS: Final = re.compile(r"nl/ind_2|nl/dist|nl/diff|d3|d5|fc|basis|block\d+/i\d")
# PiNN keeps the length of a dipole differentiable at 0: sqrt(|μ|² + this), in (e·Å)².
_NORM_SHIFT: Final = 1e-6
_RENAMED: Final = (
    (r"res_update(\d)\.(\d+)", r"residuals.\2.p\1"),
    (r"gc_blocks", "blocks"),
    (r"invar_p1_layer\.pi_layer\.ff_layer\.dense_layers\.0", "invariant.pi.dense.0.linear"),
    (r"invar_p1_layer\.pi_layer\.ff_layer\.dense_layers", "invariant.pi.dense"),
    (r"invar_p1_layer\.(ii|pp)_layer\.dense_layers", r"invariant.\1.dense"),
    (r"equivar_(p\d)_layer\.pi_layer\.w([ij])", r"equivariant.\1.interaction.of_\2"),
    (r"equivar_(p\d)_layer\.pp_layer\.dense_layers\.0", r"equivariant.\1.pp"),
    (r"equivar_(p\d)_layer\.dot_layer\.wi", r"equivariant.\1.dot.left"),
    (r"equivar_(p\d)_layer\.dot_layer\.wj", r"equivariant.\1.dot.right"),
    (r"pp_layer\.dense_layers", "pp.dense"),
    (r"^out_layers\.(\d+)", r"heads.\1.p1"),
    (r"^(p\d)_out_layers\.(\d+)", r"heads.\2.\1"),
    (r"ff_layer\.dense_layers", "hidden.dense"),
    (r"out_units", "out"),
    (r"kernel$", "weight"),
)


@dataclass(frozen=True)
class RecordedNetwork:
    """A recorded network in our terms: settings, weights, molecules, and the file's arrays."""

    settings: PiNet2Settings
    model: PiNet2
    graph: Graph
    arrays: Arrays


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


def to_parameters(settings: PiNet2Settings, recorded: Arrays) -> dict[str, Tensor]:
    """Return weights, or gradients, of PiNN's names (without ``w/``) by our names and layouts.

    Kernels are transposed, and the last layer of a pair interaction has its channels, not its basis
    functions, as the fastest index.
    """
    channels, last = settings.layers.pi[-1], len(settings.layers.pi) - 1
    contracted = re.compile(rf"blocks\.\d+\.invariant\.pi\.dense\.{last}\.")
    parameters = {}
    for recorded_name, recorded_values in recorded.items():
        name, values = recorded_name, recorded_values.T
        for pattern, ours in _RENAMED:
            name = re.sub(pattern, ours, name)
        if contracted.match(name):
            by_channel = values.reshape(channels, settings.n_basis, *values.shape[1:])
            values = by_channel.swapaxes(0, 1).reshape(values.shape)
        parameters[name] = torch.from_numpy(np.ascontiguousarray(values))
    return parameters


def load_recorded(path: str | Path, dtype: torch.dtype = torch.float64) -> RecordedNetwork:
    """Return the recorded network of a file with its weights, and the graph of its molecules.

    Raises :class:`~mepflow.errors.InputError` where the file is missing, damaged, no recording, or
    one of a network that we do not have.
    """
    arrays = _read(path)
    settings = _settings(path, arrays)
    weights = _weights(path, settings, arrays)
    model = PiNet2(settings).to(dtype)
    model.load_state_dict(weights)
    molecule = arrays["in/ind_1"].reshape(-1)
    species = species_of(arrays["in/elems"], settings.elements)
    rows = [molecule == index for index in range(int(molecule.max()) + 1)]
    molecules = [(species[row], arrays["in/coord"][row]) for row in rows]
    graph = build_graph(molecules, settings.cutoff_angstrom, dtype)
    return RecordedNetwork(settings, model, graph, arrays)


def _read(path: str | Path) -> Arrays:
    try:
        arrays = read_npz(path, _SIZE_LIMIT)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: give the path of a recorded network.") from None
    except ValueError as error:
        raise InputError(f"{path} is damaged or no .npz file: get it again.") from error
    missing = [name for name in (*_INPUTS, *_OUTPUTS) if name not in arrays]
    if missing:
        raise InputError(f"{path} is not a recorded PiNN network: it has no {', '.join(missing)}.")
    _check_numbers(path, arrays)
    return arrays


def _check_numbers(path: str | Path, arrays: Arrays) -> None:
    n_atoms = arrays["in/elems"].size
    shapes = {"in/elems": (n_atoms,), "in/coord": (n_atoms, 3), "in/ind_1": (n_atoms, 1)}
    for name, values in arrays.items():
        numeric = values.dtype.kind in "fiu" or name == "in/names" or name.endswith("_json")
        if not numeric or values.shape != shapes.get(name, values.shape):
            raise InputError(f"{path} is damaged: {name} is {values.dtype} {values.shape}.")
        if name.endswith("/nl/ind_2") and values.shape[1:] != (2,):
            raise InputError(f"{path} is damaged: {name} is {values.dtype} {values.shape}.")
    molecule = arrays["in/ind_1"][:, 0]
    if not n_atoms or molecule[0] != 0 or not np.isin(np.diff(molecule), (0, 1)).all():
        raise InputError(f"{path} is damaged: the atoms of in/ind_1 are not sorted by molecule.")


def _settings(path: str | Path, arrays: Arrays) -> PiNet2Settings:
    try:
        recorded = json.loads(str(arrays["hyperparameters_json"]))
        for name, value in _FIXED.items():
            if recorded[name] != value:
                raise ConfigError(f"{name} is {recorded[name]!r}, only {value!r} is known")
        widths = recorded["out_extra"] or {}
        if set(widths.values()) - {1}:
            raise ConfigError(f"out_extra is {widths!r}, only one channel each is known")
        nodes = {name: recorded[f"{name}_nodes"] for name in LayerNodes._fields}
        return PiNet2Settings(
            rank=recorded["rank"],
            depth=recorded["depth"],
            nodes=nodes["ii"][-1],
            cutoff_angstrom=recorded["rc"],
            cutoff_function=recorded["cutoff_type"],
            basis=recorded["basis_type"],
            n_basis=recorded["n_basis"],
            gamma_per_angstrom2=recorded["gamma"],
            weighted=recorded["weighted"],
            elements=recorded["atom_types"],
            outputs=("p1", *widths),
            pinn_compatible=True,
            layer_nodes=LayerNodes(**nodes),
        )
    except (LookupError, TypeError, ValueError, AttributeError, ConfigError) as error:
        reason = str(error).rstrip(".")
        raise InputError(f"{path} records a network that we cannot build ({reason}).") from error


def _weights(path: str | Path, settings: PiNet2Settings, arrays: Arrays) -> dict[str, Tensor]:
    recorded = {name.removeprefix("w/"): arrays[name] for name in arrays if name[:2] == "w/"}
    try:
        weights = to_parameters(settings, recorded)
    except ValueError as error:
        raise InputError(f"{path} records weights of the wrong shape: {error}.") from error
    with torch.device("meta"):  # a network of any size, without the memory for it
        model = PiNet2(settings)
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    wanted = {name: tuple(weight.shape) for name, weight in model.state_dict().items()}
    if shapes != wanted:
        wrong = min(shapes.items() ^ wanted.items())[0]
        raise InputError(f"{path} records other weights than its settings ask for, see {wrong}.")
    return weights


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
