r"""What the spread of models says about the error of their mean, learned from validation molecules.

The error of a molecule is taken as normal with the standard deviation

.. math:: \sigma = \sqrt{a^2 + (f s)^2}

of its spread s: f for what the models do not agree on, a for what they are wrong about together.
Both are those of the largest likelihood. The bound is a split conformal one (Lei et al., J. Am.
Stat. Assoc. 113, 1094 (2018)): of n validation molecules, the ⌈(n + 1)(1 − α)⌉-th smallest of
error/σ, times σ. It holds for 1 − α of molecules that are drawn as these were.

Errors and spreads of a molecule are those of :mod:`mepflow.evaluation.ensemble_errors`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from mepflow.errors import InputError

FloatArray = npt.NDArray[np.float64]

CALIBRATION_FILE: Final = "calibration.json"
"""The file's name, beside the models that it is of."""
MEP, DIPOLE = "mep", "dipole"
QUANTITIES: Final = {MEP: "kcal/mol/e", DIPOLE: "D"}
"""What is judged, and the unit of its errors and spreads."""
COVERAGE: Final = 0.95
"""Share of the molecules that a bound is to hold for."""
FEWEST: Final = 20
"""Of fewer validation molecules a bound for 95 % of others is not known: 19 have the largest."""
_FEWEST_FOR_TWO: Final = 2
_SMALLEST: Final = 1e-6
"""Share of the mean error below which σ does not fall."""


@dataclass(frozen=True)
class Calibration:
    """Parameters of one quantity, in its unit: ``shared`` is a, ``factor`` f.

    ``bound`` is the number of σ that hold the error with :data:`COVERAGE`, nan for fewer than
    :data:`FEWEST` ``molecules``; all three are nan for fewer than two. ``largest_spread`` is that
    of these molecules, nan where an older file does not tell it.
    """

    shared: float
    factor: float
    bound: float
    molecules: int
    largest_spread: float = np.nan

    @classmethod
    def unknown(cls) -> Self:
        """Return the calibration of models without one: nothing can be expected."""
        return cls(np.nan, np.nan, np.nan, 0)

    @classmethod
    def of(cls, errors: FloatArray, spreads: FloatArray) -> Self:
        """Return the calibration of ``errors`` (n,) with ``spreads`` (n,), each ≥ 0.

        Raises :class:`InputError` where one is not finite.
        """
        if not np.isfinite([errors, spreads]).all():
            raise InputError("an error or a spread of a validation molecule is not finite.")
        largest = float(max(spreads, default=np.nan))
        if len(errors) < _FEWEST_FOR_TWO:
            return cls(np.nan, np.nan, np.nan, len(errors), largest)
        shared, factor = _likeliest(errors, spreads)
        sigma = _sigma(spreads, shared, factor)
        rank = int(np.ceil((len(errors) + 1) * COVERAGE - 1e-9))
        is_known = len(errors) >= FEWEST and rank <= len(errors)
        bound = float(np.sort(errors / sigma)[rank - 1]) if is_known else float("nan")
        return cls(shared, factor, bound, len(errors), largest)

    @property
    def is_known(self) -> bool:
        """Tell whether there were molecules enough to expect an error."""
        return not np.isnan(self.shared)

    def expected(self, spreads: FloatArray | float) -> FloatArray:
        """Return σ for ``spreads``."""
        return _sigma(spreads, self.shared, self.factor)

    def bounds(self, spreads: FloatArray | float) -> FloatArray:
        """Return the bounds for ``spreads``; nan where there are none."""
        return self.bound * self.expected(spreads)

    def is_beyond(self, spreads: FloatArray | float) -> npt.NDArray[np.bool_]:
        """Tell which ``spreads`` are larger than any that the calibration has seen."""
        return np.asarray(np.asarray(spreads) > self.largest_spread)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers; one that is not known is None."""
        return {name: None if np.isnan(value) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_dict` wrote; raises LookupError, TypeError or ValueError."""
        values = [content[name] for name in ("shared", "factor", "bound")]
        values.append(content.get("largest_spread"))
        numbers = [np.nan if value is None else float(value) for value in values]
        if any(value < 0.0 or value == np.inf for value in numbers):
            raise ValueError("a parameter is negative or not finite")
        shared, factor, bound, largest = numbers
        return cls(shared, factor, bound, int(content["molecules"]), largest)


def read_calibrations(path: Path) -> dict[str, Calibration]:
    """Return the calibration of each of :data:`QUANTITIES` in a JSON file; more in it is ignored.

    Raises :class:`InputError` where it is missing or damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {name: Calibration.from_dict(content[name]) for name in QUANTITIES}
    except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} holds no calibration ({error}): make it again, or delete it."
        ) from error


def coverage(errors: Iterable[float], bounds: Iterable[float]) -> float:
    """Return the share of the errors that are not above their bounds."""
    return float(np.mean(np.fromiter(errors, float) <= np.fromiter(bounds, float)))


def _sigma(spreads: FloatArray | float, shared: float, factor: float) -> FloatArray:
    return np.asarray(np.hypot(shared, factor * np.asarray(spreads)))


def _likeliest(errors: FloatArray, spreads: FloatArray) -> tuple[float, float]:
    """Return a and f that maximise the likelihood of the errors.

    In units of the root mean squares, and by logarithms, so that neither turns negative.
    """
    # Imported here: who reads a calibration does not fit one, and SciPy takes long to import.
    from scipy.optimize import minimize

    scale = float(np.sqrt(np.mean(np.square(errors)))) or 1.0
    width = float(np.sqrt(np.mean(np.square(spreads)))) or 1.0
    e, s = errors / scale, spreads / width

    def cost(logs: FloatArray) -> float:
        variance = np.square(_sigma(s, *np.exp(logs))) + _SMALLEST**2
        return float(np.sum(np.log(variance) + np.square(e) / variance))

    starts = [(0.0, -3.0), (-0.35, -0.35), (-3.0, 0.0)]
    found = min(
        (minimize(cost, start, method="Nelder-Mead") for start in starts), key=lambda one: one.fun
    )
    shared, factor = np.exp(found.x)
    return scale * float(shared), scale / width * float(factor)
