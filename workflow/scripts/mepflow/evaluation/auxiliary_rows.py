"""What a variant learns beside atomic charges that only help it, and which variant does without."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mepflow.models.targets import AUXILIARY, CHARGES_LIKE, TARGETS

Row = Mapping[str, Any]

COMPARED: Final = next(iter(CHARGES_LIKE))
"""Charges that those of a representation that learned none are compared with."""
_WITH_CHARGES: Final = ("charges_like", "mep_grids")
"""Keys that a row may have for the sake of its charges alone."""
_LEADING: Final = ("dipole_norm", "dipole", "quadrupole", "mep")
"""The weight of charges is given relative to that of the first of these that is learned."""


@dataclass(frozen=True)
class AuxiliaryRow:
    """What a variant learns.

    ``learned`` are the symbols of its targets but for charges that help, ``scheme`` is what charges
    it learns (None: none), ``weight`` w, how strongly: the weight of the charges' error over that
    of the leading target, 0 without charges and nan for charges alone. ``base`` is the variant that
    differs in nothing but that it learns no charges, if it is among the given ones.
    """

    learned: str
    scheme: str | None
    weight: float
    base: str | None


def auxiliary_rows(variants: Mapping[str, Row]) -> dict[str, AuxiliaryRow]:
    """Return what each of ``variants``, rows of the configuration, learns."""
    return {name: _row(row, variants) for name, row in variants.items()}


def _row(row: Row, variants: Mapping[str, Row]) -> AuxiliaryRow:
    weights = _weights(row)
    scheme = row["charges_like"] if AUXILIARY in weights else None
    others = [name for name in weights if name != AUXILIARY]
    learned = " + ".join(TARGETS[name].symbol for name in others or weights)
    if scheme is None:
        return AuxiliaryRow(learned, None, 0.0, None)
    if not others:
        return AuxiliaryRow(learned, scheme, float("nan"), None)
    leading = next((name for name in _LEADING if name in others), others[0])
    rest = _without_charges(row)
    alike = (
        name
        for name, other in variants.items()
        if AUXILIARY not in _weights(other) and _without_charges(other) == rest
    )
    return AuxiliaryRow(learned, scheme, weights[AUXILIARY] / weights[leading], next(alike, None))


def _weights(row: Row) -> dict[str, float]:
    """Return the weights that are not 0, in the order of the catalogue."""
    weights = row["loss_weights"]
    return {name: float(weights[name]) for name in TARGETS if weights.get(name)}


def _without_charges(row: Row) -> dict[str, Any]:
    weights = {name: weight for name, weight in _weights(row).items() if name != AUXILIARY}
    dropped = _WITH_CHARGES if "mep" not in weights else _WITH_CHARGES[:1]
    rest = {key: value for key, value in row.items() if key not in dropped}
    return rest | {"loss_weights": weights}
