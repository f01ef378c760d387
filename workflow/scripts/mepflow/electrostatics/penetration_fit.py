r"""Widths of valence shells, fitted to the potentials of molecules.

For given widths σ the multipoles of a molecule that come nearest to its potential V follow by
linear least squares. What they leave over is (1 − P)(V − V_pen(σ)), with P the projection onto the
potentials that multipoles can make at the molecule's points. The widths minimise its mean square,
averaged over the molecules: variable projection (G. H. Golub, V. Pereyra, SIAM J. Numer. Anal. 10,
413 (1973)). No multipole is chosen beforehand, so the widths take over nothing of what multipoles
can do themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from mepflow.electrostatics.multipole_fit import SINGULAR_VALUE_CUTOFF, design
from mepflow.electrostatics.penetration import VALENCE_ELECTRONS, Widths
from mepflow.electrostatics.unit_potentials import QUADRUPOLES
from mepflow.elements import symbol
from mepflow.molecules import Molecule

FloatArray = npt.NDArray[np.float64]

_START_BOHR: Final = 0.4


@dataclass(frozen=True)
class Sample:
    """A molecule's potential less what multipoles can make of it, each over √p for p points.

    ``symbols`` (n,) are the elements, ``distances`` (p, n) those of points and atoms in bohr,
    ``reach`` (p, m) an orthonormal basis of the potentials of multipoles, ``rest`` (p,) what they
    leave of the reference, in hartree/e: its norm is the smallest RMSE.
    """

    molecule: Molecule
    symbols: tuple[str, ...]
    distances: FloatArray
    reach: FloatArray
    rest: FloatArray

    @classmethod
    def of(
        cls,
        molecule: Molecule,
        points: FloatArray,
        values: FloatArray,
        order: int = QUADRUPOLES,
    ) -> Self:
        """Prepare the potential ``values`` (p,) in hartree/e at ``points`` (p, 3) in bohr.

        Raises :class:`ValueError` where there are fewer points than parameters.
        """
        inverse, _, matrix = design(points, molecule.positions, order)
        vectors, sizes, _ = np.linalg.svd(matrix, full_matrices=False)
        reach = vectors[:, sizes > SINGULAR_VALUE_CUTOFF * sizes[0]]
        start = inverse.sum(axis=1) * molecule.total_charge / len(molecule)
        rest = (values - start) / np.sqrt(len(values))
        return cls(
            molecule,
            tuple(symbol(int(number)) for number in molecule.atomic_numbers),
            np.linalg.norm(points[:, None] - molecule.positions, axis=-1),
            reach,
            _beyond(reach, rest),
        )

    @cached_property
    def elements(self) -> frozenset[str]:
        """The symbols of the elements."""
        return frozenset(self.symbols)

    def left_over(self, widths: Widths | None = None) -> FloatArray:
        """Return what the best multipoles leave (p,) with shells of these widths, or without."""
        if widths is None:
            return self.rest
        values, _ = self._shells(widths)
        return self.rest - _beyond(self.reach, values.sum(axis=1))

    def rmse(self, widths: Widths | None = None) -> float:
        """Return the smallest RMSE in hartree/e of multipoles with these shells, or without."""
        return float(np.linalg.norm(self.left_over(widths)))

    def slopes(self, widths: Widths) -> FloatArray:
        """Return the derivatives (p, e) of :meth:`left_over` by ln σ of each key of ``widths``."""
        _, slopes = self._shells(widths)
        member = np.array([[name == key for key in widths] for name in self.symbols], dtype=float)
        return -_beyond(self.reach, slopes @ member)

    def _shells(self, widths: Widths) -> tuple[FloatArray, FloatArray]:
        """Return the penetration (p, n) of each atom and its derivative by ln σ, over √p."""
        electrons = np.array([VALENCE_ELECTRONS[name] for name in self.symbols])
        sigma = np.array([widths[name] for name in self.symbols])
        scale = electrons * np.exp(-self.distances / sigma) / np.sqrt(len(self.rest))
        values = scale * (1.0 / self.distances + 0.5 / sigma)
        return values, values * self.distances / sigma - scale * 0.5 / sigma


def _beyond(reach: FloatArray, values: FloatArray) -> FloatArray:
    return np.asarray(values - reach @ (reach.T @ values))


def fit_widths(samples: Sequence[Sample]) -> dict[str, float]:
    """Return the widths in bohr, by symbol, of all elements of the samples.

    A variable is ln σ: a width stays positive. Each molecule counts alike, whatever its points.
    """
    elements = sorted(
        set().union(*(sample.elements for sample in samples)), key=list(VALENCE_ELECTRONS).index
    )

    def widths(variables: FloatArray) -> dict[str, float]:
        return dict(zip(elements, np.exp(variables).tolist(), strict=True))

    found = least_squares(
        lambda x: np.concatenate([sample.left_over(widths(x)) for sample in samples]),
        np.full(len(elements), np.log(_START_BOHR)),
        lambda x: np.concatenate([sample.slopes(widths(x)) for sample in samples]),
        x_scale="jac",
        ftol=1e-10,
        xtol=1e-8,
        gtol=1e-12,
    )
    return widths(found.x)
