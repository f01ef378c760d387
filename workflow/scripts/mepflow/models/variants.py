"""Model variants: which atomic terms a model has, and which targets it learns.

A variant is a row of the configuration, never code:

.. code-block:: yaml

    AC-AD-DQ-dw100-c:
      atomic_terms: [charges, dipoles]                  # what every atom carries; also quadrupoles
      loss_weights: {dipole: 100.0, quadrupole: 1.0}    # what is learned, and how strongly
      quadrupole_from: all                              # charges | all

With ``quadrupole_from: charges`` the atomic dipoles enter the molecular dipole only, as in the
study; with ``all`` the quadrupole takes every atomic term, which is the consistent expansion.
Atomic ``quadrupoles``, traceless, need a network of rank 5, and something that they learn from: the
molecular quadrupole of all terms, or the potential.
``loss_weights`` names targets of :mod:`mepflow.models.targets`; an absent one has the weight 0. A
variant that learns charges says which: ``charges_like: mulliken``, ``mbis`` or ``fitted``; one
that learns the potential, or charges fitted to it, says on which grids: ``mep_grids: [mk]``. With
``penetration: true`` it learns what :mod:`penetration <mepflow.electrostatics.penetration>` leaves
of that potential. One that learns the energy or forces says whether the charges add to
it what they have by Coulomb's law, damped: ``electrostatics: true``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn, Self

from mepflow.errors import ConfigError
from mepflow.models.targets import AUXILIARY, CHARGES_LIKE, FITTED, TARGETS, TASKS

ATOMIC_TERMS: Final = {"charges": "p1", "dipoles": "p3", "quadrupoles": "p5"}
"""Atomic terms, and the output of the network that carries each."""
_KEYS: Final = ("atomic_terms", "loss_weights", "quadrupole_from")
_OPTIONAL: Final = ("charges_like", "mep_grids", "penetration", "electrostatics")
_ENERGIES: Final = "energies"


@dataclass(frozen=True)
class Variant:
    """One row of ``variants``, validated by :meth:`from_row`.

    ``loss_weights`` are the factors on the mean squared errors per component, in the targets'
    units, of the targets that are learned, in the order of the catalogue; none is 0.
    """

    name: str
    atomic_terms: tuple[str, ...]
    loss_weights: Mapping[str, float]
    quadrupole_from: Literal["charges", "all"]
    charges_like: str | None = None
    mep_grids: tuple[str, ...] = ()
    penetration: bool = False
    electrostatics: bool = False

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the outputs the network needs for the atomic terms and the energy."""
        energy = ("energy",) if self.task == _ENERGIES else ()
        return (*(ATOMIC_TERMS[term] for term in self.atomic_terms), *energy)

    @property
    def learns_from_zero(self) -> bool:
        """Return whether charges of 0 have a gradient: the length of a dipole of 0 has none."""
        return bool(self.loss_weights.keys() & {"dipole", "quadrupole", "charges", "mep"})

    @property
    def selecting_weights(self) -> dict[str, float]:
        """Return the loss weights of the targets whose errors choose the best step.

        These are all but the :data:`~mepflow.models.targets.AUXILIARY` one, which counts alone.
        """
        others = {name: w for name, w in self.loss_weights.items() if name != AUXILIARY}
        return others or dict(self.loss_weights)

    @property
    def task(self) -> str:
        """Return which of :data:`~mepflow.models.targets.TASKS` trains it."""
        needed = {TARGETS[name].task for name in self.loss_weights}
        return [name for name in TASKS if name in needed][-1]

    @classmethod
    def from_row(cls, name: str, row: Mapping[str, Any]) -> Self:
        """Return the variant ``name`` of a configuration row; raises :class:`ConfigError`."""
        known = (*_KEYS, *_OPTIONAL)
        for key in row:
            if key not in known:
                _refuse(name, f"has the unknown key '{key}'", f"use {', '.join(known)}")
        for key in _KEYS:
            if key not in row:
                _refuse(name, f"lacks '{key}'", "add it")
        terms = _atomic_terms(name, row["atomic_terms"])
        weights = _loss_weights(name, row["loss_weights"])
        source = row["quadrupole_from"]
        if source not in ("charges", "all"):
            _refuse(name, f"takes its quadrupole from '{source}'", "write charges or all")
        if source == "all" and terms == ("charges",):
            _refuse(
                name,
                "takes its quadrupole from all terms but has no atomic dipoles",
                "add dipoles to atomic_terms or write 'quadrupole_from: charges'",
            )
        learns_quadrupoles = "mep" in weights or (source == "all" and "quadrupole" in weights)
        if "quadrupoles" in terms and not learns_quadrupoles:
            _refuse(
                name,
                "has atomic quadrupoles that nothing depends on which it learns",
                "write 'quadrupole_from: all' and weigh the quadrupole, or learn mep",
            )
        grids, penetration = _mep_grids(name, weights, row), _penetration(name, weights, row)
        like = _charges_like(name, weights, row)
        coulomb = _electrostatics(name, weights, row)
        return cls(name, terms, weights, source, like, grids, penetration, coulomb)

    def row(self) -> dict[str, Any]:
        """Return the configuration row, of plain types, that :meth:`from_row` reads back."""
        row: dict[str, Any] = {
            "atomic_terms": list(self.atomic_terms),
            "loss_weights": dict(self.loss_weights),
            "quadrupole_from": self.quadrupole_from,
        }
        if self.charges_like is not None:
            row["charges_like"] = self.charges_like
        if self.mep_grids:
            row["mep_grids"] = list(self.mep_grids)
        if self.penetration:
            row["penetration"] = True
        if self.electrostatics:
            row["electrostatics"] = True
        return row


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


