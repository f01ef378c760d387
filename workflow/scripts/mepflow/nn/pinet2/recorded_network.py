"""Recorded networks of PiNN, the original implementation of PiNet2, in our terms.

A recording is an ``.npz`` file of hyperparameters (JSON), molecules (``in/…``), weights (``w/…``,
dense kernels as (in, out)), and what the original computed from them in float32 and in float64
(``f32/…``, ``f64/…``): outputs, inner tensors, and dipoles in e·Å about the origin of the
coordinates. Its pairs are in an order of its own.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mepflow.errors import ConfigError, InputError
from mepflow.nn.graph import Graph, build_graph, species_of
from mepflow.nn.pinet2.pinet2_network import PiNet2
from mepflow.nn.pinet2.pinet2_settings import LayerNodes, PiNet2Settings
from mepflow.storage.npz import read_npz
from mepflow.storage.unreadable import check_readable

Arrays = Mapping[str, npt.NDArray[Any]]

PRECISIONS: Final = {"f64": torch.float64, "f32": torch.float32}
"""Precisions of a recording, by the prefix of their arrays."""

_SIZE_LIMIT: Final = 1 << 30
"""Largest recorded network in bytes, uncompressed."""
_INPUTS: Final = ("hyperparameters_json", "in/elems", "in/coord", "in/ind_1")
_OUTPUTS: Final = tuple(f"{p}/{name}" for p in PRECISIONS for name in ("nl/ind_2", "output"))
# What PiNet2Settings has no word for must have these values.
_FIXED: Final = {"act": "tanh", "out_units": 1, "out_pool": False, "center": None}
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
    check_readable(path)
    try:
        arrays = read_npz(path, _SIZE_LIMIT)
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
