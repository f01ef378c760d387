"""Figures inside the page: copies with fewer colours, at the size of print."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from mepflow.errors import InputError
from mepflow.page.encoding import data_uri

_COLOURS: Final = 256
"""One byte per pixel: a third of a figure's size or less, with all its pixels."""
_SHOWN_PER_PIXEL: Final = 128 / 300
"""Figures have 300 pixels per inch of a printed page; on a screen an inch is shown as 128 units."""


@dataclass(frozen=True)
class Picture:
    """A picture as the address that holds all of it, and its size on the page."""

    uri: str
    width: int
    height: int


def read_picture(path: Path) -> Picture:
    """Return the page's copy of a PNG file.

    Raises :class:`InputError` where it is none, and what opening it raises where it is missing.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            width, height = image.size
            copy = image.convert("RGB").quantize(_COLOURS, method=Image.Quantize.FASTOCTREE)
    except (UnidentifiedImageError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is not a PNG file: delete it and run again.") from error
    buffer = io.BytesIO()
    copy.save(buffer, "PNG")
    shown = (round(size * _SHOWN_PER_PIXEL) for size in (width, height))
    return Picture(data_uri(buffer.getvalue(), "image/png"), *shown)
