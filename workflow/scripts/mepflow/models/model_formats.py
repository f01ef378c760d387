"""What the first entry of a model's file, ``format``, tells: which kind of model it holds."""

from pathlib import Path
from typing import Final

from mepflow.storage.tensor_file import read_tensor_file

MULTIPOLES: Final = "mepflow model"
"""Atomic multipoles (:mod:`mepflow.models.model_file`)."""
DENSITY: Final = "mepflow density model"
"""An electron density (:mod:`mepflow.densities.density_model`)."""
DENSITY_ENERGY: Final = "mepflow density energy model"
"""Energies from an electron density (:mod:`mepflow.densities.density_energy_model`)."""


def model_format(path: Path) -> str | None:
    """Return the format of a file; None where it cannot be read or tells none."""
    try:
        content = read_tensor_file(path)
    except (OSError, ValueError):
        return None
    found = content.get("format") if isinstance(content, dict) else None
    return found if isinstance(found, str) else None


def is_density_model(path: Path) -> bool:
    """Return whether a file is a density model; one that cannot be read is none."""
    return model_format(path) == DENSITY
