"""Structures in XYZ and extended XYZ files, one or more frames.

A frame is a line with the number of atoms, a comment, and a line per atom. Extended XYZ has
``key=value`` pairs in the comment, as ASE reads them. Of these count ``Properties``, which names
the columns (without it: element, x, y, z), and ``charge`` or ``total_charge`` in e.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from ase.data import atomic_numbers as numbers_of_symbols
from ase.io import extxyz

from mepflow.errors import InputError
from mepflow.prediction.input_records import Record, check_size, shown

CHARGE_KEYS: Final = ("total_charge", "charge")
MOST_CHARGE: Final = 100
"""Largest total charge in e that is taken for one."""
_LONGEST_COMMENT: Final = 10_000
_MOST_COLUMNS: Final = 1000
# ASE's function has no annotation.
_pairs_of: Final[Callable[[str], dict[str, Any]]] = extxyz.key_val_str_to_dict
# What ASE's reader of key=value pairs raises where the comment is prose.
_PROSE: Final = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


@dataclass(frozen=True)
class Columns:
    """Where an atom's line has its element and its coordinates, and how many words it has."""

    element: int = 0
    position: int = 1
    fewest: int = 4

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
        return cls(element, position, end)


def read_xyz(text: str, source: str) -> Iterator[Record]:
    """Yield the frames of a file's text; ``source`` is its name in an :class:`InputError`."""
    lines = text.split("\n")
    start = number = 0
    while start < len(lines):
        if not lines[start].strip():
            start += 1
            continue
        number += 1
        place = f"{source}, frame {number}"
        n_atoms = _number_of_atoms(lines[start], f"{place} (line {start + 1})")
        end = start + 2 + n_atoms
        if end > len(lines) or not lines[end - 1].strip():
            found = sum(1 for line in lines[start + 2 : end] if line.strip())
            raise InputError(f"{place} ends after {found} of its {n_atoms} atoms: complete it.")
        yield _frame(lines[start:end], place, start + 1)
        start = end


def _number_of_atoms(line: str, place: str) -> int:
    count = line.strip()
    if not re.fullmatch("[0-9]{1,9}", count):
        raise InputError(
            f"{place} should begin with the number of its atoms, not {shown(count)}: "
            "mend the file, or remove what follows the last frame."
        )
    check_size(place, int(count))
    return int(count)


def _frame(lines: list[str], place: str, first_line: int) -> Record:
    info = _comment(lines[1], place)
    properties = info.get("Properties", True)
    # A word of the comment without a value is True.
    columns = Columns() if properties is True else Columns.from_properties(properties, place)
    numbers, positions = [], []
    for row, line in enumerate(lines[2:], first_line + 2):
        words, here = line.split(), f"{place} (line {row})"
        if len(words) < columns.fewest:
            raise InputError(
                f"{here} has {len(words)} of the {columns.fewest} columns of an atom: mend it."
            )
        numbers.append(_element(words[columns.element], here))
        coordinates = words[columns.position : columns.position + 3]
        positions.append([_coordinate(word, here) for word in coordinates])
    charge = stated_charge(info, place)
    return Record(place, "", np.array(numbers, np.int64), np.array(positions, float), charge)


def _comment(line: str, place: str) -> Mapping[str, Any]:
    """Return the pairs of a comment line; one that is prose has none."""
    if len(line) > _LONGEST_COMMENT:
        raise InputError(f"{place} has a comment of {len(line)} characters: shorten it.")
    try:
        return _pairs_of(line.strip())
    except _PROSE:
        if "Properties=" not in line:
            return {}
        raise InputError(
            f"{place}: the key=value pairs of its comment cannot be read: mend their quotes."
        ) from None


def stated_charge(info: Mapping[str, Any], place: str) -> int | None:
    """Return the total charge in e that ``charge`` or ``total_charge`` says, or None.

    Raises :class:`InputError` where it is not a whole number, or the two differ.
    """
    values = {key: info[key] for key in CHARGE_KEYS if not isinstance(info.get(key, True), bool)}
    found = {whole_charge(value, f"{place}: {key}") for key, value in values.items()}
    if len(found) > 1:
        raise InputError(f"{place} says charge and total_charge, which differ: remove one.")
    return found.pop() if found else None


def whole_charge(value: Any, place: str) -> int:
    """Return a total charge in e; raises :class:`InputError` where it cannot be one."""
    is_number = isinstance(value, int | float | np.integer | np.floating)
    if is_number and -MOST_CHARGE <= value <= MOST_CHARGE and value == round(value):
        return int(value)
    raise InputError(f"{place}={shown(str(value))} is not a whole total charge in e: correct it.")


def _element(word: str, place: str) -> int:
    symbol = word.capitalize()
    if numbers_of_symbols.get(symbol, 0) > 0:
        return int(numbers_of_symbols[symbol])
    if re.fullmatch("[0-9]{1,3}", word) and 0 < int(word) < len(numbers_of_symbols):
        return int(word)
    raise InputError(f"{place}: {shown(word)} is not an element: write its symbol.")


def _coordinate(word: str, place: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{place}: {shown(word)} is not a coordinate: write a number in ångström.")
    return value