def _loss_weights(name: str, weights: object) -> dict[str, float]:
    if not isinstance(weights, Mapping):
        _refuse(name, "has no loss weights by target", "write for example {dipole: 1.0}")
    for target, weight in weights.items():
        if target not in TARGETS:
            known = ", ".join(TARGETS)
            _refuse(name, f"gives a weight to the unknown target '{target}'", f"use {known}")
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            _refuse(name, f"has a {target} weight that is not a number", "write a number")
        if not math.isfinite(weight) or weight < 0:
            _refuse(name, f"has the {target} weight {weight}", "write a number of at least 0")
    learned = {target: float(weights[target]) for target in TARGETS if weights.get(target)}
    if not learned:
        _refuse(name, "has only zero loss weights, so it would learn nothing", "raise one")
    if {"dipole", "dipole_norm"} <= learned.keys():
        _refuse(
            name,
            "gives weights to dipole and dipole_norm, which the dipole contains",
            "leave one of them out",
        )
    if "forces" in learned and "energy" not in learned:
        _refuse(name, "learns forces but not energy", "give energy a loss weight")
    return learned


def _charges_like(name: str, weights: Mapping[str, float], row: Mapping[str, Any]) -> str | None:
    scheme = row.get("charges_like")
    choices = ", ".join(CHARGES_LIKE)
    if scheme is None:
        if "charges" in weights:
            _refuse(name, "learns charges but does not say which", f"add charges_like: {choices}")
        return None
    if not isinstance(scheme, str) or scheme not in CHARGES_LIKE:
        _refuse(name, f"has charges_like '{scheme}'", f"use {choices}")
    if "charges" not in weights:
        _refuse(name, "has charges_like but does not learn charges", "give charges a loss weight")
    return scheme


def _mep_grids(name: str, weights: Mapping[str, float], row: Mapping[str, Any]) -> tuple[str, ...]:
    grids, is_fitted = row.get("mep_grids", []), row.get("charges_like") == FITTED
    if not isinstance(grids, Sequence) or isinstance(grids, str):
        _refuse(name, "has mep_grids that are no list", "write for example [mk]")
    if grids and not ("mep" in weights or is_fitted):
        _refuse(name, "has mep_grids but does not learn mep", "give mep a loss weight")
    if not grids and "mep" in weights:
        _refuse(name, "learns mep but on no grid", "add mep_grids, for example [mk]")
    if not grids and is_fitted:
        _refuse(name, "learns charges fitted on no grid", "add mep_grids, for example [mk]")
    return tuple(map(str, dict.fromkeys(grids)))


def _penetration(name: str, weights: Mapping[str, float], row: Mapping[str, Any]) -> bool:
    penetration = row.get("penetration", False)
    if not isinstance(penetration, bool):
        _refuse(name, f"has penetration '{penetration}'", "write true or false")
    if penetration and "mep" not in weights:
        _refuse(name, "has penetration but does not learn mep", "give mep a loss weight")
    return penetration


def _electrostatics(name: str, weights: Mapping[str, float], row: Mapping[str, Any]) -> bool:
    electrostatics = row.get("electrostatics", False)
    if not isinstance(electrostatics, bool):
        _refuse(name, f"has electrostatics '{electrostatics}'", "write true or false")
    if electrostatics and "energy" not in weights:
        _refuse(name, "has electrostatics but does not learn energy", "give energy a loss weight")
    return electrostatics


def _refuse(name: str, fault: str, remedy: str) -> NoReturn:
    raise ConfigError(f"Variant {name} {fault}: {remedy}.")
