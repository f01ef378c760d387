"""The charges that a prediction can give, by name: what is fitted, and what must hold."""

from collections.abc import Callable, Mapping, Sequence
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

    ``total_charge`` is in e.
    """

    atomic_numbers: npt.NDArray[np.uint8]
    positions: FloatArray
    total_charge: float
    bonds: Bonds


@dataclass(frozen=True)
class Scheme:
    """How charges follow from the equations of a potential, and what files say of them.

    ``fit`` also takes the dipole (3,) in e·bohr about the origin of the positions.
    """

    text: str
    fit: Callable[[Equations, Fitted, FloatArray], FloatArray]


def _total(of: Fitted) -> Constraints:
    return Constraints.total(len(of.positions), of.total_charge)


def _fitted(equations: Equations, of: Fitted, dipole: FloatArray) -> FloatArray:
    return fit_charges(equations, _total(of))


def _symmetric(equations: Equations, of: Fitted, dipole: FloatArray) -> FloatArray:
    alike = Constraints.equal(equivalent_atoms(of.atomic_numbers, of.bonds))
    return fit_charges(equations, _total(of) & alike)


def _with_dipole(equations: Equations, of: Fitted, dipole: FloatArray) -> FloatArray:
    return fit_charges(equations, _total(of) & Constraints.dipole(of.positions, dipole))


def _resp(equations: Equations, of: Fitted, dipole: FloatArray) -> FloatArray:
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


def fit_each(
    scheme: str, equations: Sequence[Equations], of: Fitted, dipoles: FloatArray
) -> FloatArray:
    """Return the charges (k, n) in e by a scheme for k potentials of one molecule.

    ``dipoles`` (k, 3) in e·bohr are about the origin of its positions. Raises as
    :func:`~mepflow.charges.restrained_fit.fit_charges`.
    """
    fit = SCHEMES[scheme].fit
    pairs = zip(equations, dipoles, strict=True)
    return np.array([fit(one, of, dipole) for one, dipole in pairs])
