"""Models that predict: from molecules to :class:`~mepflow.prediction.result.Prediction`."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Self, overload

from ase import Atoms
from rdkit.Chem import Mol

from mepflow.charges.schemes import FITTED, SCHEMES
from mepflow.errors import ConfigError, InputError
from mepflow.prediction.calculator import MultipoleCalculator
from mepflow.prediction.domain_warnings import PERIODIC, warnings_about
from mepflow.prediction.model_kinds import load_models
from mepflow.prediction.model_set import ModelSet
from mepflow.prediction.rdkit_records import from_molecule, from_smiles
from mepflow.prediction.result import Prediction
from mepflow.prediction.structures import Structure, checked, from_atoms
from mepflow.prediction.text_files import shown

ATOMS_AT_ONCE: Final = 2000
"""Molecules go through the network together while they have no more atoms than this."""


class DomainWarning(UserWarning):
    """A molecule is unlike those that the models were trained with."""


class Predictor:
    """One model, or an ensemble of models that differ in their seed."""

    def __init__(self, ensemble: ModelSet, charges: str = FITTED) -> None:
        if charges not in SCHEMES:
            raise ConfigError(f"charges {charges!r} is no scheme: use {', '.join(SCHEMES)}.")
        self.ensemble = ensemble
        self.charge_scheme = charges

    @classmethod
    def load(
        cls,
        path: Path | str | None = None,
        device: str = "cpu",
        *,
        double_precision: bool = False,
        charges: str = FITTED,
    ) -> Self:
        """Read a model file or the models of a folder, by default those that come with mepflow.

        The networks run in single precision unless told otherwise, all sums in double. ``charges``
        is one of :data:`~mepflow.charges.schemes.SCHEMES`, by which those that stand alone follow
        from the potential. Raises :class:`~mepflow.errors.InputError` where there is no model or it
        is damaged, and :class:`~mepflow.errors.ConfigError` for another scheme.
        """
        return cls(load_models(path, device, double_precision=double_precision), charges)

    # A text is a list of texts, too, to the type checker; the first signature counts.
    @overload
    def predict(  # type: ignore[overload-overlap]
        self, molecules: Atoms | Mol | str, total_charge: int | None = None
    ) -> Prediction: ...
    @overload
    def predict(
        self, molecules: Iterable[Atoms | Mol | str], total_charge: int | None = None
    ) -> list[Prediction]: ...
    def predict(
        self,
        molecules: Atoms | Mol | str | Iterable[Atoms | Mol | str],
        total_charge: int | None = None,
    ) -> Prediction | list[Prediction]:
        """Return the prediction for a molecule, or the list of those for several.

        A molecule is ASE's ``Atoms`` with positions in ångström, RDKit's ``Mol`` with a conformer,
        or a SMILES, of which RDKit makes one. Without ``total_charge`` in e counts what ``Atoms``
        states (its ``info``, initial charges and magnetic moments), the formal charges of ``Mol``
        and SMILES, or 0. A molecule unlike the training molecules gives a :class:`DomainWarning`.

        Raises :class:`~mepflow.errors.InputError` for what is no molecule, or holds an element that
        the models do not know; it says which of several.
        """
        if isinstance(molecules, Atoms | Mol | str):
            return self._predict([_structure(molecules, total_charge)])[0]
        if not isinstance(molecules, Iterable):
            raise _no_molecule(molecules)
        structures = []
        for number, molecule in enumerate(molecules, 1):
            try:
                structure = _structure(molecule, total_charge)
                self.ensemble.refuse(structure)
            except InputError as error:
                raise InputError(f"Molecule {number} of the list: {error}") from error
            structures.append(structure)
        return self._predict(structures)

    def _predict(self, structures: Sequence[Structure]) -> list[Prediction]:
        predictions = list(self.predict_all(structures))
        for structure, prediction in zip(structures, predictions, strict=True):
            said = (*((PERIODIC,) if structure.is_periodic else ()), *prediction.warnings)
            for warning in said:
                warnings.warn(f"{structure.place}: {warning}.", DomainWarning, stacklevel=3)
        return predictions

    def __repr__(self) -> str:
        count = self.ensemble.count
        return f"Predictor({self.ensemble.name!r}, {count} model{'s' if count > 1 else ''})"

    def predict_all(self, structures: Sequence[Structure]) -> Iterator[Prediction]:
        """Yield the predictions for ``structures``, in their order, some computed together.

        Raises :class:`~mepflow.errors.InputError` for an unknown element before any is computed.
        """
        for structure in structures:
            self.ensemble.refuse(structure)
        for group in _groups(structures):
            yield from self._predict_group(group)

    def _predict_group(self, structures: list[Structure]) -> Iterator[Prediction]:
        found = warnings_about(structures, self.ensemble)
        yield from self.ensemble.predictions(structures, self.charge_scheme, found)

    def calculator(self, total_charge: int | None = None) -> MultipoleCalculator:
        """Return an ASE calculator of ``charges`` (e) and ``dipole`` (e·Å).

        Of a variant that learned the energy also of ``energy`` (eV) and ``forces`` (eV/Å).
        """
        return MultipoleCalculator(
            lambda atoms: self.predict(atoms, total_charge), energies=self.ensemble.learns_energies
        )


def _structure(molecule: Atoms | Mol | str, total_charge: int | None) -> Structure:
    if isinstance(molecule, Atoms):
        return from_atoms(molecule, total_charge)
    if isinstance(molecule, str):
        record = replace(from_smiles(molecule, "SMILES"), place=shown(molecule))
        return checked(record, molecule, total_charge)
    if isinstance(molecule, Mol):
        found = from_molecule(molecule)
        return checked(found, found.title or found.place, total_charge)
    raise _no_molecule(molecule)


def _no_molecule(value: object) -> InputError:
    return InputError(
        f"{type(value).__name__} is no molecule: give ASE's Atoms (ase.io.read reads files), "
        "RDKit's Mol, a SMILES, or a list of these."
    )


def _groups(structures: Iterable[Structure]) -> Iterator[list[Structure]]:
    group: list[Structure] = []
    n_atoms = 0
    for structure in structures:
        if group and n_atoms + len(structure.molecule) > ATOMS_AT_ONCE:
            yield group
            group, n_atoms = [], 0
        group.append(structure)
        n_atoms += len(structure.molecule)
    if group:
        yield group
