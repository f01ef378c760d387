"""What a prediction asks of models, whatever they predict: multipoles or densities."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from mepflow.electrostatics.penetration import Widths
from mepflow.evaluation.calibration import Calibration
from mepflow.models.domain import TrainingDomain
from mepflow.prediction.result import Prediction
from mepflow.prediction.structures import Structure


class ModelSet(Protocol):
    """One model, or several that differ in their seed alone."""

    @property
    def name(self) -> str:
        """What the models are called."""

    @property
    def count(self) -> int:
        """How many they are."""

    @property
    def elements(self) -> tuple[int, ...]:
        """The atomic numbers that all models know, ascending."""

    @property
    def domains(self) -> tuple[TrainingDomain, ...]:
        """Their training domains, where the files tell them."""

    @property
    def digest(self) -> str:
        """The digest of their files."""

    @property
    def precision(self) -> str:
        """The name of the type of their numbers."""

    @property
    def calibrations(self) -> Mapping[str, Calibration]:
        """What their spread means for their error, by quantity."""

    @property
    def level_of_theory(self) -> str | None:
        """The level of theory that all learned, where they tell it."""

    @property
    def penetration(self) -> Widths | None:
        """The widths in bohr of the valence shells that all learned with, if any."""

    @property
    def has_atomic_terms(self) -> bool:
        """Whether they predict multipoles of atoms, with which penetration goes."""

    @property
    def learns_energies(self) -> bool:
        """Whether they predict energies and forces."""

    def refuse(self, structure: Structure) -> None:
        """Raise :class:`~mepflow.errors.InputError` for a molecule that they cannot predict."""

    def predictions(
        self,
        structures: Sequence[Structure],
        charge_scheme: str,
        warnings: Sequence[tuple[str, ...]],
    ) -> Iterator[Prediction]:
        """Yield what they predict of molecules; ``warnings`` are known already of each."""
