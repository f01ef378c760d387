"""Molecular electrostatic potentials from machine-learned multipoles."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from ase import Atoms

    from mepflow.prediction.predictor import Predictor
    from mepflow.prediction.result import Prediction

__all__ = ["load", "predict"]
__version__ = "0.1.0"


def load(
    path: "Path | str | None" = None, device: str = "cpu", *, double_precision: bool = False
) -> "Predictor":
    """Return a predictor with the model of a file, or the models of a folder that differ in seed.

    Without ``path`` it has the models that come with mepflow; ``device`` is auto, cpu or cuda. In
    double precision the networks are slower, and results can be differentiated by small steps.
    Raises :class:`~mepflow.errors.InputError` where there is no model or it is damaged.
    """
    # Imported here: `import mepflow` stays light.
    from mepflow.prediction.predictor import Predictor

    return Predictor.load(path, device, double_precision=double_precision)


# A text is a list of texts, too, to the type checker; the first signature counts.
@overload
def predict(  # type: ignore[overload-overlap]
    molecules: "Atoms | str", total_charge: int | None = None
) -> "Prediction": ...
@overload
def predict(
    molecules: "Iterable[Atoms | str]", total_charge: int | None = None
) -> "list[Prediction]": ...
def predict(
    molecules: "Atoms | str | Iterable[Atoms | str]", total_charge: int | None = None
) -> "Prediction | list[Prediction]":
    """Return the prediction for a molecule, or those for several, by the models of mepflow.

    A molecule is a SMILES or ASE's ``Atoms``; see
    :meth:`mepflow.prediction.predictor.Predictor.predict`. For other models: ``load(path)``.
    """
    return _default().predict(molecules, total_charge)


@lru_cache(maxsize=1)
def _default() -> "Predictor":
    return load()
