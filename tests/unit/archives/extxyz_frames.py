"""Frames of extended XYZ with made-up labels."""

from collections.abc import Sequence
from pathlib import Path

WATER = (("O", 0.0, 0.0, 0.1), ("H", 0.76, 0.0, -0.5), ("H", -0.76, 0.0, -0.5))
HYDROXIDE = (("O", 0.0, 0.0, 0.0), ("H", 0.0, 0.0, 0.97))
PROPERTIES = "Properties=species:S:1:pos:R:3"


def frame(
    pairs: str = 'dipole="0.1 0.2 0.3"',
    atoms: Sequence[tuple[object, ...]] = WATER,
    properties: str = PROPERTIES,
    count: object = None,
) -> str:
    """Return the text of a frame."""
    rows = [" ".join(map(str, row)) for row in atoms]
    return "\n".join([str(len(rows) if count is None else count), f"{properties} {pairs}", *rows])


def write_frames(path: Path, *frames: str) -> Path:
    """Write frames to a file."""
    path.write_text("\n".join(frames) + "\n")
    return path
