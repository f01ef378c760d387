"""The file of a trained model, ``model.pt``: plain tensors, numbers and text.

==================  ====================================================================
``format``          :data:`~mepflow.models.model_formats.MULTIPOLES`
``format_version``  :data:`FORMAT_VERSION`
``network``         ``kind`` and settings of the network
``variant``         ``name`` and the row of the variant
``elements``        atomic numbers the model knows
``training``        settings of the training, but for the device; empty where not known
``state``           weights by parameter name
``constants``       what a model of energies counts them from, and in; else missing
``provenance``      seed, step, validation loss, training domain, and what the caller adds; with
                    penetration :data:`PENETRATION`, the widths in bohr by element
==================  ====================================================================

It is read with ``weights_only=True``: opening a file from a stranger runs no code of theirs. Files
of earlier versions are upgraded when they are read (:data:`UPGRADES`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from mepflow.errors import ConfigError, InputError
from mepflow.models.device import torch_device
from mepflow.models.model_formats import MULTIPOLES
from mepflow.models.multipole_model import MultipoleModel
from mepflow.models.targets import MODELS
from mepflow.models.variants import Variant
from mepflow.nn.networks import NetworkSettings, network_row, network_settings
from mepflow.storage.tensor_file import read_tensor_file, write_tensor_file
from mepflow.storage.versions import NewerVersionError, Upgrade, upgraded

FORMAT_VERSION: Final = 2
PENETRATION: Final = "penetration_bohr"
"""Key of ``provenance`` where a model learned what valence shells of these widths leave."""

# What a description of a network raises that is not of the types it should be.
_MISFITS: Final = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RuntimeError,
    ArithmeticError,
    MemoryError,
    ConfigError,
)


@dataclass(frozen=True)
class ModelInfo:
    """What a model file says besides the weights."""

    variant: Variant
    settings: NetworkSettings
    training: dict[str, Any]
    provenance: dict[str, Any]

    @property
    def elements(self) -> tuple[int, ...]:
        """Return the atomic numbers the model knows."""
        return self.settings.elements


def save_model(
    path: Path,
    model: MultipoleModel,
    state: Mapping[str, Tensor],
    provenance: Mapping[str, Any],
    training: Mapping[str, Any] | None = None,
) -> None:
    """Write ``model`` with the weights ``state`` to ``path``, atomically.

    ``training`` are the settings of the training that made it, where these are known.
    """
    content: dict[str, Any] = {
        "format": MULTIPOLES,
        "format_version": FORMAT_VERSION,
        "network": _plain(network_row(model.settings)),
        "variant": {"name": model.variant.name, **model.variant.row()},
        "elements": list(model.settings.elements),
        "state": {name: values.detach().cpu() for name, values in state.items()},
        "training": _plain(training or {}),
        "provenance": _plain(provenance),
    }
    if constants := model.constants():
        content["constants"] = _plain(constants)
    write_tensor_file(path, content)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return lists, numbers and text alone, whatever settings are made of."""
    return dict(json.loads(json.dumps(values)))


def load_model(path: str | Path, device: str = "auto") -> tuple[MultipoleModel, ModelInfo]:
    """Return the model of a file, ready to predict on ``device`` (auto, cpu or cuda).

    Raises :class:`InputError` where the file is missing, damaged or not a model of ours.
    """
    content = _read(Path(path))
    try:
        model = _build(content)
        info = ModelInfo(
            model.variant, model.settings, *(dict(content[k]) for k in ("training", "provenance"))
        )
    except _MISFITS as error:
        raise InputError(
            f"{path} does not describe a model this version knows: train it again."
        ) from error
    return model.to(torch_device(device)).eval(), info


def _build(content: Mapping[str, Any]) -> MultipoleModel:
    variant, settings = _described(content["variant"], content["network"])
    state = dict(content["state"])
    settings.check_size(len(state))
    rows = (json.dumps(content[name], sort_keys=True) for name in ("variant", "network"))
    _check_state(_shapes(*rows), state)
    model = make_model(settings, variant)
    model.load_state_dict(state, assign=True)
    model.set_constants(content.get("constants", {}))
    # The weights have brought their precision; the constants of the network follow them.
    return model.to(next(model.parameters()).dtype)


def make_model(settings: NetworkSettings, variant: Variant) -> MultipoleModel:
    """Return a model of the kind that a variant needs, its first weights drawn by PyTorch."""
    model: MultipoleModel = import_module(MODELS[variant.task]).Model(settings, variant)
    return model


def _described(
    variant: Mapping[str, Any], network: Mapping[str, Any]
) -> tuple[Variant, NetworkSettings]:
    row = dict(variant)
    return Variant.from_row(row.pop("name"), row), network_settings(network)


@lru_cache(maxsize=16)
def _shapes(variant: str, network: str) -> dict[str, torch.Size]:
    """Return the shapes of a model's weights; rows are JSON. Seeds of one model share them.

    A file can ask for a network of any size: it is made without memory.
    """
    described, settings = _described(json.loads(variant), json.loads(network))
    with torch.device("meta"):
        wanted = make_model(settings, described).state_dict()
    return {name: weight.shape for name, weight in wanted.items()}


def _check_state(shapes: Mapping[str, torch.Size], state: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` where the weights are not those of the network, before it is made."""
    dtypes = {weight.dtype for weight in state.values()}
    if len(dtypes) > 1 or not dtypes <= {torch.float32, torch.float64}:
        raise ValueError("the weights are not of one precision")
    if shapes != {name: weight.shape for name, weight in state.items()}:
        raise ValueError("the weights have other shapes than the network's")
    if any(weight.untyped_storage().nbytes() < weight.nbytes for weight in state.values()):
        raise ValueError("weights overlap")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_tensor_file(path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: train the model first.") from None
    except ValueError as error:
        raise InputError(f"{path} is damaged or not a model file: train it again.") from error
    name = content.get("format") if isinstance(content, dict) else None
    if not isinstance(name, str) or name != MULTIPOLES:
        raise InputError(f"{path} is not a {MULTIPOLES} file: give the model.pt of a training.")
    try:
        return upgraded(content, content.get("format_version"), UPGRADES, FORMAT_VERSION)
    except NewerVersionError as error:
        raise InputError(
            f"{path} is newer than this program ({error}): use the mepflow that wrote it."
        ) from error
    except _MISFITS as error:
        raise InputError(f"{path} is damaged or not a model file: train it again.") from error


def _with_kind(content: dict[str, Any]) -> dict[str, Any]:
    """Return what version 1 means in version 2: its only kind of network, training not known."""
    network = {"kind": "pinet2", **content["network"]}
    return {**content, "format_version": 2, "network": network, "training": {}}


UPGRADES: Final[Mapping[int, Upgrade]] = {1: _with_kind}
"""From each earlier version to the next."""
