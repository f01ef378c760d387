"""The models behind a prediction: one, or several that differ in their seed alone."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import torch

from mepflow.errors import InputError
from mepflow.evaluation.calibration import (
    CALIBRATION_FILE,
    DIPOLE,
    Calibration,
    read_calibrations,
)
from mepflow.models.domain import TrainingDomain
from mepflow.models.ensemble_spread import vector_spread
from mepflow.models.model_file import PENETRATION, ModelInfo, load_model
from mepflow.models.multipole_model import MultipoleModel
from mepflow.models.predict import predict_with_all
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.prediction.batch_key import files_digest
from mepflow.prediction.domain_warnings import refuse_unknown_elements
from mepflow.prediction.error_warnings import large_dipole_error
from mepflow.prediction.result import Prediction
from mepflow.prediction.structures import Structure
from mepflow.storage.shipped_files import checked_files, shipped_folder
from mepflow.units import E_BOHR_IN_DEBYE

_MOST_MODELS: Final = 100
# What a domain of another make raises when it is read.
_MISFITS: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


@dataclass(frozen=True)
class Ensemble:
    """Models of one variant, what their files say, and their training domains where they do.

    ``digest`` is that of the files. ``calibrations`` say by quantity what the spread of the models
    means for their error; empty where the folder has none, or for a single model.
    """

    models: tuple[MultipoleModel, ...]
    infos: tuple[ModelInfo, ...]
    domains: tuple[TrainingDomain, ...]
    digest: str = ""
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name of the variant."""
        return self.infos[0].variant.name

    @cached_property
    def elements(self) -> tuple[int, ...]:
        """Return the atomic numbers that all models know, ascending."""
        return tuple(sorted(set.intersection(*(set(info.elements) for info in self.infos))))

    @property
    def level_of_theory(self) -> str | None:
        """Return the name of the level of theory that the models learned, where all tell it."""
        names = {_level(info) for info in self.infos}
        return names.pop() if len(names) == 1 else None

    @property
    def penetration(self) -> dict[str, float] | None:
        """Return the widths in bohr of the valence shells that all models learned with, if any."""
        first, *others = (_penetration(info) for info in self.infos)
        return first if all(widths == first for widths in others) else None

    @property
    def count(self) -> int:
        """Return how many models there are."""
        return len(self.models)

    @property
    def precision(self) -> str:
        """Return the name of the type of the weights."""
        return str(next(self.models[0].parameters()).dtype)

    @property
    def has_atomic_terms(self) -> bool:
        """Return that these are models of atomic multipoles."""
        return True

    @property
    def learns_energies(self) -> bool:
        """Return whether the variant learned the energy."""
        return "energy" in self.infos[0].variant.loss_weights

    def refuse(self, structure: Structure) -> None:
        """Raise :class:`InputError` for a molecule with an element that a model does not know."""
        refuse_unknown_elements(structure.molecule, structure.place, self)

    def predictions(
        self,
        structures: Sequence[Structure],
        charge_scheme: str,
        warnings: Sequence[tuple[str, ...]],
    ) -> Iterator[Prediction]:
        """Yield the predictions of molecules, which go through the networks together.

        ``warnings`` are known already of each.
        """
        table = MoleculeTable.from_molecules([structure.molecule for structure in structures])
        parts = predict_with_all(self.models, table, sums=torch.float64)
        of_models = {
            name: np.stack([part.properties[name] for part in parts])
            for name in parts[0].properties
        }
        dipoles, quadrupoles = (
            of_models.get(name) for name in ("atomic_dipoles", "atomic_quadrupoles")
        )
        energies, forces = (of_models.get(name) for name in ("energy", "forces"))
        doubts = self._doubts_about(of_models["dipole"])
        for index, structure in enumerate(structures):
            molecule, atoms = structure.molecule, table.atoms(index)
            yield Prediction(
                molecule,
                centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions),
                of_models["atomic_charges"][:, atoms],
                None if dipoles is None else dipoles[:, atoms],
                of_models["dipole"][:, index],
                of_models["quadrupole"][:, index],
                (*warnings[index], *doubts[index]),
                None if quadrupoles is None else quadrupoles[:, atoms],
                self.calibrations,
                charge_scheme,
                self.penetration,
                None if energies is None else energies[:, index],
                None if forces is None else forces[:, atoms],
            )

    def _doubts_about(self, dipoles: npt.NDArray[np.float64]) -> list[tuple[str, ...]]:
        """Return what the spread of dipoles (K, M, 3) in e·bohr makes doubtful, by molecule."""
        calibration = self.calibrations.get(DIPOLE)
        if calibration is None:
            return [()] * dipoles.shape[1]
        spreads = vector_spread(dipoles) * E_BOHR_IN_DEBYE
        return [tuple(large_dipole_error(calibration, one)) for one in spreads.tolist()]

    @classmethod
    def load(
        cls,
        path: Path | str | None = None,
        device: str = "cpu",
        *,
        double_precision: bool = False,
    ) -> Self:
        """Read a model file, or all models of a folder; without ``path`` the default ones.

        In double precision a result does not depend on how a molecule is turned, in single, as
        usual, in the seventh digit. Raises :class:`InputError` where there is no model, a file is
        damaged, or the models of a folder are of different variants.
        """
        files = model_files(path)
        loaded = [load_model(file, device) for file in files]
        variants = sorted({info.variant.name for _, info in loaded})
        if len(variants) > 1:
            raise InputError(
                f"{path} holds models of several variants ({', '.join(variants)}), whose mean has "
                "no meaning: give the folder of one."
            )
        precision = torch.float64 if double_precision else torch.float32
        models = tuple(model.to(precision) for model, _ in loaded)
        infos = tuple(info for _, info in loaded)
        calibration = calibration_file(path) if len(files) > 1 else None
        found = {} if calibration is None else read_calibrations(calibration)
        if not any(one.is_known for one in found.values()):
            found = {}
        read = [*files, *([] if calibration is None else [calibration])]
        return cls(models, infos, _domains(infos), files_digest(read), found)


