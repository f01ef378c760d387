"""Models that predict: from molecules to :class:`~mepflow.prediction.result.Prediction`."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Self

import numpy as np
from ase import Atoms

from mepflow.models.predict import predict_table
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.prediction.calculator import MultipoleCalculator
from mepflow.prediction.domain_warnings import (
    PERIODIC,
    refuse_unknown_elements,
    warnings_about,
)
from mepflow.prediction.model_folder import Ensemble
from mepflow.prediction.result import FloatArray, Prediction
from mepflow.prediction.structures import Structure, from_atoms

_ATOMS_AT_ONCE: Final = 500
"""Molecules go through the network together while they have no more atoms than this."""


class DomainWarning(UserWarning):
    """A molecule is unlike those that the models were trained with."""


class Predictor:
    """One model, or an ensemble of models that differ in their seed."""

    def __init__(self, ensemble: Ensemble) -> None:
        self.ensemble = ensemble

    @classmethod
    def load(cls, path: Path | str | None = None, device: str = "cpu") -> Self:
        """Read a model file or the models of a folder, by default those that come with mepflow.

        Raises :class:`~mepflow.errors.InputError` where there is no model or it is damaged.
        """
        return cls(Ensemble.load(path, device))

    def predict(self, atoms: Atoms, total_charge: int | None = None) -> Prediction:
        """Return the prediction for a molecule, ASE's ``atoms`` with positions in ångström.

        Without ``total_charge`` in e counts what ``atoms`` states (its ``info``, initial charges
        and magnetic moments), or 0. A molecule unlike the training molecules gives a
        :class:`DomainWarning`.

        Raises :class:`~mepflow.errors.InputError` for what is no molecule, or holds an element that
        the models do not know.
        """
        structure = from_atoms(atoms, total_charge)
        prediction = next(self.predict_all([structure]))
        if structure.is_periodic:
            warnings.warn(f"{structure.place}: {PERIODIC}.", DomainWarning, stacklevel=2)
        for warning in prediction.warnings:
            warnings.warn(f"{structure.place}: {warning}.", DomainWarning, stacklevel=2)
        return prediction

    def predict_all(self, structures: Sequence[Structure]) -> Iterator[Prediction]:
        """Yield the predictions for ``structures``, in their order, some computed together.

        Raises :class:`~mepflow.errors.InputError` for an unknown element before any is computed.
        """
        for structure in structures:
            refuse_unknown_elements(structure.molecule, structure.place, self.ensemble)
        for group in _groups(structures):
            yield from self._predict_group(group)

    def _predict_group(self, structures: list[Structure]) -> Iterator[Prediction]:
        table = MoleculeTable.from_molecules([structure.molecule for structure in structures])
        parts = [predict_table(model, table) for model in self.ensemble.models]
        has_dipoles = "atomic_dipoles" in parts[0].properties
        for index, structure in enumerate(structures):
            molecule = structure.molecule
            yield Prediction(
                molecule,
                centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions),
                _of_models(parts, "atomic_charges", index),
                _of_models(parts, "atomic_dipoles", index) if has_dipoles else None,
                _of_models(parts, "dipole", index),
                _of_models(parts, "quadrupole", index),
                warnings_about(structure, self.ensemble),
            )

    def calculator(self, total_charge: int | None = None) -> MultipoleCalculator:
        """Return an ASE calculator of ``charges`` (e) and ``dipole`` (e·Å)."""
        return MultipoleCalculator(lambda atoms: self.predict(atoms, total_charge))


def _of_models(parts: Sequence[MoleculeTable], name: str, index: int) -> FloatArray:
    return np.stack([part.property_of(name, index) for part in parts])


def _groups(structures: Iterable[Structure]) -> Iterator[list[Structure]]:
    group: list[Structure] = []
    n_atoms = 0
    for structure in structures:
        if group and n_atoms + len(structure.molecule) > _ATOMS_AT_ONCE:
            yield group
            group, n_atoms = [], 0
        group.append(structure)
        n_atoms += len(structure.molecule)
    if group:
        yield group
