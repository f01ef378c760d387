"""Molecular electrostatic potentials from machine-learned multipoles."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mepflow.prediction.predictor import Predictor

__version__ = "0.1.0"


def load(path: "Path | str | None" = None, device: str = "cpu") -> "Predictor":
    """Return a predictor with the model of a file, or the models of a folder that differ in seed.

    Without ``path`` it has the models that come with mepflow; ``device`` is auto, cpu or cuda.
    Raises :class:`~mepflow.errors.InputError` where there is no model or it is damaged.
    """
    # Imported here: `import mepflow` stays light.
    from mepflow.prediction.predictor import Predictor

    return Predictor.load(path, device)
