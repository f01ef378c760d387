r"""The prediction for one molecule, with the spread over the models.

A quantity of an ensemble is the mean of the models' with their spread
(:mod:`mepflow.models.ensemble_spread`), taken per component; it is nan for a single model. The
spread tells how far models of different seeds disagree. It holds nothing of what they have in
common: too little training data of a kind, or what no atomic charges can describe. Where a
calibration says how large errors were at such a spread, dipole and potential have an expected error
and a bound that hold it too.

The atomic charges of a model with atomic dipoles are a part of its potential, and a wrong potential
alone. What is called *charges* here stands alone: charges that reproduce the whole potential of
the model at :data:`CHARGE_GRID`, with the exact total charge, by one of the
:data:`~mepflow.charges.schemes.SCHEMES`. For a model of charges alone and the first scheme the two
are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.charges.restrained_fit import Equations
from mepflow.charges.schemes import FITTED, Fitted, fit_each
from mepflow.electrostatics.charge_fit import Undetermined, equivalent_charges, undetermined
from mepflow.electrostatics.field import potential_and_field
from mepflow.electrostatics.multipole_sets import potentials
from mepflow.electrostatics.penetration import Widths, known_shells, penetration_potential
from mepflow.electrostatics.potential import potential
from mepflow.evaluation.calibration import Calibration
from mepflow.geometry.bonds import bonds
from mepflow.geometry.grids import grid_points
from mepflow.geometry.surfaces import Surface, van_der_waals_surface
from mepflow.models.ensemble_spread import mean, spread
from mepflow.molecules import Molecule
from mepflow.prediction.expected_errors import ExpectedErrors
from mepflow.units import BOHR_IN_ANGSTROM

FloatArray = npt.NDArray[np.float64]

CHARGE_GRID: Final[Mapping[str, Any]] = {
    "kind": "shells",
    "scales": [1.4, 1.6, 1.8, 2.0],
    "points_per_angstrom2": 4.0,
}
"""Merz–Kollman shells that charges are fitted on: settings of :mod:`mepflow.geometry.grids`.

