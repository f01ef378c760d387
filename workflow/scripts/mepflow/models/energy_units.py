"""What energies of atoms are counted from, and in: references of the elements, and a scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mepflow.elements import ATOMIC_NUMBERS, symbol
from mepflow.molecules import MoleculeTable

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EnergyUnits:
    """References by atomic number, 0 where there is none, and the scale, both in hartree."""

    references: Mapping[int, float] = field(default_factory=dict)
    scale: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a model file, with the elements by symbol."""
        named = {symbol(number): value for number, value in self.references.items()}
        return {"reference_energies_hartree": named, "energy_scale_hartree": self.scale}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_dict` wrote; raises ``LookupError`` or others for anything else."""
        named = content["reference_energies_hartree"].items()
        references = {ATOMIC_NUMBERS[name]: float(value) for name, value in named}
        return cls(references, float(content["energy_scale_hartree"]))

    def of_elements(self, elements: Sequence[int]) -> FloatArray:
        """Return the references (E,) of atomic numbers."""
        return np.array([self.references.get(number, 0.0) for number in elements])


def composition(table: MoleculeTable, elements: Sequence[int]) -> FloatArray:
    """Return how many atoms (M, E) of each element every molecule has."""
    is_element = table.atomic_numbers[:, None] == np.asarray(elements)[None, :]
    return np.add.reduceat(is_element.astype(float), table.atom_offsets[:-1], axis=0)


def fitted_units(
    energies: FloatArray,
    forces: FloatArray | None,
    counts: FloatArray,
    elements: Sequence[int],
    references: Mapping[int, float] | None = None,
) -> EnergyUnits:
    """Return references of a least-squares fit to energies (M,), and the scale of what is left.

    ``references`` by atomic number, such as free atoms' energies, are taken in place of the fit.
    ``counts`` (M, E) is the :func:`composition`. Of the fits that are equally good, as where all
    molecules have one composition, it is the one with the smallest references. The scale is the
    root mean square of the forces' components (N, 3) in hartree/bohr, times one bohr, or without
    forces that of the residuals per atom; rows that are nan do not count.
    """
    known = np.isfinite(energies)
    if references is None:
        fit, *_ = np.linalg.lstsq(counts[known], energies[known], rcond=None)
    else:
        fit = np.array([references[number] for number in elements])
    if forces is not None:
        scale = float(np.sqrt(np.nanmean(forces**2)))
    else:
        left = energies[known] - counts[known] @ fit
        scale = float(np.sqrt(np.mean((left / counts[known].sum(axis=1)) ** 2)))
    taken = dict(zip(elements, fit.tolist(), strict=True))
    return EnergyUnits(taken, scale if scale > 0.0 else 1.0)
