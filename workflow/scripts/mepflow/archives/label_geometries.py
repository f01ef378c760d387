"""Geometries for labels: one molecule per line of a JSON file, plain or gzipped.

The first line may describe the file (``{"format": "mepflow label geometries", …}``); every other
has the keys of :data:`KEYS`, positions in Å. Lines are only ever appended.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mepflow.archives.rejected_records import RecordError, check_geometry
from mepflow.errors import InputError
from mepflow.molecules import Molecule
from mepflow.units import ANGSTROM_IN_BOHR

FORMAT: Final = "mepflow label geometries"
TEXT_KEYS: Final = ("id", "name", "smiles", "kind", "split", "geometry", "environment")
KEYS: Final = (*TEXT_KEYS, "charge", "groups", "atomic_numbers", "positions_angstrom")


@dataclass(frozen=True)
class LabelGeometry:
    """One line: texts as in :data:`TEXT_KEYS`, charge in e, elements (n,), positions (n, 3) in Å.

    Positions stay in Å, as written: the points of all grids follow from them to the last bit.
    """

    texts: dict[str, str]
    charge: int
    groups: tuple[str, ...]
    atomic_numbers: npt.NDArray[np.uint8]
    positions_angstrom: npt.NDArray[np.float64]

    @property
    def id(self) -> str:
        """The molecule's key."""
        return self.texts["id"]

    @property
    def heavy_atoms(self) -> int:
        """How many atoms are no hydrogen."""
        return int((self.atomic_numbers > 1).sum())

    def molecule(self) -> Molecule:
        """Return the molecule, its positions in bohr."""
        positions = self.positions_angstrom * ANGSTROM_IN_BOHR
        return Molecule(self.id, self.atomic_numbers, positions, self.charge, self.texts["smiles"])

    def to_line(self) -> str:
        """Return the line of the file."""
        row = {
            **self.texts,
            "charge": self.charge,
            "groups": list(self.groups),
            "atomic_numbers": self.atomic_numbers.tolist(),
            "positions_angstrom": self.positions_angstrom.tolist(),
        }
        return json.dumps(row, sort_keys=True)


def read_label_geometries(path: Path) -> list[LabelGeometry]:
    """Return the molecules of a file in its order.

    Raises :class:`InputError` with a line's number where it is no molecule or repeats an id.
    """
    found: dict[str, LabelGeometry] = {}
    for number, line in enumerate(_lines(path), start=1):
        try:
            row = json.loads(line)
            if number == 1 and isinstance(row, dict) and row.get("format") == FORMAT:
                continue
            geometry = geometry_of_row(row)
            if geometry.id in found:
                raise RecordError(f"the id {geometry.id} is there twice")
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}; mend or remove the line.") from error
        found[geometry.id] = geometry
    return list(found.values())


def _lines(path: Path) -> Iterator[str]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            yield from (line for line in file if line.strip())
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}): fetch it again.") from error


def geometry_of_row(row: Any) -> LabelGeometry:
    """Return the molecule of a row; raises :class:`RecordError` where it is not one."""
    if not isinstance(row, dict):
        raise RecordError("it is not a JSON object")
    if missing := [key for key in KEYS if key not in row]:
        raise RecordError(f"the key {missing[0]} is missing")
    texts = {key: row[key] for key in TEXT_KEYS}
    if wrong := [key for key, text in texts.items() if not isinstance(text, str)]:
        raise RecordError(f"{wrong[0]} is not a text")
    if not texts["id"] or "/" in texts["id"] or texts["id"].startswith("."):
        raise RecordError(f"the id {texts['id']!r} cannot be the name of a file")
    if not isinstance(row["charge"], int) or not isinstance(row["groups"], list):
        raise RecordError("charge is not a whole number, or groups is not a list")
    numbers, positions = _atoms(row["atomic_numbers"], row["positions_angstrom"])
    return LabelGeometry(texts, row["charge"], tuple(map(str, row["groups"])), numbers, positions)


def _atoms(
    atomic_numbers: Any, positions_angstrom: Any
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    try:
        numbers = np.array(atomic_numbers, dtype=np.uint8)
        positions = np.array(positions_angstrom, dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        raise RecordError(f"atomic_numbers or positions_angstrom are no numbers: {error}") from None
    if not len(numbers) or numbers.ndim != 1 or positions.shape != (len(numbers), 3):
        raise RecordError("positions_angstrom are not three numbers per atomic number")
    check_geometry(positions)
    return numbers, positions