The points lie in the frame of the input. Four times as many as on the headline grid make the
charges depend on the orientation four times less.
"""


@dataclass(frozen=True)
class Prediction(ExpectedErrors):
    """Atomic terms and multipoles of a molecule of n atoms by each of K models, in atomic units.

    ======================== ============== ===================================================
    molecule                                elements, positions in bohr, total charge in e
    origin                   (3,)           bohr: centre of nuclear charge, of both multipoles
    model_atomic_charges     (K, n)         e
    model_atomic_dipoles     (K, n, 3)      e·bohr, or None if the variant has none
    model_dipoles            (K, 3)         e·bohr
    model_quadrupoles        (K, 3, 3)      traceless Θ′ = Σ q (3 r rᵀ − r² 1), e·bohr²
    warnings                                what makes the prediction doubtful, a sentence each
    model_atomic_quadrupoles (K, n, 3, 3)   traceless Θ′ about the atoms, e·bohr², or None
    calibrations                            by quantity, what the spread says about errors
    charge_scheme                           one of :data:`~mepflow.charges.schemes.SCHEMES`
    widths                                  of valence shells in bohr, if the models learned them
    model_energies           (K,)           hartree, or None where the variant learned no energy
    model_forces             (K, n, 3)      hartree/bohr, or None
    ======================== ============== ===================================================

    Means over the models have the names without ``model_`` (:attr:`dipole`; :attr:`charges` stand
    alone, :attr:`atomic_charges` do not), the spreads end in ``_spread``.
    """

    molecule: Molecule
    origin: FloatArray
    model_atomic_charges: FloatArray
    model_atomic_dipoles: FloatArray | None
    model_dipoles: FloatArray
    model_quadrupoles: FloatArray
    warnings: tuple[str, ...] = ()
    model_atomic_quadrupoles: FloatArray | None = None
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    charge_scheme: str = FITTED
    widths: Widths | None = None
    model_energies: FloatArray | None = None
    model_forces: FloatArray | None = None

    @property
    def energy(self) -> float | None:
        """Return the energy in hartree, None where the variant learned none."""
        return None if self.model_energies is None else float(mean(self.model_energies))

    @property
    def forces(self) -> FloatArray | None:
        """Return the forces (n, 3) in hartree/bohr, None where the variant learned no energy."""
        return None if self.model_forces is None else mean(self.model_forces)

    @property
    def has_atomic_terms(self) -> bool:
        """Return whether the model predicts multipoles of atoms."""
        return True

    @property
    def model_charges(self) -> FloatArray:
        """Return the charges (K, n) in e that stand for each model's atomic terms."""
        return self._fit[0]

    @property
    def undetermined_charges(self) -> Undetermined:
        """Return what the potential around the molecule does not tell of :attr:`charges`."""
        return self._fit[1]

    @cached_property
    def _fit(self) -> tuple[FloatArray, Undetermined]:
        if not self.are_charges_fitted:
            return self.model_atomic_charges, Undetermined()
        molecule = self.molecule
        points = grid_points(CHARGE_GRID, molecule.atomic_numbers, molecule.positions)
        penetration = self.penetration(points)
        if self.charge_scheme == FITTED and penetration is None:
            return equivalent_charges(points, molecule.positions, *self._model_terms)
        values = self.model_potentials(points)
        return self._fitted(points, values if penetration is None else values + penetration)

    def _fitted(self, points: FloatArray, values: FloatArray) -> tuple[FloatArray, Undetermined]:
        """Fit charges to the models' ``values`` (K, p) in hartree/e at ``points`` (p, 3)."""
        molecule = self.molecule
        density = CHARGE_GRID["points_per_angstrom2"]
        about = molecule.positions - self.origin
        pairs = bonds(molecule.atomic_numbers, molecule.positions * BOHR_IN_ANGSTROM)
        fitted = Fitted(molecule.atomic_numbers, about, molecule.total_charge, pairs)
        equations = Equations.of_each(points, molecule.positions, values, 1.0 / density)
        charges = fit_each(self.charge_scheme, equations, fitted, self.model_dipoles)
        return charges, undetermined(equations[0].matrix)

    @cached_property
    def charges(self) -> FloatArray:
        """Return charges (n,) in e whose potential is the model's; they add up to the total charge.

        They may be used without the other atomic terms; :attr:`atomic_charges` may not.
        """
        return mean(self.model_charges)

    @cached_property
    def charges_spread(self) -> FloatArray:
        """Return the spread (n,) of :attr:`charges` in e."""
        return spread(self.model_charges)

    @property
    def are_charges_fitted(self) -> bool:
        """Return whether :attr:`charges` are other than the model's own atomic charges."""
        higher = (self.model_atomic_dipoles, self.model_atomic_quadrupoles, self.widths)
        return self.charge_scheme != FITTED or any(terms is not None for terms in higher)

    @cached_property
    def atomic_charges(self) -> FloatArray:
        """Return the model's own atomic charges (n,) in e, one of its atomic terms."""
        return mean(self.model_atomic_charges)

    @cached_property
    def atomic_charges_spread(self) -> FloatArray:
        """Return the spread (n,) of the atomic charges in e."""
        return spread(self.model_atomic_charges)

    @cached_property
    def atomic_dipoles(self) -> FloatArray | None:
        """Return the atomic dipoles (n, 3) in e·bohr, or None if the variant has none."""
        dipoles = self.model_atomic_dipoles
        return None if dipoles is None else mean(dipoles)

    @cached_property
    def atomic_dipoles_spread(self) -> FloatArray | None:
        """Return the spread (n, 3) of the atomic dipoles in e·bohr."""
        return None if self.model_atomic_dipoles is None else spread(self.model_atomic_dipoles)

    @property
    def atomic_quadrupoles(self) -> FloatArray | None:
        """Return the atomic Θ′ (n, 3, 3) in e·bohr², or None if the variant has none."""
        quadrupoles = self.model_atomic_quadrupoles
        return None if quadrupoles is None else mean(quadrupoles)

    @property
    def atomic_quadrupoles_spread(self) -> FloatArray | None:
        """Return the spread (n, 3, 3) of the components of the atomic Θ′ in e·bohr²."""
        quadrupoles = self.model_atomic_quadrupoles
        return None if quadrupoles is None else spread(quadrupoles)

    @cached_property
    def dipole(self) -> FloatArray:
        """Return the molecular dipole (3,) in e·bohr, from negative to positive charge."""
        return mean(self.model_dipoles)

    @cached_property
    def dipole_spread(self) -> FloatArray:
        """Return the spread (3,) of the dipole's components in e·bohr."""
        return spread(self.model_dipoles)

    @cached_property
    def quadrupole(self) -> FloatArray:
        """Return the molecular traceless quadrupole Θ′ (3, 3) in e·bohr²."""
        return mean(self.model_quadrupoles)

    @property
    def quadrupole_spread(self) -> FloatArray:
        """Return the spread (3, 3) of the components of Θ′ in e·bohr²."""
        return spread(self.model_quadrupoles)

    @property
    def _terms(self) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
        return self.atomic_charges, self.atomic_dipoles, self.atomic_quadrupoles

    @property
    def _model_terms(self) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
        return self.model_atomic_charges, self.model_atomic_dipoles, self.model_atomic_quadrupoles

    def potential(self, points: FloatArray, radii: FloatArray | None = None) -> FloatArray:
        """Return the MEP (p,) in hartree/e of the mean atomic terms at ``points`` (p, 3) in bohr.

        ``radii`` (n,) in bohr as in :func:`mepflow.electrostatics.potential.potential`, which
        raises :class:`ValueError` for a point on an atom where there are none.
        """
        return np.asarray(potential(points, self.molecule.positions, *self._terms, radii=radii))

    def penetration(self, points: FloatArray) -> FloatArray | None:
        """Return what valence shells add (p,) to the MEP in hartree/e, if the models learned them.

        None also where one of the elements has no width.
        """
        shells = known_shells(self.molecule.atomic_numbers, self.widths)
        return shells and penetration_potential(points, self.molecule.positions, shells)

    def field(self, points: FloatArray) -> FloatArray:
        """Return the electric field (p, 3) in hartree/(e·bohr) at ``points`` (p, 3) in bohr.

        It is minus the gradient of :meth:`potential`, and raises as that does.
        """
        return self.potential_and_field(points)[1]

    def potential_and_field(
        self, points: FloatArray, widths: Widths | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return the MEP (p,) in hartree/e and the field (p, 3) at ``points`` (p, 3) in bohr.

        With penetration where ``widths`` of valence shells have all elements. Raises
        :class:`ValueError` for a point on an atom.
        """
        shells = known_shells(self.molecule.atomic_numbers, widths)
        return potential_and_field(points, self.molecule.positions, *self._terms, shells)

    def surface(self) -> Surface:
        """Return the surface that the potential is mapped on: that of the Bondi spheres."""
        return van_der_waals_surface(self.molecule.atomic_numbers, self.molecule.positions)

    def model_potentials(self, points: FloatArray, radii: FloatArray | None = None) -> FloatArray:
        """Return each model's MEP (K, p) in hartree/e; arguments as in :meth:`potential`."""
        return potentials(points, self.molecule.positions, *self._model_terms, radii)

    def potential_spread(self, points: FloatArray, radii: FloatArray | None = None) -> FloatArray:
        """Return the spread (p,) of the MEP in hartree/e; arguments as in :meth:`potential`."""
        return spread(self.model_potentials(points, radii))

    def charges_deviation(self, points: FloatArray, values: FloatArray) -> float:
        """Return the RMS in hartree/e of the potential of :attr:`charges` against the model's.

        The model's atomic terms give ``values`` (p,) in hartree/e at ``points`` (p, 3) in bohr;
        penetration counts where the charges are fitted to it, too.
        """
        of_charges = potential(points, self.molecule.positions, self.charges)
        penetration = self.penetration(points)
        whole = values if penetration is None else values + penetration
        return float(np.sqrt(np.mean(np.square(of_charges - whole))))

    def view(self) -> Any:
        """Return the MEP on the van der Waals surface, for a notebook; needs py3Dmol."""
        from mepflow.prediction.notebook_view import notebook_view

        return notebook_view(self)

    def __repr__(self) -> str:
        count = len(self.model_atomic_charges)
        return (
            f"Prediction({self.molecule.id!r}, {len(self.molecule)} atoms, "
            f"{count} model{'s' if count > 1 else ''})"
        )
