"""How variants and baselines are drawn: one look for each, the same in all figures of a run.

The look of a variant follows from its row. The hue and the length of the dashes say with which
weights it learns which targets; shade, marker and the dots between dashes say which atomic terms it
has, what its quadrupole is made of, and which settings of its own. No two variants are therefore
told apart by colour alone, and no two lines either. The combinations of
the study have fixed looks. Others take, in the order of the configuration, the next look that is
free.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.colors import to_hex, to_rgb

from mepflow.errors import ConfigError
from mepflow.naming import target_words
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
    """How a representation is drawn; ``hollow`` marks are white inside."""

    colour: str
    marker: str
    line: Dashes
    hollow: bool = False

    @property
    def face(self) -> str:
        """Return the colour inside a mark."""
        return WHITE if self.hollow else self.colour


@dataclass(frozen=True)
class Family:
    """Variants that learn the same targets with the same weights.

    ``dash`` is the length of their dashes in units of the line's width, 0 for a solid line.
    """

    label: str
    colour: str
    dash: float


@dataclass(frozen=True)
class _Shape:
    """What tells the variants of a family apart; the hue is mixed with ``share`` of ``other``.

    After each of the family's dashes come ``dots``, unless ``line`` has dashes of its own.
    """

    marker: str
    dots: int = 0
    other: str = WHITE
    share: float = 0.0
    line: Dashes | None = None

    def of(self, family: Family) -> Appearance:
        pairs = zip(to_rgb(family.colour), to_rgb(self.other), strict=True)
        red, green, blue = ((1.0 - self.share) * a + self.share * b for a, b in pairs)
        colour = to_hex((red, green, blue)) if self.share else family.colour
        return Appearance(colour, self.marker, self.line or self._line(family.dash))

    def _line(self, dash: float) -> Dashes:
        if not dash and not self.dots:
            return _SOLID
        return 0.0, (dash or _LONGEST_DASH, 1.2) + self.dots * (0.9, 1.2)


_SOLID: Final[Dashes] = (0.0, ())
_LONGEST_DASH: Final = 7.0
"""Length of the dashes of a family with a solid line, where dots interrupt it."""
_BASELINES: Final[dict[str, Appearance]] = {
    "mulliken": Appearance(GREY, "v", _SOLID),
    "fitted-charges": Appearance(BLACK, "o", (0.0, (4.0, 2.0)), hollow=True),
    "fitted-charges-dipoles": Appearance(BLACK, "s", (0.0, (1.0, 1.5)), hollow=True),
    "fitted-charges-dipoles-quadrupoles": Appearance(
        BLACK, "H", (0.0, (3.0, 1.0, 1.0, 1.0)), hollow=True
    ),
    "fitted-charges-exact-moments": Appearance(
        BLACK, "d", (0.0, (4.0, 2.0, 1.0, 2.0)), hollow=True
    ),
    "fitted-charges-dipoles-exact-moments": Appearance(
        BLACK, "*", (0.0, (1.0, 1.5, 1.0, 3.0)), hollow=True
    ),
    "mbis-charges": Appearance(GREY, "^", (0.0, (4.0, 2.0))),
    "mbis-charges-dipoles": Appearance(GREY, "p", (0.0, (1.0, 1.5))),
    "mbis-charges-dipoles-quadrupoles": Appearance(GREY, "D", (0.0, (3.0, 1.0, 1.0, 1.0))),
}
_STUDY: Final = {
    "dipole": (ORANGE, 2.5),
    "quadrupole": (PURPLE, 1.2),
    "dipole + quadrupole": (BLUE, 4.5),
    "100 × dipole + quadrupole": (GREEN, 0.0),
}
"""Hue and dash of the families of the study, in the order of the panels."""
_FREE: Final = (
    (VERMILION, 3.4),
    (SKY_BLUE, 2.2),
    ("#882255", 5.6),
    ("#999933", 4.0),
    ("#332288", 1.7),
    ("#8C510A", 6.3),
)
"""The same for other families; the last four hues are of P. Tol's palettes for the colour-blind."""
_CHARGES: Final = _Shape("o")
_DIPOLES: Final = _Shape("s", 1, WHITE, 0.35)
_CONSISTENT: Final = _Shape("D", 2, BLACK, 0.45)
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
    _Shape(marker, 0, other, share, dashes)
    for turn in range(len(_FREE_MARKERS))
    for marker, (other, share, dashes) in zip(
        _FREE_MARKERS, _FREE_SHADES[turn:] + _FREE_SHADES[:turn], strict=True
    )
)


def families(variants: Rows) -> dict[str, Family]:
    """Return the family of each variant by its name, those of the study first."""
    labels = {name: _label(row) for name, row in variants.items()}
    others = dict.fromkeys(label for label in labels.values() if label not in _STUDY)
    looks = _STUDY | dict(zip(others, itertools.cycle(_FREE), strict=False))
    return {
        name: Family(label, hue, dash)
        for label, (hue, dash) in looks.items()
        for name, its in labels.items()
        if its == label
    }


def appearances(variants: Rows) -> dict[str, Appearance]:
    """Return how each of ``variants`` and each baseline is drawn, by its name.

    Raises :class:`ConfigError` where the variants are more than there are looks.
    """
    family_of = families(variants)
    looks = dict(_BASELINES)
    # Looks of the study first: no other variant may take them away.
    for name in sorted(variants, key=lambda one: _shape(variants[one]) is None):
        candidates = _candidates(variants[name], family_of[name])
        look = next((one for one in candidates if one not in looks.values()), None)
        if look is None:
            raise ConfigError(f"The figures have no look left for the variant {name}: train fewer.")
        looks[name] = look
    return looks


def _candidates(row: Mapping[str, Any], family: Family) -> Iterator[Appearance]:
    """Yield the looks that a variant may have, the best first."""
    shape = _shape(row)
    if shape is not None:
        yield shape.of(family)
    yield from (free.of(family) for free in _FREE_SHAPES)


def _shape(row: Mapping[str, Any]) -> _Shape | None:
    """Return the shape of a variant of the study; None for one with other terms or settings."""
    if set(row) - {"atomic_terms", "loss_weights", "quadrupole_from", "charges_like"}:
        return None
    return _SHAPES.get((tuple(sorted(row["atomic_terms"])), row["quadrupole_from"]))


def _label(row: Mapping[str, Any]) -> str:
    """Return what a variant learns: its targets with their weights, relative to the smallest."""
    weights = {target: weight for target, weight in row["loss_weights"].items() if weight}
    smallest = min(weights.values(), default=1.0)
    return " + ".join(
        ("" if weight == smallest else f"{weight / smallest:g} × ") + target_words(target)
        for target, weight in sorted(weights.items())
    )
