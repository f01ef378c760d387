"""What the first entry of a model's file, ``format``, tells: which kind of model it holds."""

from pathlib import Path
from typing import Final

from mepflow.storage.tensor_file import read_tensor_file

MULTIPOLES: Final = "mepflow model"
"""Atomic multipoles (:mod:`mepflow.models.model_file`)."""
DENSITY: Final = "mepflow density model"
"""An electron density (:mod:`mepflow.densities.density_model`)."""


def is_density_model(path: Path) -> bool:
    """Return whether a file is a density model; one that cannot be read is none."""
    try:
        content = read_tensor_file(path)
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("format") == DENSITY
