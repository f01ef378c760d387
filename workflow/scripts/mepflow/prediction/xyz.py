"""Structures in XYZ and extended XYZ files, one or more frames.

A frame is a line with the number of atoms, a comment, and a line per atom. Extended XYZ has
``key=value`` pairs in the comment, as ASE reads them: ``Properties`` names the columns (without it:
element, x, y, z), ``Lattice`` and ``pbc`` a periodic cell. What pairs, prose and columns say of
charge and spin is read by :mod:`mepflow.prediction.charge_statements`; the other pairs are kept.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, Self

import numpy as np
from ase.data import atomic_numbers as numbers_of_symbols

from mepflow.archives.extxyz import key_value_pairs
from mepflow.errors import InputError
from mepflow.prediction.charge_statements import (
    Statement,
    is_charge_column,
    of_atoms,
    of_comment,
    of_pairs,
)
from mepflow.prediction.input_records import Entry, Record, check_size
from mepflow.prediction.text_files import shown

_ISOTOPES: Final = {"D": "H", "T": "H"}
_FORMAT_KEYS: Final = ("Properties", "Lattice", "pbc")
"""Keys of extended XYZ that say how the file is written, not what the molecule is."""
_LONGEST_COMMENT: Final = 10_000
_MOST_COLUMNS: Final = 1000


@dataclass(frozen=True)
class Columns:
    """Where an atom's line has element, coordinates and charge, and how many words it has."""

    element: int = 0
    position: int = 1
    fewest: int = 4
    charge: int | None = None

    @classmethod
    def from_properties(cls, properties: object, place: str) -> Self:
        """Read the value of ``Properties``, such as ``species:S:1:pos:R:3``."""
        words = properties.split(":") if isinstance(properties, str) else []
        starts, end = {}, 0
        for name, kind, count in zip(words[::3], words[1::3], words[2::3], strict=False):
            starts[f"{name}:{kind}:{count}"] = end
            end += int(count) if re.fullmatch("[0-9]{1,4}", count) else _MOST_COLUMNS
        element = starts.get("species:S:1", starts.get("Z:I:1"))
        position = starts.get("pos:R:3")
        if len(words) % 3 or element is None or position is None or end > _MOST_COLUMNS:
            raise InputError(
                f"{place}: Properties={shown(str(properties))} does not name the columns of the "
                "elements and positions: write for example Properties=species:S:1:pos:R:3."
            )
        charges = (start for name, start in starts.items() if _is_charge(name))
        return cls(element, position, end, next(charges, None))


def _is_charge(column: str) -> bool:
    name, _, kind = column.partition(":")
    return kind == "R:1" and is_charge_column(name)


def read_xyz(text: str, source: str) -> Iterator[Entry]:
    """Yield the frames of a file's text; ``source`` is its name in an :class:`InputError`.

    What follows a frame whose end is not known is not read: that frame is the last.
    """
    lines = text.split("\n")
    start = number = 0
    while start < len(lines):
        if not lines[start].strip():
            start += 1
            continue
        number += 1
        place = f"{source}, frame {number}"
        try:
            end = _end_of_frame(lines, start, place)
        except InputError as error:
            yield Entry.bad(place, error)
            return
        yield Entry(place, partial(_frame, lines[start:end], place, start + 1))
        start = end


def _end_of_frame(lines: list[str], start: int, place: str) -> int:
    count = lines[start].strip()
    if not re.fullmatch("[0-9]{1,9}", count):
        raise InputError(
            f"{place} (line {start + 1}) should begin with the number of its atoms, not "
            f"{shown(count)}: mend the file, or remove what follows the last frame."
        )
    n_atoms = int(count)
    end = start + 2 + n_atoms
    if end > len(lines) or (n_atoms and not lines[end - 1].strip()):
        check_size(place, n_atoms)
        found = sum(1 for line in lines[start + 2 : end] if line.strip())
        raise InputError(f"{place} ends after {found} of its {n_atoms} atoms: complete it.")
    return end


def _frame(lines: list[str], place: str, first_line: int) -> Record:
    check_size(place, len(lines) - 2)
    info = _comment(lines[1], place)
    properties = info.get("Properties", True)
    # A word of the comment without a value is True.
    columns = Columns() if properties is True else Columns.from_properties(properties, place)
    numbers, positions, charges = [], [], []
    for row, line in enumerate(lines[2:], first_line + 2):
        try:
            number, position, charge = _atom(line.split(), columns)
        except InputError as error:
            raise InputError(f"{place} (line {row}){error}") from None
        numbers.append(number)
        positions.append(position)
        if charge is not None:
            charges.append(charge)
    return Record(
        place,
        str(info.get("title", info.get("name", ""))),
        np.array(numbers, np.int64),
        np.array(positions, float),
        _stated(lines[1], info, charges, place),
        is_periodic="Lattice" in info or bool(np.any(info.get("pbc", False))),
        info=_kept(lines[1], info),
    )


def _stated(
    comment: str, info: Mapping[str, Any], charges: Sequence[float], place: str
) -> Statement:
    stated = of_pairs(info, place)
    if stated == Statement() and "Properties" not in info:
        stated = of_comment(comment)
    return stated if stated.total_charge is not None else _with_atoms(stated, charges, place)


def _with_atoms(stated: Statement, charges: Sequence[float], place: str) -> Statement:
    return stated.with_other(of_atoms(charges or None, None), place)


def _kept(comment: str, info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pairs of a comment that has values; a line of prose is one text, ``comment``."""
    if any(not isinstance(value, bool) for value in info.values()):
        return {key: value for key, value in info.items() if key not in _FORMAT_KEYS}
    return {"comment": comment.strip()} if comment.strip() else {}


def _comment(line: str, place: str) -> Mapping[str, Any]:
    """Return the pairs of a comment line; one that is prose has none."""
    if len(line) > _LONGEST_COMMENT:
        raise InputError(f"{place} has a comment of {len(line)} characters: shorten it.")
    pairs = key_value_pairs(line.strip())
    if pairs is None and "Properties=" in line:
        raise InputError(
            f"{place}: the key=value pairs of its comment cannot be read: mend their quotes."
        )
    return pairs or {}


def _atom(words: list[str], columns: Columns) -> tuple[int, list[float], float | None]:
    """Return element, position in Å and charge; the text of an error goes on after a place."""
    if len(words) < columns.fewest:
        raise InputError(f" has {len(words)} of the {columns.fewest} columns of an atom: mend it.")
    number = _element(words[columns.element])
    position = [_coordinate(word) for word in words[columns.position : columns.position + 3]]
    if columns.charge is None:
        return number, position, None
    return number, position, _coordinate(words[columns.charge], "a charge")


@lru_cache(maxsize=1024)
def _element(word: str) -> int:
    symbol = _ISOTOPES.get(word.upper(), word.capitalize())
    if numbers_of_symbols.get(symbol, 0) > 0:
        return int(numbers_of_symbols[symbol])
    if re.fullmatch("[0-9]{1,3}", word) and 0 < int(word) < len(numbers_of_symbols):
        return int(word)
    raise InputError(f": {shown(word)} is not an element: write its symbol.")


def _coordinate(word: str, what: str = "a coordinate") -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        unit = " in ångström" if what == "a coordinate" else ""
        raise InputError(f": {shown(word)} is not {what}: write a number{unit}.")
    return value
