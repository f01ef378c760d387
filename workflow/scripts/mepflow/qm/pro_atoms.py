"""Electron densities of free neutral atoms, spherical: what Hirshfeld's division compares with."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from pyscf import gto
from pyscf.scf import atom_ks
from scipy.interpolate import CubicSpline

from mepflow.elements import symbol

FloatArray = npt.NDArray[np.float64]
Radial = Callable[[FloatArray], FloatArray]

FUNCTIONAL: Final = "pbe"
"""PySCF's spherical atoms know no range-separated functional; the charges hardly depend on it."""
_BOHR: Final = np.geomspace(1e-5, 30.0, 600)
_SMALLEST: Final = 1e-100


@lru_cache
def pro_atom(atomic_number: int, basis: str) -> Radial:
    """Return the density in e/bohr³ of a free atom as a function of the distance in bohr.

    Restricted, its electrons spread evenly over the components of an open shell, without a core
    potential. Splined between 600 distances up to 30 bohr, beyond which it is that at 30.
    """
    name = symbol(atomic_number)
    mol = gto.M(atom=name, basis=basis, spin=atomic_number % 2, verbose=0)
    _, _, coefficients, occupations = atom_ks.get_atm_nrks(mol, xc=FUNCTIONAL)[name]
    points = np.stack([0.0 * _BOHR, 0.0 * _BOHR, _BOHR], axis=1)
    orbitals = mol.eval_gto("GTOval_sph", points) @ coefficients
    density = orbitals**2 @ occupations
    spline = CubicSpline(np.log(_BOHR), np.log(np.maximum(density, _SMALLEST)))
    lowest, highest = np.log(_BOHR[[0, -1]])

    def radial(distances: FloatArray) -> FloatArray:
        logarithms = np.log(np.maximum(distances, _BOHR[0]))
        return np.asarray(np.exp(spline(np.clip(logarithms, lowest, highest))))

    return radial
