"""The look of every figure, in one place.

- Widths are those of a journal's column and page; fonts are 6 to 7.5 points at that size. DejaVu
  Sans comes with matplotlib, so figures look the same on every machine.
- Colours are the palette of M. Okabe and K. Ito (Color Universal Design, 2008), safe for
  colour-blind readers. :mod:`mepflow.plots.appearance` gives them to variants and baselines.
- Text in a PDF stays text (fonts embedded as TrueType). Files hold no dates: the same data give
  the same bytes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from mepflow.errors import ConfigError
from mepflow.storage.files import atomic_path

COLUMN_WIDTH: Final = 3.35
"""Width in inch of one column of a journal's page."""
PAGE_WIDTH: Final = 7.0
"""Width in inch of the whole page."""

ORANGE: Final = "#E69F00"
SKY_BLUE: Final = "#56B4E9"
GREEN: Final = "#009E73"
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
BLACK: Final = "#000000"
GREY: Final = "#7F7F7F"
LIGHT_GREY: Final = "#D9D9D9"
WHITE: Final = "#FFFFFF"

HALO: Final = [withStroke(linewidth=1.5, foreground=WHITE)]
"""White around letters that stand on lines."""
DIVERGING_MAP: Final = "RdBu"
"""Signed values: red is negative, blue positive, the custom of electrostatic potential maps."""
COUNT_MAP: Final = "viridis"

_SCALE_QUANTILE: Final = 0.99
"""Share of the points that lie within a colour scale: single points would wash out the others."""
_PICTURES_OF_A_COLUMN: Final = 2
_DPI: Final = 300
_BASE: Final[dict[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 7.0,
    "axes.labelsize": 7.5,
    "axes.titlesize": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.titlesize": 7.5,
    "figure.constrained_layout.use": True,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.handlelength": 4.2,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.5,
    "pdf.fonttype": 42,
    "savefig.dpi": _DPI,
    "svg.hashsalt": "mepflow",
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
}
STYLES: Final[dict[str, dict[str, Any]]] = {
    "default": {},
    "serif": {"font.family": "DejaVu Serif", "mathtext.fontset": "dejavuserif"},
}
"""Styles by name: settings on top of the base ones."""
# Dates and versions in a file would make it differ from run to run.
_METADATA: Final[dict[str, dict[str, None]]] = {
    ".png": {"Software": None},
    ".pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}


def picture_width(columns: int) -> float:
    """Return the width in inch of a row of pictures: a page's, a column's for one or two."""
    return COLUMN_WIDTH if columns <= _PICTURES_OF_A_COLUMN else PAGE_WIDTH


@contextmanager
def drawing(
    width: float, height: float, outputs: Sequence[Path], style: str = "default"
) -> Iterator[Figure]:
    """Give an empty figure of ``width`` × ``height`` inch and save it when the block succeeds.

    ``outputs`` are the files, their format is their suffix (.png or .pdf); ``style`` is one of
    :data:`STYLES`. Raises :class:`ConfigError` for another style or format.
    """
    if style not in STYLES:
        raise ConfigError(f"figures.style {style!r} does not exist: use {', '.join(STYLES)}.")
    for output in outputs:
        if output.suffix not in _METADATA:
            raise ConfigError(f"{output} is no figure file: use {' or '.join(_METADATA)}.")
    settings: Any = _BASE | STYLES[style]  # matplotlib types each key by itself
    with mpl.rc_context(settings):
        figure = Figure(figsize=(width, height))
        yield figure
        for output in outputs:
            with atomic_path(output) as temporary:
                figure.savefig(temporary, metadata=_METADATA[output.suffix])


def symmetric_limit(parts: Sequence[npt.NDArray[np.float64]]) -> float:
    """Return the end of a symmetric colour scale: a round number that holds nearly all values."""
    return _round_up(_bulk(np.concatenate(parts)))


def middle_limit(parts: Sequence[npt.NDArray[np.float64]]) -> float:
    """Return the end of a symmetric colour scale that holds nearly all values of the middle part.

    One part with far larger values than the others would leave these without colour.
    """
    return _round_up(float(np.median([_bulk(part) for part in parts])))


def _bulk(values: npt.NDArray[np.float64]) -> float:
    return float(np.quantile(np.abs(values), _SCALE_QUANTILE))


def _round_up(largest: float) -> float:
    magnitude = 10.0 ** np.floor(np.log10(max(largest, 1e-6)))
    return float(np.ceil(2.0 * largest / magnitude) * magnitude / 2.0)
