r"""Boys functions :math:`F_l(t) = \int_0^1 u^{2l} e^{-t u^2} du` of NumPy arrays and torch tensors.

.. math::
    F_l(t) = \frac{\gamma(l + \frac12, t)}{2 t^{l + 1/2}}, \qquad F_l'(t) = -F_{l+1}(t)

with the lower incomplete gamma function γ: T. Helgaker, P. Jørgensen, J. Olsen, Molecular
Electronic-Structure Theory (Wiley, 2000), section 9.8.1. Near t = 0, where both sides of the
fraction vanish, its Taylor series is summed.
"""

import math
from typing import Any, Final

import numpy as np
from array_api_compat import is_numpy_array
from scipy import special

Array = Any

_SERIES_BELOW: Final = 0.1
_SERIES_TERMS: Final = 10
"""Enough for the last bit of a double below the limit: 0.1¹⁰/10! is 3e-17."""


def boys(order: int, argument: Array) -> Array:
    """Return F_l of an ``argument`` of any shape, t ≥ 0, for l = ``order``, of the same kind.

    A torch tensor can be differentiated any number of times.
    """
    if is_numpy_array(argument):
        return _values(order, argument, np, special.gammainc)
    # Only here: what needs arrays alone starts without PyTorch.
    from mepflow.densities.boys_gradient import differentiable_boys

    return differentiable_boys(order, argument)


def _values(order: int, argument: Array, library: Any, incomplete_gamma: Any) -> Array:
    """Return F_l with the functions of NumPy or of torch."""
    half = order + 0.5
    safe = library.where(argument < _SERIES_BELOW, library.ones_like(argument), argument)
    scale = math.gamma(half) / 2.0
    fraction = scale * incomplete_gamma(library.full_like(safe, half), safe) / safe**half
    small = library.where(argument < _SERIES_BELOW, argument, library.zeros_like(argument))
    return library.where(argument < _SERIES_BELOW, _series(order, small), fraction)


def _series(order: int, argument: Array) -> Array:
    """Return Σ (−t)ᵏ / (k! (2l + 2k + 1))."""
    total = 0.0 * argument
    for k in reversed(range(_SERIES_TERMS)):
        total = total * argument + (-1.0) ** k / (math.factorial(k) * (2 * order + 2 * k + 1))
    return total
