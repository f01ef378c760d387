"""Sentences about predictions whose error is expected to be large, by a calibration."""

from collections.abc import Iterator
from typing import Final

from mepflow.evaluation.calibration import DIPOLE, MEP, Calibration

LARGE_DIPOLE_ERROR: Final = 0.5
"""An expected error of the dipole in D above which a molecule is warned of."""
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
