"""What the readers of raw archives share: rejected records, and what numbers are plausible."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from mepflow.molecules import FloatArray
from mepflow.storage.csv_file import write_csv

CLOSEST_ATOMS: Final = 0.3
"""Shortest distance of two atoms in Å; the H–H bond has 0.74."""
LARGEST_COORDINATE: Final = 1e3
"""In Å."""
LARGEST_NUMBER: Final = 1e12
"""Beyond it a number is not plausible in any quantity's unit."""
LARGEST_CHARGE: Final = 100
"""Largest total charge in e that is taken for one."""


REJECTED_COLUMNS: Final = ("record", "id", "reason")
"""Columns of the CSV of rejected records."""


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


def write_rejected(rejected: Sequence[Rejected], path: Path) -> None:
    """Write rejected records to a CSV file with :data:`REJECTED_COLUMNS`."""
    # Imported here: reading structures for a prediction needs no pandas.
    import pandas as pd

    write_csv(pd.DataFrame(rejected, columns=list(REJECTED_COLUMNS)), path)


def nothing_left(archive: Path, rejected: Sequence[Rejected], unit: str, advice: str) -> str:
    """Return the message about an archive of which no record (``unit``) could be taken."""
    if not rejected:
        return f"{archive} holds no {unit}: {advice}."
    first = rejected[0]
    return (
        f"{archive} holds no usable {unit}, all {len(rejected)} were rejected, the first one"
        f" ({first.record}) because {first.reason}: {advice}."
    )
