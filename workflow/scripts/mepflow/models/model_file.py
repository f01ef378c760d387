"""The file of a trained model, ``model.pt``: plain tensors, numbers and text.

==================  ====================================================================
``format``          :data:`FORMAT`
``format_version``  :data:`FORMAT_VERSION`
``network``         the network's ``PiNet2Settings``
``variant``         ``name`` and the row of the variant
``elements``        atomic numbers the model knows
``state``           weights by parameter name
``provenance``      seed, step, validation loss, training domain, and what the caller adds
==================  ====================================================================

It is read with ``weights_only=True``: opening a file from a stranger runs no code of theirs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from mepflow.errors import ConfigError, InputError
from mepflow.models.device import torch_device
from mepflow.models.multipole_model import MultipoleModel
from mepflow.models.variants import Variant
from mepflow.nn.pinet2.pinet2_network import PiNet2Settings
from mepflow.storage.tensor_file import read_tensor_file, write_tensor_file

FORMAT: Final = "mepflow model"
FORMAT_VERSION: Final = 1

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
    settings: PiNet2Settings
    provenance: dict[str, Any]

    @property
    def elements(self) -> tuple[int, ...]:
        """Return the atomic numbers the model knows."""
        return self.settings.elements


def save_model(
    path: Path, model: MultipoleModel, state: Mapping[str, Tensor], provenance: Mapping[str, Any]
) -> None:
    """Write ``model`` with the weights ``state`` to ``path``, atomically."""
    # Through JSON: whatever the settings are made of, the file holds plain lists and numbers.
    network = json.loads(json.dumps(model.settings.to_dict()))
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "network": network,
        "variant": {"name": model.variant.name, **model.variant.row()},
        "elements": list(model.settings.elements),
        "state": {name: values.detach().cpu() for name, values in state.items()},
        "provenance": json.loads(json.dumps(provenance)),
    }
    write_tensor_file(path, content)


def load_model(path: str | Path, device: str = "auto") -> tuple[MultipoleModel, ModelInfo]:
    """Return the model of a file, ready to predict on ``device`` (auto, cpu or cuda).

    Raises :class:`InputError` where the file is missing, damaged or not a model of ours.
    """
    content = _read(Path(path))
    try:
        model = _build(content)
        info = ModelInfo(model.variant, model.settings, dict(content["provenance"]))
    except _MISFITS as error:
        raise InputError(
            f"{path} does not describe a model this version knows: train it again."
        ) from error
    return model.to(torch_device(device)).eval(), info


def _build(content: Mapping[str, Any]) -> MultipoleModel:
    row = dict(content["variant"])
    variant = Variant.from_row(row.pop("name"), row)
    settings = PiNet2Settings.from_dict(content["network"])
    state = dict(content["state"])
    _check_state(settings, variant, state)
    model = MultipoleModel(settings, variant)
    model.load_state_dict(state, assign=True)
    # The weights have brought their precision; the constants of the network follow them.
    return model.to(next(model.parameters()).dtype)


def _check_state(settings: PiNet2Settings, variant: Variant, state: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` where the weights are not those of the network, before it is made.

    A file can ask for a network of any size: it is made without memory first.
    """
    layers = sum(map(len, settings.layers))
    if max(settings.depth, layers) > len(state):
        raise ValueError(f"{len(state)} weights are too few for {settings.depth} blocks")
    with torch.device("meta"):
        wanted = MultipoleModel(settings, variant).state_dict()
    dtypes = {weight.dtype for weight in state.values()}
    if len(dtypes) > 1 or not dtypes <= {torch.float32, torch.float64}:
        raise ValueError("the weights are not of one precision")
    if {k: v.shape for k, v in wanted.items()} != {k: v.shape for k, v in state.items()}:
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
    if not isinstance(name, str) or name != FORMAT:
        raise InputError(f"{path} is not a {FORMAT} file: give the model.pt of a training.")
    version = content.get("format_version")
    if not isinstance(version, int) or version != FORMAT_VERSION:
        is_number = isinstance(version, int) and 0 <= version < 1000
        said = version if is_number else "unknown"
        raise InputError(
            f"{path} has version {said} of the {FORMAT} format, this "
            f"mepflow reads {FORMAT_VERSION}: train it again, or use the version that wrote it."
        )
    return dict(content)
