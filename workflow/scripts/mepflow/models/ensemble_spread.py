r"""Mean and spread of what several models predict, which differ in their seed alone.

A quantity x of K models is the mean of the models', x̄ = Σ x_k / K, and its spread

.. math:: s = \sqrt{\sum_k (x_k - \bar x)^2 / (K - 1)}.

Models are added one after the other, so that the last digit of a molecule does not depend on what
others stand in the same array.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def mean(values: FloatArray) -> FloatArray:
    """Return the mean of ``values`` (K, ...) over the models."""
    return np.asarray(sum(values[1:], start=values[0]) / len(values))


def spread(values: FloatArray) -> FloatArray:
    """Return the sample standard deviation of ``values`` (K, ...) over the models; nan for one."""
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    deviations = values - mean(values)
    squares = deviations * deviations
    return np.asarray(np.sqrt(sum(squares[1:], start=squares[0]) / (len(values) - 1)))


def rms_spread(values: FloatArray) -> FloatArray:
    """Return the root mean square (...) of the spread of ``values`` (K, ..., p) over the last axis.

    Of potentials at p points it is the spread of a molecule's potential.
    """
    return np.asarray(np.sqrt(np.mean(np.square(spread(values)), axis=-1)))


def vector_spread(values: FloatArray) -> FloatArray:
    """Return the length (...) of the spread of vectors ``values`` (K, ..., 3)."""
    return np.asarray(np.sqrt(np.sum(np.square(spread(values)), axis=-1)))


def joined(of_molecules: Sequence[FloatArray | None]) -> FloatArray | None:
    """Return the atomic terms (K, n, ...) of molecules as those (K, N, ...) of all their atoms."""
    terms = [values for values in of_molecules if values is not None]
    return np.concatenate(terms, axis=1) if terms else None
