"""The first weights of a training that begins with another model, to learn few labels well."""

import hashlib
from pathlib import Path

import torch

from mepflow.elements import symbol
from mepflow.errors import ConfigError
from mepflow.models.model_file import load_model
from mepflow.models.multipole_model import MultipoleModel
from mepflow.nn.networks import network_row


def known_elements(start: Path, molecules: tuple[int, ...]) -> tuple[int, ...]:
    """Return the elements that the model file ``start`` knows.

    Raises :class:`~mepflow.errors.InputError` where it is no model, and :class:`ConfigError` where
    it lacks one of the elements of the ``molecules`` to learn.
    """
    known = load_model(start, "cpu")[1].elements
    if missing := sorted(set(molecules) - set(known)):
        raise ConfigError(
            f"{start}, which a training is to start from, does not know "
            f"{', '.join(map(symbol, missing))}: filter molecules with it out, or start from "
            "random weights."
        )
    return known


def take_weights(model: MultipoleModel, start: Path) -> None:
    """Give ``model`` the weights of the model file ``start``.

    Atomic terms and energies that the file's model does not have keep the weights they have. Raises
    :class:`~mepflow.errors.InputError` where it is no model, and :class:`ConfigError` where its
    network is another one, or has terms that ``model`` does not have.
    """
    source, info = load_model(start, "cpu")
    ours, theirs = ({**network_row(s), "outputs": ()} for s in (model.settings, info.settings))
    differing = [key for key in ours if ours[key] != theirs.get(key)]
    if not set(info.settings.outputs) <= set(model.settings.outputs):
        differing.append("set of atomic terms, which are more")
    if differing:
        raise ConfigError(
            f"{model.variant.name} is to start from {start}, whose network has another "
            f"{' and another '.join(differing)}: use the network of that model."
        )
    model.network.load_state_dict({**model.network.state_dict(), **source.network.state_dict()})


def weights_digest(model: torch.nn.Module) -> str:
    """Return a digest of all weights of a model."""
    digest = hashlib.sha256()
    for values in model.state_dict().values():
        digest.update(values.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
