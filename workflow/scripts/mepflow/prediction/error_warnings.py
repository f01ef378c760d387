"""Sentences about predictions whose error is expected to be large, or charges mean nothing."""

from collections.abc import Iterator
from typing import Final

from ase.data import chemical_symbols

from mepflow.evaluation.calibration import DIPOLE, MEP, Calibration
from mepflow.prediction.result import Prediction

LARGE_DIPOLE_ERROR: Final = 0.5
"""An expected error of the dipole in D above which a molecule is warned of."""
_ATOMS_NAMED: Final = 5
_NAMES: Final = {DIPOLE: "dipole", MEP: "potential"}


def large_dipole_error(calibration: Calibration, spread: float) -> Iterator[str]:
    """Yield what there is to say of a dipole with ``spread`` in D."""
    expected = float(calibration.expected(spread))
    if expected > LARGE_DIPOLE_ERROR:
        yield f"the expected error of its dipole is {expected:.2f} D"
    yield from unusual_spread(calibration, spread, DIPOLE)


def unusual_spread(calibration: Calibration, spread: float, quantity: str) -> Iterator[str]:
    """Yield a sentence where no molecule of the calibration had such a ``spread``."""
    if calibration.is_beyond(spread):
        yield (
            f"the spread of its {_NAMES[quantity]} is larger than any of the molecules that the "
            "error was calibrated on"
        )


def undetermined_charges(prediction: Prediction) -> Iterator[str]:
    """Yield a sentence where the potential does not tell all charges; atoms are counted from 1."""
    count, atoms = prediction.undetermined_charges
    if not count:
        return
    numbers = prediction.molecule.atomic_numbers
    names = [f"{chemical_symbols[numbers[atom]]}{atom + 1}" for atom in atoms[:_ATOMS_NAMED]]
    more = " and others" if len(atoms) > _ATOMS_NAMED else ""
    combinations = f"{count} combination{'s' if count > 1 else ''}"
    yield (
        f"the potential around it leaves {combinations} of its charges open, those of buried atoms "
        f"({', '.join(names)}{more}): these charges mean nothing one by one"
    )
