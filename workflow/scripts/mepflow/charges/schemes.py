"""The charges that a prediction can give, by name: what is fitted, and what must hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow.charges.constraints import Constraints
from mepflow.charges.equivalence import Bonds, equivalent_atoms
from mepflow.charges.resp import resp_charges
from mepflow.charges.restrained_fit import Equations, fit_charges

FloatArray = npt.NDArray[np.float64]

FITTED: Final = "fitted"


@dataclass(frozen=True)
class Fitted:
    """A molecule whose charges are fitted: elements (n,), positions (n, 3) in bohr, bonds.

    ``total_charge`` is in e, ``dipole`` (3,) in e·bohr about the origin of the positions.
    """

    atomic_numbers: npt.NDArray[np.uint8]
    positions: FloatArray
    total_charge: float
    bonds: Bonds
    dipole: FloatArray


@dataclass(frozen=True)
class Scheme:
    """How charges follow from the equations of a potential, and what files say of them."""

    text: str
    fit: Callable[[Equations, Fitted], FloatArray]


def _total(of: Fitted) -> Constraints:
    return Constraints.total(len(of.positions), of.total_charge)


def _fitted(equations: Equations, of: Fitted) -> FloatArray:
    return fit_charges(equations, _total(of))


def _symmetric(equations: Equations, of: Fitted) -> FloatArray:
    alike = Constraints.equal(equivalent_atoms(of.atomic_numbers, of.bonds))
    return fit_charges(equations, _total(of) & alike)


def _with_dipole(equations: Equations, of: Fitted) -> FloatArray:
    if len(of.positions) == 1:  # its dipole, with the charge's place fixed, is no choice
        return _fitted(equations, of)
    return fit_charges(equations, _total(of) & Constraints.dipole(of.positions, of.dipole))


def _resp(equations: Equations, of: Fitted) -> FloatArray:
    return resp_charges(equations, of.atomic_numbers, of.bonds, _total(of))


SCHEMES: Final[Mapping[str, Scheme]] = {
    FITTED: Scheme("charges fitted to the model's potential", _fitted),
    "symmetric": Scheme(
        "charges fitted to the model's potential, equal for equivalent atoms", _symmetric
    ),
    "dipole": Scheme("charges fitted to the model's potential, with its dipole", _with_dipole),
    "resp": Scheme("RESP charges of the model's potential, in two stages", _resp),
}
"""By the name on the command line. All keep the total charge exactly."""
