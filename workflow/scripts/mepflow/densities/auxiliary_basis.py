"""Atom-centred Gaussians that a density is a sum of: their table, and their order in a molecule.

A function is :math:`r^l Y_{lm} \\sum_i w_i e^{-a_i r^2}` about its atom
(:mod:`mepflow.densities.solid_harmonics`), normalisation included in w. The order of a molecule's
functions is PySCF's: atoms, shells of the element, components m = −l to l, but x, y, z for l = 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from mepflow.elements import symbol
from mepflow.errors import InputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_P_ORDER: Final = (1, -1, 0)


@dataclass(frozen=True)
class Shell:
    """2l + 1 functions: l, exponents a (k,) in 1/bohr², weights w (k,)."""

    degree: int
    exponents: tuple[float, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True)
class AuxiliaryBasis:
    """Shells by atomic number, in PySCF's order."""

    name: str
    shells: Mapping[int, tuple[Shell, ...]]

    @property
    def highest_degree(self) -> int:
        """The largest l of any shell."""
        return max(shell.degree for shells in self.shells.values() for shell in shells)

    def require(self, numbers: Iterable[int]) -> None:
        """Raise :class:`InputError` for an element without functions."""
        for number in sorted({int(n) for n in numbers} - {*self.shells}):
            raise InputError(
                f"The auxiliary basis {self.name} has no functions for {symbol(number)} here: take"
                " a model that was trained on molecules with this element."
            )

    def to_row(self) -> dict[str, Any]:
        """Return plain values, for a file."""
        table = {
            str(number): [[s.degree, list(s.exponents), list(s.weights)] for s in shells]
            for number, shells in self.shells.items()
        }
        return {"name": self.name, "shells": table}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the basis of plain values."""
        shells = {
            int(number): tuple(Shell(int(k), tuple(a), tuple(w)) for k, a, w in table)
            for number, table in row["shells"].items()
        }
        return cls(str(row["name"]), shells)


@dataclass(frozen=True)
class FunctionTable:
    """Of every function (P,) of a molecule: atom, l, place among the atom's shells of l, and m."""

    atoms: IntArray
    degrees: IntArray
    places: IntArray
    orders: IntArray

    def __len__(self) -> int:
        return len(self.atoms)


def function_table(
    basis: AuxiliaryBasis, numbers: Sequence[int] | npt.NDArray[Any]
) -> FunctionTable:
    """Return the functions of atoms with these atomic ``numbers`` (n,).

    Raises :class:`InputError` for an element without functions.
    """
    basis.require(numbers)
    rows: list[tuple[int, int, int, int]] = []
    for atom, number in enumerate(numbers):
        seen: dict[int, int] = {}
        for shell in basis.shells[int(number)]:
            place = seen.get(shell.degree, 0)
            seen[shell.degree] = place + 1
            orders = _P_ORDER if shell.degree == 1 else range(-shell.degree, shell.degree + 1)
            rows += [(atom, shell.degree, place, m) for m in orders]
    return FunctionTable(*np.array(rows, dtype=np.int64).T)
