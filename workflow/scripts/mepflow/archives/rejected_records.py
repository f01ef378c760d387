"""What the readers of raw archives share: rejected records, and what numbers are plausible."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from mepflow.molecules import FloatArray

CLOSEST_ATOMS: Final = 0.3
"""Shortest distance of two atoms in Å; the H–H bond has 0.74."""
LARGEST_COORDINATE: Final = 1e3
"""In Å."""
LARGEST_NUMBER: Final = 1e12
"""Beyond it a number is not plausible in any quantity's unit."""
LARGEST_CHARGE: Final = 100
"""Largest total charge in e that is taken for one."""


class RecordError(ValueError):
    """A record breaks the format; the message says how."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rejected record: its name, the key of its molecule (may be empty) and the reason."""

    record: str
    id: str
    reason: str


def check_geometry(positions: FloatArray) -> None:
    """Raise :class:`RecordError` where positions (n, 3) in Å are not those of a molecule."""
    if not np.abs(positions).max() <= LARGEST_COORDINATE:  # not a nan either
        raise RecordError(f"an atom is farther than {LARGEST_COORDINATE:g} Å from the origin")
    for first, second in sorted(cKDTree(positions).query_pairs(CLOSEST_ATOMS)):
        raise RecordError(f"atoms {first + 1} and {second + 1} are closer than {CLOSEST_ATOMS} Å")
