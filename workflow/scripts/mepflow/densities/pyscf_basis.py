"""Auxiliary bases out of PySCF, and integrals of their functions: what labels are made with."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from pyscf import gto
from pyscf.dft import gen_grid
from pyscf.lib.exceptions import BasisNotFoundError

from mepflow.archives.label_columns import FITTING_BASIS
from mepflow.densities.auxiliary_basis import AuxiliaryBasis, Shell
from mepflow.elements import symbol
from mepflow.errors import InputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def auxiliary_basis(name: str, numbers: Iterable[int]) -> AuxiliaryBasis:
    """Return one of PySCF's basis sets for elements by atomic number.

    Raises :class:`InputError` where PySCF has no such set or the set no such element.
    """
    try:
        shells = {n: _element_shells(name, n) for n in sorted(set(map(int, numbers)))}
    except BasisNotFoundError as error:
        raise InputError(f"PySCF has no {name} as it is wanted ({error}): name another.") from error
    return AuxiliaryBasis(name, shells)


def _element_shells(name: str, number: int) -> tuple[Shell, ...]:
    mol = _molecule(name, np.array([number]), np.zeros((1, 3)))
    shells = []
    for index in range(mol.nbas):
        exponents = tuple(map(float, mol.bas_exp(index)))
        # Each column is a contraction; PySCF's weights hold the radial normalisation.
        for weights in mol._libcint_ctr_coeff(index).T:
            shells.append(Shell(int(mol.bas_angular(index)), exponents, tuple(map(float, weights))))
    return tuple(shells)


def _molecule(name: str, numbers: IntArray, positions: FloatArray) -> gto.Mole:
    symbols = [symbol(int(number)) for number in numbers]
    atoms = list(zip(symbols, positions.tolist(), strict=True))
    spin = int(np.sum(numbers)) % 2
    return gto.M(atom=atoms, unit="Bohr", basis=name, spin=spin, verbose=0)


def fitting_molecule(name: str, numbers: IntArray, positions: FloatArray) -> gto.Mole:
    """Return PySCF's molecule with the functions of the basis; ``positions`` (n, 3) in bohr."""
    return _molecule(name, np.asarray(numbers), positions)


def coulomb_matrix(name: str, numbers: IntArray, positions: FloatArray) -> FloatArray:
    """Return (χ|χ′) (P, P) in hartree of the functions of a molecule."""
    return np.asarray(fitting_molecule(name, numbers, positions).intor("int2c2e"))


def coulomb_between(name: str, other: str, numbers: IntArray, positions: FloatArray) -> FloatArray:
    """Return (χ|ξ) (P, Q) in hartree of a molecule's functions in two basis sets."""
    pair = (fitting_molecule(one, numbers, positions) for one in (name, other))
    return np.asarray(gto.intor_cross("int2c2e", *pair))


def overlap_matrix(name: str, numbers: IntArray, positions: FloatArray) -> FloatArray:
    """Return ⟨χ|χ′⟩ (P, P) of the functions of a molecule."""
    return np.asarray(fitting_molecule(name, numbers, positions).intor("int1e_ovlp"))


def integration_grid(
    numbers: IntArray, positions: FloatArray, level: int
) -> tuple[FloatArray, FloatArray]:
    """Return points (p, 3) in bohr and weights (p,) of PySCF's grid of a ``level``, 0 to 9."""
    # The grid does not depend on the basis; any that has all elements does.
    grid = gen_grid.Grids(fitting_molecule(FITTING_BASIS, numbers, positions))
    grid.level = level
    grid.build()
    return np.asarray(grid.coords), np.asarray(grid.weights)


def projections(mol: Any, auxiliary: Any, density: FloatArray, operator: str) -> FloatArray:
    """Return (χ|ρ) (P,) for PySCF's three-centre ``operator``: int3c2e or int3c1e.

    ``density`` (n, n) is the density matrix in the functions of ``mol``.
    """
    joint = mol + auxiliary
    shells = (0, mol.nbas, 0, mol.nbas, mol.nbas, mol.nbas + auxiliary.nbas)
    integrals = joint.intor(operator, shls_slice=shells)
    return np.asarray(np.einsum("ijp,ij->p", integrals, density))
