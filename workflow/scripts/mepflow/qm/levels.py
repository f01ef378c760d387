"""Levels of theory: a row of the configuration, and the basis set it names.

Gaussian's 6-31G(2df,p), the basis of QM9, is in no basis-set collection as Gaussian defines it: its
polarization functions are 6-31G's with the 0.8 of d split to 1.6 and 0.4 (not 6-311G's), one p of
1.1 on hydrogen, and d functions are the six Cartesian ones while f functions are the seven pure
ones ("6D 7F"). :mod:`mepflow.qm.mixed_basis` provides the mixture.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from pyscf import gto

from mepflow.errors import ConfigError, InputError

GAUSSIAN_6_31G_2DF_P: Final = "gaussian-6-31g(2df,p)"
_HYDROGEN_P_EXPONENT: Final = 1.1
_D_EXPONENTS: Final = (1.6, 0.4)
_F_EXPONENTS: Final = {"C": 0.8, "N": 1.0, "O": 1.4, "F": 1.85}


@dataclass(frozen=True)
class LevelOfTheory:
    """A row of ``levels_of_theory``; what each field means stands in the schema."""

    name: str
    functional: str
    basis: str
    density_fitting: str | None
    dispersion: str | None
    grid_level: int
    convergence_hartree: float
    max_cycles: int

    @classmethod
    def from_row(cls, name: str, row: Mapping[str, Any]) -> Self:
        """Build a level from its name and row; raises :class:`ConfigError` where keys differ."""
        expected = {f.name for f in fields(cls)} - {"name"}
        if set(row) != expected:
            raise ConfigError(
                f"Level of theory {name!r} must have exactly the keys {sorted(expected)}, "
                f"not {sorted(row)}: mend it in the configuration."
            )
        return cls(name=name, **row)

    @property
    def mixes_cartesian_and_pure(self) -> bool:
        """Whether d functions are Cartesian and f functions pure."""
        return self.basis == GAUSSIAN_6_31G_2DF_P

    def basis_functions(self, symbols: Iterable[str]) -> dict[str, Any]:
        """Return PySCF's basis specification for each element symbol.

        Raises :class:`InputError` for an element that the basis does not cover.
        """
        return {symbol: self._element_basis(symbol) for symbol in sorted(set(symbols))}

    def _element_basis(self, symbol: str) -> Any:
        if self.basis != GAUSSIAN_6_31G_2DF_P:
            return self.basis
        if symbol == "H":
            return [*gto.basis.load("6-31g", symbol), [1, [_HYDROGEN_P_EXPONENT, 1.0]]]
        if symbol not in _F_EXPONENTS:
            raise InputError(
                f"Basis {self.basis} has no functions for {symbol}: it covers H, C, N, O and F; "
                "choose another level of theory or filter the element out."
            )
        polarization = [[2, [exponent, 1.0]] for exponent in _D_EXPONENTS]
        polarization.append([3, [_F_EXPONENTS[symbol], 1.0]])
        return [*gto.basis.load("6-31g", symbol), *polarization]
