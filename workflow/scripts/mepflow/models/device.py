"""The processor or GPU that a network runs on."""

from typing import Final

import torch

from mepflow.errors import ConfigError

DEVICES: Final = ("auto", "cpu", "cuda")


def torch_device(name: str) -> torch.device:
    """Return the device of one of :data:`DEVICES`; ``auto`` is the GPU if there is one.

    Raises :class:`ConfigError` where no GPU can be used.
    """
    gpu = torch.cuda.is_available()
    if name == "cuda" and not gpu:
        raise ConfigError("The device is set to cuda, but no GPU can be used: write auto or cpu.")
    return torch.device("cuda" if gpu and name != "cpu" else "cpu")
