"""RESP charges: the two stages of Bayly, Cieplak, Cornell and Kollman.

J. Phys. Chem. 97, 10269 (1993), with the constants of W. D. Cornell et al., J. Am. Chem. Soc. 115,
9620 (1993). In the first stage the charges of all atoms but hydrogen are weakly restrained to 0,
and atoms that the molecular graph cannot tell apart are equal, those of methyl and methylene groups
excepted. In the second one those groups alone are fitted again, with a stronger restraint on their
carbon atoms, and equivalent atoms of theirs are equal; everything else stays.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow.charges.constraints import Constraints
from mepflow.charges.equivalence import Bonds, equivalent_atoms, turning_groups
from mepflow.charges.restrained_fit import Equations, Restraint, fit_charges

FloatArray = npt.NDArray[np.float64]

FIRST_STAGE_A: Final = 0.0005
SECOND_STAGE_A: Final = 0.001
"""Strengths of the restraints in atomic units, for points of one per Å²."""
TIGHTNESS_B: Final = 0.1
"""In e."""
_HYDROGEN: Final = 1


def resp_charges(
    equations: Equations,
    atomic_numbers: npt.ArrayLike,
    bonds: Bonds,
    constraints: Constraints,
) -> FloatArray:
    """Return the charges (n,) in e of a molecule of ``atomic_numbers`` (n,).

    ``equations`` have the weight of one point per Å²; those of several conformers are their sum.
    ``constraints`` hold in both stages: the total charge, and groups that keep a charge of theirs.
    Raises as :func:`~mepflow.charges.restrained_fit.fit_charges`.
    """
    numbers = np.asarray(atomic_numbers)
    restrained = numbers != _HYDROGEN
    classes = equivalent_atoms(numbers, bonds)
    refitted = np.zeros(len(numbers), bool)
    for group in turning_groups(numbers, bonds):
        refitted[group] = True
    first = fit_charges(
        equations,
        constraints & _equal_among(classes, ~refitted),
        Restraint(FIRST_STAGE_A, TIGHTNESS_B, restrained),
    )
    if not refitted.any():
        return first
    kept = Constraints.fixed(first, np.flatnonzero(~refitted).tolist())
    return fit_charges(
        equations,
        constraints & kept & _equal_among(classes, refitted),
        Restraint(SECOND_STAGE_A, TIGHTNESS_B, restrained & refitted),
    )


def _equal_among(classes: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_]) -> Constraints:
    """Let the chosen atoms of a class be equal; every other atom is a class of its own."""
    alone = classes.max() + 1 + np.arange(len(classes))
    return Constraints.equal(np.where(chosen, classes, alone))