def model_files(path: Path | str | None = None) -> list[Path]:
    """Return the files of the models at ``path``, in the order of their seeds.

    A folder's models are ``seed-*/model.pt`` (a variant of a run's results) or else its ``*.pt``.
    Without ``path`` they are the default ones that come with mepflow, and the name of others that
    do is one of :data:`~mepflow.storage.shipped_files.SHIPPED_MODELS`. Raises :class:`InputError`
    where there is none, or where one that comes with mepflow has changed.
    """
    if (folder := shipped_folder(path)) is not None:
        shipped = checked_files(folder)
        return sorted((file for file in shipped if file.suffix == ".pt"), key=_seed)
    place = Path(path or "")
    if not place.is_dir():
        return [place]
    files = sorted(place.glob("seed-*/model.pt"), key=_seed) or sorted(
        place.glob("*.pt"), key=_seed
    )
    if not files:
        variants = sorted({file.parents[1].name for file in place.glob("*/seed-*/model.pt")})
        hint = f"the folder of one of {', '.join(variants)}" if variants else "another folder"
        raise InputError(f"{place} holds no model (seed-*/model.pt or *.pt): give {hint}.")
    if len(files) > _MOST_MODELS:
        raise InputError(f"{place} holds {len(files)} models, more than {_MOST_MODELS}: give one.")
    return files


def calibration_file(path: Path | str | None = None) -> Path | None:
    """Return the file beside the models of a folder that says what their spread means, if any.

    Raises :class:`InputError` where the one that comes with mepflow has changed.
    """
    if (folder := shipped_folder(path)) is not None:
        shipped = {file.name: file for file in checked_files(folder)}
        return shipped.get(CALIBRATION_FILE)
    file = Path(path or "") / CALIBRATION_FILE
    return file if file.is_file() else None


def _seed(path: Path) -> tuple[int, str]:
    text = f"{path.parent.name}/{path.stem}"
    numbers = re.findall("seed-([0-9]{1,9})(?![0-9])", text)
    return (int(numbers[-1]) if numbers else 0), text


def _level(info: ModelInfo) -> str | None:
    labels = info.provenance.get("labels")
    name = labels.get("level_of_theory") if isinstance(labels, dict) else None
    return name if isinstance(name, str) else None


def _penetration(info: ModelInfo) -> dict[str, float] | None:
    """Return the widths that a file tells; a file of another make may tell nonsense."""
    try:
        widths = {str(k): float(v) for k, v in info.provenance[PENETRATION].items()}
    except _MISFITS:
        return None
    return widths if all(0.0 < width < math.inf for width in widths.values()) else None


def _domains(infos: Sequence[ModelInfo]) -> tuple[TrainingDomain, ...]:
    """Return the different domains that the files tell of; older files tell none."""
    found: list[TrainingDomain] = []
    for info in infos:
        try:
            domain = TrainingDomain.from_dict(info.provenance["domain"])
        except _MISFITS:
            continue
        if domain not in found:
            found.append(domain)
    return tuple(found)
