"""The potential of a predictions file at any points, without and with penetration."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mepflow.electrostatics.atomic_terms import predicted_terms
from mepflow.electrostatics.penetration import Widths, known_shells
from mepflow.electrostatics.potential import Shells, potential
from mepflow.evaluation.baselines import fitted_terms
from mepflow.evaluation.predictions_file import (
    load_predictions,
    matched_reference,
    molecule_names,
)
from mepflow.evaluation.sources import Source
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.runs.baseline_fits import BASELINE_FITS

FloatArray = npt.NDArray[np.float64]


class Potentials(NamedTuple):
    """The MEP (p,) in hartree/e of point multipoles alone, and that with penetration or None."""

    alone: FloatArray
    with_penetration: FloatArray | None


class Structure(NamedTuple):
    """One structure of a predictions file: its row in the reference, and its molecule's name."""

    row: int
    molecule: Molecule
    name: str


class SourcePotentials:
    """The potentials of one source, whose structures are rows of ``reference``.

    With penetration where all of a structure's elements have a width. A fit to the potential is
    made again there on the grid that it was made on: to what the shells leave, which is the floor
    of models with penetration.
    """

    def __init__(self, source: Source, reference: MoleculeTable, widths: Widths | None) -> None:
        self.source = source
        self.predicted = load_predictions(source.path)
        self.reference = matched_reference(self.predicted, reference, source.path)
        self._widths = widths

    def structures(self) -> Iterator[Structure]:
        """Yield the structures in the order of the file."""
        for row, name in enumerate(molecule_names(self.reference)):
            yield Structure(row, self.reference.molecule(row), name)

    def at(self, structure: Structure, points: FloatArray) -> Potentials:
        """Return the potentials of a structure at ``points`` (p, 3) in bohr."""
        row, molecule, _ = structure
        terms = predicted_terms(self.predicted, row)
        alone = np.asarray(potential(points, molecule.positions, *terms))
        shells = known_shells(molecule.atomic_numbers, self._widths)
        return Potentials(alone, shells and self._with_shells(structure, points, shells))

    def _with_shells(self, structure: Structure, points: FloatArray, shells: Shells) -> FloatArray:
        row, molecule, _ = structure
        if self.source.name in BASELINE_FITS:
            grid = str(self.predicted.metadata["grid"])
            terms = fitted_terms(self.source.name, self.reference, row, grid, self._widths)
        else:
            terms = predicted_terms(self.predicted, row)
        return np.asarray(potential(points, molecule.positions, *terms, penetration=shells))
