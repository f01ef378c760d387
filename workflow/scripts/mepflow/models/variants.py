"""Model variants: which atomic terms a model has, and which molecular multipoles it learns.

A variant is a row of the configuration, never code:

.. code-block:: yaml

    AC-AD-DQ-dw100-c:
      atomic_terms: [charges, dipoles]                  # what every atom carries
      loss_weights: {dipole: 100.0, quadrupole: 1.0}    # what is learned, and how strongly
      quadrupole_from: all                              # charges | all

With ``quadrupole_from: charges`` the atomic dipoles enter the molecular dipole only, as in the
study; with ``all`` the quadrupole takes every atomic term, which is the consistent expansion.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn, Self

from mepflow.errors import ConfigError

ATOMIC_TERMS: Final = {"charges": "p1", "dipoles": "p3"}
"""Atomic terms, and the output of the network that carries each."""
TARGETS: Final = ("dipole", "quadrupole")
_KEYS: Final = ("atomic_terms", "loss_weights", "quadrupole_from")


@dataclass(frozen=True)
class LossWeights:
    """Weights of the mean squared errors of dipole (e·bohr) and quadrupole (e·bohr²)."""

    dipole: float
    quadrupole: float


@dataclass(frozen=True)
class Variant:
    """One row of ``variants``, validated by :meth:`from_row`."""

    name: str
    atomic_terms: tuple[str, ...]
    loss_weights: LossWeights
    quadrupole_from: Literal["charges", "all"]

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the outputs the network needs for the atomic terms."""
        return tuple(ATOMIC_TERMS[term] for term in self.atomic_terms)

    @classmethod
    def from_row(cls, name: str, row: Mapping[str, Any]) -> Self:
        """Return the variant ``name`` of a configuration row; raises :class:`ConfigError`."""
        for key in row:
            if key not in _KEYS:
                _refuse(name, f"has the unknown key '{key}'", f"use {', '.join(_KEYS)}")
        for key in _KEYS:
            if key not in row:
                _refuse(name, f"lacks '{key}'", "add it")
        terms = _atomic_terms(name, row["atomic_terms"])
        weights = _loss_weights(name, row["loss_weights"])
        source = row["quadrupole_from"]
        if source not in ("charges", "all"):
            _refuse(name, f"takes its quadrupole from '{source}'", "write charges or all")
        if source == "all" and "dipoles" not in terms:
            _refuse(
                name,
                "takes its quadrupole from all terms but has no atomic dipoles",
                "add dipoles to atomic_terms or write 'quadrupole_from: charges'",
            )
        return cls(name, terms, weights, source)

    def row(self) -> dict[str, Any]:
        """Return the configuration row, of plain types, that :meth:`from_row` reads back."""
        return {
            "atomic_terms": list(self.atomic_terms),
            "loss_weights": {target: getattr(self.loss_weights, target) for target in TARGETS},
            "quadrupole_from": self.quadrupole_from,
        }


def _atomic_terms(name: str, terms: object) -> tuple[str, ...]:
    if not isinstance(terms, Sequence) or isinstance(terms, str):
        _refuse(name, "has no list of atomic terms", "write for example [charges, dipoles]")
    for term in terms:
        if not isinstance(term, str) or term not in ATOMIC_TERMS:
            _refuse(name, f"has the unknown atomic term '{term}'", f"use {', '.join(ATOMIC_TERMS)}")
    if len(set(terms)) != len(terms):
        _refuse(name, "names an atomic term twice", "remove the repetition")
    if "charges" not in terms:
        _refuse(name, "has no atomic charges", "add charges to atomic_terms")
    # One order whatever the file says: the network's outputs must not depend on it.
    return tuple(term for term in ATOMIC_TERMS if term in terms)


def _loss_weights(name: str, weights: object) -> LossWeights:
    if not isinstance(weights, Mapping) or set(weights) != set(TARGETS):
        _refuse(name, "needs exactly the loss weights dipole and quadrupole", "write both")
    for target, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            _refuse(name, f"has a {target} weight that is not a number", "write a number")
        if not math.isfinite(weight) or weight < 0:
            _refuse(name, f"has the {target} weight {weight}", "write a number of at least 0")
    if not any(weights.values()):
        _refuse(name, "has only zero loss weights, so it would learn nothing", "raise one")
    return LossWeights(**{target: float(weights[target]) for target in TARGETS})


def _refuse(name: str, fault: str, remedy: str) -> NoReturn:
    raise ConfigError(f"Variant {name} {fault}: {remedy}.")
