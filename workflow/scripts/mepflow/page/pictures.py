"""Figures inside the page: smaller copies of the PNG files."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from mepflow.errors import InputError
from mepflow.page.encoding import data_uri

_COLOURS: Final = 256
"""One byte per pixel: a third of the size of lines and letters, or less, with all their pixels."""
_REDUCTION: Final = 2
"""A map's colours pass into each other: it keeps them all and half of its 300 pixels per inch."""
_COMPRESSION: Final = 4
"""Of zlib: 6 costs twice the time for 3 % less."""
_SHOWN_PER_PIXEL: Final = 128 / 300
"""Figures have 300 pixels per inch of a printed page; on a screen an inch is shown as 128 units."""


@dataclass(frozen=True)
class Picture:
    """A picture as the address that holds all of it, and its size on the page."""

    uri: str
    width: int
    height: int


def read_picture(path: Path, *, is_map: bool) -> Picture:
    """Return the page's copy of a PNG file, of a map with smooth colours or of lines and letters.

    Raises :class:`InputError` where it is none, and what opening it raises where it is missing.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            width, height = image.size
            opaque = image.convert("RGB")
    except (UnidentifiedImageError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is not a PNG file: delete it and run again.") from error
    if is_map:
        copy = opaque.reduce(_REDUCTION)
    else:
        copy = opaque.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE)
    buffer = io.BytesIO()
    copy.save(buffer, "PNG", compress_level=_COMPRESSION)
    shown = (round(size * _SHOWN_PER_PIXEL) for size in (width, height))
    return Picture(data_uri(buffer.getvalue(), "image/png"), *shown)
