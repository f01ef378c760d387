"""A model before its first step: weights of a seed, or those of a model that learned before."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mepflow.elements import symbol
from mepflow.errors import ConfigError
from mepflow.models.model_file import ModelInfo, load_model, make_model
from mepflow.models.multipole_model import MultipoleModel
from mepflow.models.variants import Variant
from mepflow.nn.networks import draw_weights, network_row, network_settings


def first_model(
    variant: Variant, network: Mapping[str, Any], seed: int, start: Path | None
) -> MultipoleModel:
    """Return a model of ``variant`` with the weights of ``seed``, or of the model file ``start``.

    ``network`` is a row of the configuration with the ``elements`` of the molecules to learn. A
    model that starts from a file knows the elements of that file; atomic terms and energies that
    the file lacks have the weights of the seed. Raises :class:`~mepflow.errors.InputError` where
    the file is no model, and :class:`ConfigError` where its network is another one, has terms that
    the variant does not have, or lacks an element.
    """
    row = {**network, "outputs": variant.outputs}
    given = None if start is None else load_model(start, "cpu")
    if given is not None:
        row["elements"] = given[1].elements
    model = make_model(network_settings(row), variant)
    draw_weights(model.network, seed)
    if given is not None:
        source, info = given
        _require_fitting(model, info, set(network["elements"]), str(start))
        weights = model.network.state_dict() | source.network.state_dict()
        model.network.load_state_dict(weights)
    return model


def _require_fitting(
    model: MultipoleModel, info: ModelInfo, elements: set[int], start: str
) -> None:
    """Refuse a start whose weights are not those of the model's network."""
    intro = f"{model.variant.name} is to start from {start}, which"
    if missing := sorted(elements - set(info.elements)):
        raise ConfigError(
            f"{intro} does not know {', '.join(map(symbol, missing))}: filter molecules with it"
            " out, or leave training.start_from out."
        )
    ours, theirs = ({**network_row(s), "outputs": ()} for s in (model.settings, info.settings))
    if differing := [key for key in ours if ours[key] != theirs.get(key)]:
        raise ConfigError(
            f"{intro} has a network of other {', '.join(differing)}: give the variant the network"
            " of that model."
        )
    if more := [name for name in info.settings.outputs if name not in model.settings.outputs]:
        raise ConfigError(
            f"{intro} has the outputs {', '.join(more)} besides: give the variant the atomic terms"
            " of that model, too."
        )


def weights_digest(model: torch.nn.Module) -> str:
    """Return a digest of all weights of a model."""
    digest = hashlib.sha256()
    for values in model.state_dict().values():
        digest.update(values.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
