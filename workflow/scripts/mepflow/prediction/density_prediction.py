"""The prediction of an electron density: what a prediction of multipoles gives, from coefficients.

The potential is that of the nuclei and of the density in closed form, near the atoms too. A density
has no atomic charges of its own: those of files are fitted to its potential.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import torch

from mepflow.densities.auxiliary_basis import AuxiliaryBasis
from mepflow.densities.density_functions import density, electronic_potential, molecular_potential
from mepflow.densities.density_moments import molecular_moments
from mepflow.densities.isodensity_surface import isodensity_surface
from mepflow.electrostatics.charge_fit import Undetermined
from mepflow.electrostatics.penetration import Widths
from mepflow.electrostatics.potential import CLOSEST_BOHR
from mepflow.errors import InputError
from mepflow.geometry.grids import grid_points
from mepflow.geometry.surfaces import Surface
from mepflow.models.ensemble_spread import mean
from mepflow.molecules import Molecule
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.prediction.result import CHARGE_GRID, FloatArray, Prediction

NUCLEUS_BOHR: Final = 0.05
"""In a cube, the charge of a nucleus lies on a sphere of this radius: no value is infinite."""
_POINTS_AT_ONCE: Final = 2000


@dataclass(frozen=True)
class DensityPrediction(Prediction):
    """Coefficients (K, P) of a molecule's density by each of K models, and all that follows.

    ``model_atomic_charges`` are nan.
    """

    basis: AuxiliaryBasis | None = None
    model_coefficients: FloatArray | None = None

    @classmethod
    def of(
        cls,
        molecule: Molecule,
        basis: AuxiliaryBasis,
        coefficients: FloatArray,
        charge_scheme: str,
        warnings: tuple[str, ...],
    ) -> Self:
        """Return the prediction of ``coefficients`` (K, P)."""
        numbers, positions = molecule.atomic_numbers.astype(np.int64), molecule.positions
        moments = [molecular_moments(basis, numbers, positions, own) for own in coefficients]
        return cls(
            molecule,
            centre_of_nuclear_charge(molecule.atomic_numbers, positions),
            np.full((len(coefficients), len(molecule)), np.nan),
            None,
            np.array([dipole for _, dipole, _ in moments]),
            np.array([quadrupole for _, _, quadrupole in moments]),
            warnings,
            charge_scheme=charge_scheme,
            basis=basis,
            model_coefficients=coefficients,
        )

    @property
    def has_atomic_terms(self) -> bool:
        """Return False: a density has no atomic charges of its own."""
        return False

    @property
    def are_charges_fitted(self) -> bool:
        """Return True: charges reproduce the density's potential."""
        return True

    @property
    def coefficients(self) -> FloatArray:
        """Return the mean coefficients (P,)."""
        assert self.model_coefficients is not None
        return mean(self.model_coefficients)

    @property
    def _atoms(self) -> tuple[AuxiliaryBasis, npt.NDArray[np.int64], FloatArray]:
        assert self.basis is not None
        return self.basis, self.molecule.atomic_numbers.astype(np.int64), self.molecule.positions

    @cached_property
    def _fit(self) -> tuple[FloatArray, Undetermined]:
        molecule = self.molecule
        points = grid_points(CHARGE_GRID, molecule.atomic_numbers, molecule.positions)
        return self._fitted(points, self.model_potentials(points))

    def density(self, points: FloatArray) -> FloatArray:
        """Return the density (p,) in e/bohr³ at ``points`` (p, 3) in bohr."""
        return np.asarray(density(*self._atoms, self.coefficients, points))

    def potential(self, points: FloatArray, radii: FloatArray | None = None) -> FloatArray:
        """Return the MEP (p,) in hartree/e at ``points`` (p, 3) in bohr.

        With ``radii`` (their values do not count) the nuclei are spheres of :data:`NUCLEUS_BOHR`;
        without, a point on an atom raises :class:`ValueError`.
        """
        return np.asarray(self._potentials(self.coefficients[None], points, radii)[0])

    def model_potentials(self, points: FloatArray, radii: FloatArray | None = None) -> FloatArray:
        """Return each model's MEP (K, p) in hartree/e; arguments as in :meth:`potential`."""
        assert self.model_coefficients is not None
        return self._potentials(self.model_coefficients, points, radii)

    def _potentials(
        self, coefficients: FloatArray, points: FloatArray, radii: FloatArray | None
    ) -> FloatArray:
        distances = np.linalg.norm(points[:, None] - self.molecule.positions[None], axis=-1)
        if radii is not None:
            distances = np.maximum(distances, NUCLEUS_BOHR)
        elif (distances < CLOSEST_BOHR).any():
            raise ValueError("a point lies on an atom")
        nuclei = (self.molecule.atomic_numbers / distances).sum(axis=1)
        electrons = electronic_potential(*self._atoms, coefficients.T, points)
        return np.asarray(nuclei - electrons.T)

    def potential_and_field(
        self, points: FloatArray, widths: Widths | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return the MEP (p,) in hartree/e and the field (p, 3); ``widths`` do not count."""
        values = self.potential(points)
        basis, numbers, positions = self._atoms
        atoms = (basis, numbers, torch.as_tensor(positions), torch.as_tensor(self.coefficients))
        fields = []
        for start in range(0, len(points), _POINTS_AT_ONCE):
            block = torch.tensor(points[start : start + _POINTS_AT_ONCE], requires_grad=True)
            total = molecular_potential(*atoms, block).sum()
            fields.append(-torch.autograd.grad(total, block)[0].numpy())
        return values, np.concatenate(fields)

    def field(self, points: FloatArray) -> FloatArray:
        """Return the electric field (p, 3) in hartree/(e·bohr) at ``points`` (p, 3) in bohr."""
        return self.potential_and_field(points)[1]

    def surface(self) -> Surface:
        """Return the surface of 0.001 e/bohr³.

        Raises :class:`InputError` where the density has no such closed surface.
        """
        try:
            return isodensity_surface(*self._atoms, self.coefficients)
        except ValueError as error:
            raise InputError(f"{self.molecule.id} has no isodensity surface: {error}.") from error
