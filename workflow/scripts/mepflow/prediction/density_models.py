"""Density models behind a prediction: one, or several that differ in their seed alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch

from mepflow.densities.density_batch import density_graph
from mepflow.densities.density_model import DensityModel
from mepflow.electrostatics.penetration import Widths
from mepflow.errors import InputError
from mepflow.evaluation.calibration import Calibration
from mepflow.models.device import torch_device
from mepflow.models.domain import TrainingDomain
from mepflow.prediction.batch_key import files_digest
from mepflow.prediction.density_prediction import DensityPrediction
from mepflow.prediction.domain_warnings import refuse_unknown_elements
from mepflow.prediction.model_folder import model_files
from mepflow.prediction.result import Prediction
from mepflow.prediction.structures import Structure


@dataclass(frozen=True)
class DensityEnsemble:
    """Models of one basis, the digest of their files, and their training domains."""

    models: tuple[DensityModel, ...]
    digest: str
    domains: tuple[TrainingDomain, ...]
    name: str = "electron density"

    @property
    def count(self) -> int:
        """Return how many models there are."""
        return len(self.models)

    @property
    def elements(self) -> tuple[int, ...]:
        """Return the atomic numbers that all models know, ascending."""
        return tuple(sorted(set.intersection(*(set(one.basis.shells) for one in self.models))))

    @property
    def precision(self) -> str:
        """Return the name of the type of the weights."""
        return str(next(self.models[0].network.parameters()).dtype)

    @property
    def calibrations(self) -> Mapping[str, Calibration]:
        """Return nothing: the spread of densities has not been calibrated."""
        return {}

    @property
    def level_of_theory(self) -> str | None:
        """Return None: the files do not tell it."""
        return None

    @property
    def penetration(self) -> Widths | None:
        """Return None: a density holds it."""
        return None

    @property
    def has_atomic_terms(self) -> bool:
        """Return that these are no models of atomic multipoles."""
        return False

    @property
    def learns_energies(self) -> bool:
        """Return that there are no energies."""
        return False

    def refuse(self, structure: Structure) -> None:
        """Raise :class:`InputError` for a molecule that the models cannot predict.

        It has an element that they do not know, or a charge and parts too far apart to share it.
        """
        molecule = structure.molecule
        refuse_unknown_elements(molecule, structure.place, self)
        first = self.models[0].network
        density_graph(
            first.layout,
            molecule.atomic_numbers.astype(np.int64),
            molecule.positions,
            int(molecule.total_charge),
            first.settings.cutoff,
            structure.place,
        )

    def predictions(
        self,
        structures: Sequence[Structure],
        charge_scheme: str,
        warnings: Sequence[tuple[str, ...]],
    ) -> Iterator[Prediction]:
        """Yield the predictions of molecules, one by one; ``warnings`` are known of each."""
        for structure, known in zip(structures, warnings, strict=True):
            molecule, basis = structure.molecule, self.models[0].basis
            coefficients = np.array([model.coefficients(molecule) for model in self.models])
            yield DensityPrediction.of(molecule, basis, coefficients, charge_scheme, known)

    @classmethod
    def load(
        cls,
        path: Path | str | None = None,
        device: str = "cpu",
        *,
        double_precision: bool = False,
    ) -> Self:
        """Read a model file, or all models of a folder.

        Raises :class:`InputError` where a file is damaged or the models have different bases.
        """
        files = model_files(path)
        dtype = torch.float64 if double_precision else torch.float32
        models = tuple(DensityModel.load(file, dtype) for file in files)
        if any(model.basis != models[0].basis for model in models):
            raise InputError(f"{path} holds densities in several basis sets: give models of one.")
        for model in models:
            model.network.to(torch_device(device))
        return cls(models, files_digest(files), tuple(_domains(models)))


def _domains(models: Sequence[DensityModel]) -> Iterator[TrainingDomain]:
    """Yield the different domains that the files tell of."""
    seen: list[TrainingDomain] = []
    for model in models:
        if "domain" in model.origin:
            found = TrainingDomain.from_dict(model.origin["domain"])
            if found not in seen:
                seen.append(found)
                yield found
