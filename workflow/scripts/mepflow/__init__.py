"""Molecular electrostatic potentials from machine-learned multipoles."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from ase import Atoms
    from rdkit.Chem import Mol

    from mepflow.prediction.predictor import Predictor
    from mepflow.prediction.result import Prediction

__all__ = ["charge_mol", "load", "predict"]
__version__ = "0.1.0"


def load(
    path: "Path | str | None" = None,
    device: str = "cpu",
    *,
    double_precision: bool = False,
    charges: str = "fitted",
) -> "Predictor":
    """Return a predictor with the model of a file, or the models of a folder that differ in seed.

    Without ``path`` it has the models that come with mepflow; ``device`` is auto, cpu or cuda. In
    double precision the networks are slower, and results can be differentiated by small steps.
    ``charges`` is fitted, symmetric, dipole or resp: :data:`mepflow.charges.schemes.SCHEMES`.
    Raises :class:`~mepflow.errors.InputError` where there is no model or it is damaged.
    """
    # Imported here: `import mepflow` stays light.
    from mepflow.prediction.predictor import Predictor

    return Predictor.load(path, device, double_precision=double_precision, charges=charges)


# A text is a list of texts, too, to the type checker; the first signature counts.
@overload
def predict(  # type: ignore[overload-overlap]
    molecules: "Atoms | Mol | str", total_charge: int | None = None
) -> "Prediction": ...
@overload
def predict(
    molecules: "Iterable[Atoms | Mol | str]", total_charge: int | None = None
) -> "list[Prediction]": ...
def predict(
    molecules: "Atoms | Mol | str | Iterable[Atoms | Mol | str]", total_charge: int | None = None
) -> "Prediction | list[Prediction]":
    """Return the prediction for a molecule, or those for several, by the models of mepflow.

    A molecule is a SMILES, ASE's ``Atoms`` or RDKit's ``Mol``; see
    :meth:`mepflow.prediction.predictor.Predictor.predict`. For other models: ``load(path)``.
    """
    return _default().predict(molecules, total_charge)


def charge_mol(molecule: "Mol", charges: str = "resp") -> list[float]:
    """Give RDKit's ``molecule`` charges in e, by the models of mepflow, and return them.

    ``molecule`` has all hydrogen atoms and a 3D conformer. Its atoms get the property
    ``PartialCharge``, which an SDF file keeps after ``Chem.CreateAtomDoublePropertyList``.
    ``charges`` as in :func:`load`. Raises :class:`~mepflow.errors.InputError` for a molecule that
    cannot be predicted.
    """
    from mepflow.prediction.charge_files import PARTIAL_CHARGE

    found: list[float] = _default(charges).predict(molecule).charges.tolist()
    for atom, charge in zip(molecule.GetAtoms(), found, strict=True):
        atom.SetDoubleProp(PARTIAL_CHARGE, charge)
    return found


@lru_cache(maxsize=4)
def _default(charges: str = "fitted") -> "Predictor":
    return load(charges=charges)
