"""Levels of theory: a row of the configuration, and the basis set it names.

Gaussian's 6-31G(2df,p), the basis of QM9, is in no basis-set collection as Gaussian defines it: its
polarization functions are 6-31G's with the 0.8 of d split to 1.6 and 0.4 (not 6-311G's), one p of
1.1 on hydrogen, and d functions are the six Cartesian ones while f functions are the seven pure
ones ("6D 7F"). :mod:`mepflow.qm.mixed_basis` provides the mixture.

Some basis sets hold valence functions alone for some elements (the def2 sets beyond krypton) and
mean nothing without the effective core potential (ECP) that was made with them. PySCF does not add
it by itself and would put all electrons into the valence functions: that is refused here.
"""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from pyscf import dft, gto
from pyscf.lib.exceptions import BasisNotFoundError
from pyscf.scf.dispersion import parse_dft

from mepflow.elements import SYMBOLS
from mepflow.errors import ConfigError, InputError

PYSCF: Final = "pyscf"
GPU4PYSCF: Final = "gpu4pyscf"
"""Backends of the SCF: PySCF, and its extension for GPUs."""
GAUSSIAN_6_31G_2DF_P: Final = "gaussian-6-31g(2df,p)"
_HYDROGEN_P_EXPONENT: Final = 1.1
_D_EXPONENTS: Final = (1.6, 0.4)
_F_EXPONENTS: Final = {"C": 0.8, "N": 1.0, "O": 1.4, "F": 1.85}
_DEF2: Final = "def2"
_DEF2_WITH_POTENTIALS: Final = "def2-svp"
"""All def2 sets share their ECPs, but PySCF knows them under some of the sets' names only."""


@dataclass(frozen=True)
class LevelOfTheory:
    """A row of ``levels_of_theory``; what each field means stands in the schema."""

    name: str
    functional: str
    basis: str
    effective_core_potential: str | None
    density_fitting: str | None
    dispersion: str | None
    grid_level: int
    convergence_hartree: float
    max_cycles: int
    backend: str = PYSCF

    @classmethod
    def from_row(cls, name: str, row: Mapping[str, Any]) -> Self:
        """Build a level from its name and row.

        Raises :class:`ConfigError` where keys differ, PySCF does not know the functional or the
        effective core potential, or the dispersion would be counted twice.
        """
        expected = {f.name for f in fields(cls)} - {"name"}
        if set(row) | {"backend"} != expected:
            raise ConfigError(
                f"Level of theory {name!r} must have exactly the keys {sorted(expected)}, "
                f"not {sorted(row)}: mend it in the configuration."
            )
        level = cls(name=name, **row)
        if level.backend != PYSCF and level.mixes_cartesian_and_pure:
            raise ConfigError(
                f"Level of theory {name!r}: the backend {level.backend} cannot mix Cartesian and "
                f"pure functions as the basis {level.basis} does; set `backend` to {PYSCF}."
            )
        brings_dispersion = _brings_dispersion(level.functional)
        if level.dispersion is not None and brings_dispersion:
            raise ConfigError(
                f"Level of theory {name!r}: the functional {level.functional} brings a dispersion "
                "correction of its own; set `dispersion` to null."
            )
        potential = level.effective_core_potential
        if potential is not None and not any(
            _core_potential(potential, symbol) for symbol in reversed(SYMBOLS)
        ):
            raise ConfigError(
                f"Level of theory {name!r}: PySCF has no effective core potential {potential!r}."
            )
        return level

    @property
    def mixes_cartesian_and_pure(self) -> bool:
        """Whether d functions are Cartesian and f functions pure."""
        return self.basis == GAUSSIAN_6_31G_2DF_P

    def basis_functions(self, symbols: Iterable[str]) -> dict[str, Any]:
        """Return PySCF's basis specification for each element symbol.

        Raises :class:`InputError` for an element that the basis or the auxiliary basis of density
        fitting does not cover.
        """
        found = {symbol: self._element_basis(symbol) for symbol in sorted(set(symbols))}
        if self.density_fitting is not None:
            for symbol in found:
                _functions(self.density_fitting, symbol)
        return found

    def core_potentials(self, symbols: Iterable[str]) -> dict[str, Any]:
        """Return PySCF's ECP specification of each element that has one: {symbol: [core, terms]}.

        An ECP applies to the elements it is made for (def2: those beyond krypton); the others keep
        all their electrons. Raises :class:`InputError` for an element whose basis functions demand
        an ECP that the level does not give.
        """
        found = {}
        for symbol in sorted(set(symbols)):
            potential = _core_potential(self.effective_core_potential, symbol)
            if potential:
                found[symbol] = potential
            elif _core_potential(_potentials_of(self.basis), symbol):
                raise InputError(
                    f"Basis {self.basis} has only valence functions for {symbol}, but level of "
                    f"theory {self.name!r} no effective core potential for it: set its "
                    f"effective_core_potential or filter {symbol} out."
                )
        return found

    def _element_basis(self, symbol: str) -> Any:
        if self.basis != GAUSSIAN_6_31G_2DF_P:
            return _functions(self.basis, symbol)
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


def _brings_dispersion(functional: str) -> bool:
    """Return whether a functional's name implies D3, D4 or VV10."""
    try:
        exchange_correlation, nonlocal_part, correction = parse_dft(functional)
        vv10 = nonlocal_part is not False and dft.libxc.is_nlc(exchange_correlation)
    except (KeyError, NotImplementedError) as error:
        raise ConfigError(f"PySCF does not know the functional {functional!r}: {error}.") from error
    return correction is not None or bool(vv10)


def _functions(basis: str, symbol: str) -> Any:
    """Return the functions of an element in one of PySCF's basis sets."""
    with warnings.catch_warnings():
        # Advice to install a package with more basis sets.
        warnings.simplefilter("ignore", UserWarning)
        try:
            return gto.basis.load(basis, symbol)
        except BasisNotFoundError:
            raise InputError(
                f"PySCF's basis {basis} has no functions for {symbol}: choose another level of "
                "theory or filter the element out."
            ) from None


def _potentials_of(basis: str) -> str:
    """Return the name of the ECPs that were made with a basis set, if there are any."""
    return _DEF2_WITH_POTENTIALS if _DEF2 in basis.lower() else basis


def _core_potential(name: str | None, symbol: str) -> Any:
    """Return the ECP of an element, [core electrons, terms], or an empty list where it has none."""
    if name is None:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            return gto.basis.load_ecp(name, symbol)
        except (RuntimeError, OSError):
            # Not the name of a set with ECPs, or of one that is kept in another form.
            return []
