"""Data inside an HTML file."""

import base64
import json
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup


def data_uri(content: bytes, kind: str) -> str:
    """Return the content of a file of a media type as the address that holds all of it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def packed(values: npt.ArrayLike, dtype: str) -> str:
    """Return the numbers of an array in the order of memory, little-endian, in base 64."""
    array = np.ascontiguousarray(values, dtype=np.dtype(dtype).newbyteorder("<"))
    return base64.b64encode(array.tobytes()).decode("ascii")


def script_json(value: Any) -> Markup:
    """Return a value as JSON that no text in it can end the ``script`` element with."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
