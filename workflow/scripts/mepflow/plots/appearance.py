"""How variants and baselines are drawn: one look for each, the same in all figures of a run.

The look of a variant follows from its row. The hue says with which weights it learns which targets;
shade, marker and line say which atomic terms it has, what its quadrupole is made of, and which
settings of its own. No two variants are therefore told apart by colour alone. The combinations of
the study have fixed looks. Others take, in the order of the configuration, the next look that is
free.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.colors import to_hex, to_rgb

from mepflow.errors import ConfigError
from mepflow.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY_BLUE,
    VERMILION,
    WHITE,
)

Rows = Mapping[str, Mapping[str, Any]]
"""Rows of ``variants`` by name."""
Dashes = tuple[float, tuple[float, ...]]
"""Dashes of a line: the offset, then lengths in points."""


@dataclass(frozen=True)
class Appearance:
    """How a representation is drawn."""

    colour: str
    marker: str
    line: Dashes


@dataclass(frozen=True)
class Family:
    """Variants that learn the same targets with the same weights."""

    label: str
    colour: str


@dataclass(frozen=True)
class _Shape:
    """What tells the variants of a family apart; the hue is mixed with ``share`` of ``other``."""

    marker: str
    line: Dashes
    other: str = WHITE
    share: float = 0.0

    def of(self, hue: str) -> Appearance:
        pairs = zip(to_rgb(hue), to_rgb(self.other), strict=True)
        red, green, blue = ((1.0 - self.share) * a + self.share * b for a, b in pairs)
        return Appearance(to_hex((red, green, blue)) if self.share else hue, self.marker, self.line)


_SOLID: Final[Dashes] = (0.0, ())
_BASELINES: Final[dict[str, Appearance]] = {
    "mulliken": Appearance(GREY, "v", _SOLID),
    "fitted-charges": Appearance(BLACK, "o", (0.0, (4.0, 2.0))),
    "fitted-charges-dipoles": Appearance(BLACK, "s", (0.0, (1.0, 1.5))),
    "fitted-charges-dipoles-quadrupoles": Appearance(BLACK, "H", (0.0, (3.0, 1.0, 1.0, 1.0))),
    "mbis-charges": Appearance(GREY, "^", (0.0, (4.0, 2.0))),
    "mbis-charges-dipoles": Appearance(GREY, "p", (0.0, (1.0, 1.5))),
    "mbis-charges-dipoles-quadrupoles": Appearance(GREY, "D", (0.0, (3.0, 1.0, 1.0, 1.0))),
}
_HUES: Final = {
    "dipole": ORANGE,
    "quadrupole": PURPLE,
    "dipole + quadrupole": BLUE,
    "100 × dipole + quadrupole": GREEN,
}
"""Families of the study, in the order of the panels."""
_FREE_HUES: Final = (VERMILION, SKY_BLUE, "#882255", "#999933", "#332288", "#8C510A")
"""For other families; the last four are of P. Tol's palettes for colour-blind readers."""
_CHARGES: Final = _Shape("o", _SOLID)
_DIPOLES: Final = _Shape("s", (0.0, (3.5, 1.0)), WHITE, 0.35)
_CONSISTENT: Final = _Shape("D", (0.0, (5.0, 1.0, 1.0, 1.0)), BLACK, 0.45)
_SHAPES: Final = {
    (("charges",), "charges"): _CHARGES,
    (("charges", "dipoles"), "charges"): _DIPOLES,
    (("charges", "dipoles"), "all"): _CONSISTENT,
}
"""Shapes of the study's variants by atomic terms and by what the quadrupole is made of."""
_FREE_MARKERS: Final = ("P", "X", "h", "*", "<", ">", "d", "8")
_FREE_SHADES: Final[tuple[tuple[str, float, Dashes], ...]] = (
    (BLACK, 0.25, (0.0, (2.0, 1.0))),
    (WHITE, 0.5, (0.0, (6.0, 1.5))),
    (BLACK, 0.65, (0.0, (1.0, 1.0))),
    (WHITE, 0.2, (0.0, (4.0, 1.0, 1.0, 1.0, 1.0, 1.0))),
    (BLACK, 0.1, (0.0, (8.0, 1.0, 2.0, 1.0))),
    (WHITE, 0.6, (0.0, (1.0, 2.5))),
    (BLACK, 0.55, (0.0, (4.0, 3.0))),
    (WHITE, 0.1, (0.0, (2.0, 1.0, 0.5, 1.0))),
)
_FREE_SHAPES: Final = tuple(
    _Shape(marker, dashes, other, share)
    for turn in range(len(_FREE_MARKERS))
    for marker, (other, share, dashes) in zip(
        _FREE_MARKERS, _FREE_SHADES[turn:] + _FREE_SHADES[:turn], strict=True
    )
)


def families(variants: Rows) -> dict[str, Family]:
    """Return the family of each variant by its name, those of the study first."""
    labels = {name: _label(row) for name, row in variants.items()}
    others = dict.fromkeys(label for label in labels.values() if label not in _HUES)
    hues = _HUES | dict(zip(others, itertools.cycle(_FREE_HUES), strict=False))
    return {
        name: Family(label, hue)
        for label, hue in hues.items()
        for name, its in labels.items()
        if its == label
    }


def appearances(variants: Rows) -> dict[str, Appearance]:
    """Return how each of ``variants`` and each baseline is drawn, by its name.

    Raises :class:`ConfigError` where the variants are more than there are looks.
    """
    hues = {name: family.colour for name, family in families(variants).items()}
    looks = dict(_BASELINES)
    # Looks of the study first: no other variant may take them away.
    for name in sorted(variants, key=lambda one: _shape(variants[one]) is None):
        candidates = _candidates(variants[name], hues[name])
        look = next((one for one in candidates if one not in looks.values()), None)
        if look is None:
            raise ConfigError(f"The figures have no look left for the variant {name}: train fewer.")
        looks[name] = look
    return looks


def _candidates(row: Mapping[str, Any], hue: str) -> Iterator[Appearance]:
    """Yield the looks that a variant may have, the best first."""
    shape = _shape(row)
    if shape is not None:
        yield shape.of(hue)
    yield from (free.of(hue) for free in _FREE_SHAPES)


def _shape(row: Mapping[str, Any]) -> _Shape | None:
    """Return the shape of a variant of the study; None for one with other terms or settings."""
    if set(row) - {"atomic_terms", "loss_weights", "quadrupole_from"}:
        return None
    return _SHAPES.get((tuple(sorted(row["atomic_terms"])), row["quadrupole_from"]))


def _label(row: Mapping[str, Any]) -> str:
    """Return what a variant learns: its targets with their weights, relative to the smallest."""
    weights = {target: weight for target, weight in row["loss_weights"].items() if weight}
    smallest = min(weights.values(), default=1.0)
    return " + ".join(
        ("" if weight == smallest else f"{weight / smallest:g} × ") + target.replace("_", " ")
        for target, weight in sorted(weights.items())
    )
