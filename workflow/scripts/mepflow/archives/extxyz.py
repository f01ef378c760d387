"""Extended XYZ: frames one after the other, each of which may break the format on its own.

A frame is a line with the number of atoms, a line of ``key=value`` pairs, and a line per atom. The
pair ``Properties`` names the columns of the atoms as ``name:kind:count`` (kinds S text, R real, I
integer, L logical); the elements are ``species:S:1`` or ``Z:I:1``, the positions in Å ``pos:R:3``.
Without it the columns are element, x, y, z. Pairs are read by ASE's own function, as ASE and MACE
write them. After a frame whose end is unknown, reading goes on at the next line that is a number.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from ase.io import extxyz as ase_extxyz

from mepflow.archives.members import decompressed
from mepflow.archives.rejected_records import LARGEST_NUMBER, RecordError, Rejected, check_geometry
from mepflow.elements import ATOMIC_NUMBERS
from mepflow.errors import InputError
from mepflow.molecules import FloatArray
from mepflow.storage.damage import reason
from mepflow.storage.packings import UNPACKING_ERRORS
from mepflow.storage.unreadable import check_readable

ATOM_LIMIT: Final = 1000
LINE_LIMIT: Final = 1 << 16
"""Longest line in bytes."""
SKIPPED_LIMIT: Final = 1 << 28
"""Most bytes of a file that are in lines longer than that: more is no text."""
_COLUMN_LIMIT: Final = 1000
_LAST_ELEMENT: Final = 118
_COUNT: Final = re.compile(rb"\s*([0-9]{1,9})\s*")
_DEFAULT_PROPERTIES: Final = "species:S:1:pos:R:3"
# ASE's function has no annotation.
_pairs_of: Final[Callable[[str], dict[str, Any]]] = ase_extxyz.key_val_str_to_dict
# What it raises where the line is prose or damaged.
_PROSE: Final = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


class _Column(NamedTuple):
    """Where an atom's line has a property: its kind, its first word and how many there are."""

    kind: str
    start: int
    width: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame: its line in the file, the pairs, elements (n,), positions (n, 3) in Å.

    The columns of the atoms are kept as words; :meth:`numbers` reads one.
    """

    line: int
    info: Mapping[str, Any]
    atomic_numbers: npt.NDArray[np.uint8]
    positions: FloatArray
    columns: Mapping[str, _Column]
    words: list[list[str]]

    def __len__(self) -> int:
        return len(self.words)

    def numbers(self, name: str) -> FloatArray:
        """Return a column of numbers (n, width); raises :class:`RecordError` where it is none."""
        column = self.columns[name]
        if column.kind not in "RI":
            raise RecordError(f"its column {name} does not hold numbers")
        return _numbers(self.words, column, name)


def read_frames(path: Path) -> Iterator[Frame | Rejected]:
    """Yield every frame of a file in its order, plain or compressed, those rejected too.

    A rejected one is named by the line where it begins. Raises :class:`InputError` where the file
    is missing, damaged or cut short, or does not begin with a frame.
    """
    check_readable(path)
    count = 0
    try:
        with decompressed(path) as stream:
            for frame in _frames(_Lines(stream), path):
                count += 1
                yield frame
    except UNPACKING_ERRORS as error:
        raise InputError(
            f"{path} is damaged or cut short after {count} frames ({reason(error)}): fetch it"
            " again."
        ) from error


def _frames(lines: "_Lines", path: Path) -> Iterator[Frame | Rejected]:
    is_first = True
    while (line := lines.next()) is not None:
        if not line.strip():
            continue
        start = lines.number
        if is_first and not _COUNT.fullmatch(line):
            raise InputError(
                f"{path} is no extended XYZ file: line {start} should be a number of atoms."
            )
        is_first = False
        try:
            yield _frame(lines, line)
        except RecordError as error:
            yield Rejected(f"line {start}", "", str(error))
            lines.skip_to(_COUNT)


class _Lines:
    """The lines of a stream with their numbers; none is longer than LINE_LIMIT and a byte."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        self._waiting: bytes | None = None
        self._skipped = 0
        self.number = 0

    def next(self) -> bytes | None:
        """Return the next line without its end, of a longer one its beginning, None at the end."""
        self.number += 1
        if self._waiting is not None:
            line, self._waiting = self._waiting, None
            return line
        line = self._stream.readline(LINE_LIMIT + 1)
        part = line
        while len(part) > LINE_LIMIT and not part.endswith(b"\n"):
            part = self._stream.readline(LINE_LIMIT + 1)
            self._skipped += len(part)
            if self._skipped > SKIPPED_LIMIT:
                raise OSError(f"line {self.number} does not end")
        return line.rstrip(b"\r\n") if line else None

    def put_back(self, line: bytes) -> None:
        """Return the line that :meth:`next` returned last once more."""
        self.number -= 1
        self._waiting = line

    def skip_to(self, pattern: re.Pattern[bytes]) -> None:
        """Pass over the lines before the next one that is of a pattern."""
        while (line := self.next()) is not None:
            if pattern.fullmatch(line):
                self.put_back(line)
                return


def _frame(lines: _Lines, first: bytes) -> Frame:
    start = lines.number
    matched = _COUNT.fullmatch(first)
    if not matched:
        raise RecordError(f"line {start} is not a number of atoms: {_shown(first)}")
    n_atoms = int(matched[1])
    if not 0 < n_atoms <= ATOM_LIMIT:
        raise RecordError(f"it has {n_atoms} atoms, not 1 to {ATOM_LIMIT}")
    comment = lines.next() or b""
    atoms = _atom_lines(lines, n_atoms)
    info = _info(_decoded(comment, start + 1))
    columns = _columns(info.get("Properties", True))
    width = max(column.start + column.width for column in columns.values())
    words = []
    for number, line in enumerate(atoms, start=start + 2):
        words.append(_decoded(line, number).split())
        if len(words[-1]) != width:
            raise RecordError(f"line {number} has {len(words[-1])} columns instead of {width}")
    positions = _numbers(words, columns["pos"], "pos")
    check_geometry(positions)
    return Frame(start, info, _elements(words, columns), positions, columns, words)


def _atom_lines(lines: _Lines, n_atoms: int) -> list[bytes]:
    """Return the lines of the atoms; raises where the next frame or the end comes before."""
    atoms: list[bytes] = []
    while len(atoms) < n_atoms:
        line = lines.next()
        if line is None or not line.strip() or _COUNT.fullmatch(line):
            if line is not None:
                lines.put_back(line)
            raise RecordError(f"it ends after {len(atoms)} of its {n_atoms} atoms")
        atoms.append(line)
    return atoms


def _decoded(line: bytes, number: int) -> str:
    if len(line) > LINE_LIMIT:
        raise RecordError(f"line {number} is longer than {LINE_LIMIT // 1024} KiB")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise RecordError(f"line {number} is not UTF-8 text") from None


def key_value_pairs(comment: str) -> dict[str, Any] | None:
    """Return the pairs of a frame's second line as ASE reads them, None where it cannot."""
    try:
        return _pairs_of(comment)
    except _PROSE:
        return None


def _info(comment: str) -> Mapping[str, Any]:
    """Return the pairs of a frame that is no crystal."""
    info = key_value_pairs(comment)
    if info is None:
        raise RecordError("its second line is not one of key=value pairs")
    periodic = info.get("pbc", "Lattice" in info)
    if any(np.ravel(np.asarray(periodic, dtype=object)) == np.True_):
        raise RecordError("it is periodic, and only molecules can be read")
    return info


def _columns(properties: Any) -> dict[str, _Column]:
    text = _DEFAULT_PROPERTIES if properties is True else properties
    parts = text.split(":") if isinstance(text, str) else []
    columns: dict[str, _Column] = {}
    end = 0
    for name, kind, count in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        if kind not in ("S", "R", "I", "L") or not re.fullmatch("[1-9][0-9]{0,2}", count):
            raise RecordError(f"its Properties hold {_shown(f'{name}:{kind}:{count}'.encode())}")
        columns[name] = _Column(kind, end, int(count))
        end += int(count)
    has_elements = "species" in columns or "Z" in columns
    if len(parts) % 3 or end > _COLUMN_LIMIT or not has_elements:
        raise RecordError("its Properties do not name the columns of its atoms")
    positions = columns.get("pos")
    if positions is None or (positions.kind, positions.width) != ("R", 3):
        raise RecordError("its Properties do not say where the positions are: pos:R:3")
    return columns


def _elements(words: list[list[str]], columns: Mapping[str, _Column]) -> npt.NDArray[np.uint8]:
    if "species" in columns:
        symbols = [line[columns["species"].start] for line in words]
        if unknown := [word for word in symbols if word not in ATOMIC_NUMBERS]:
            raise RecordError(f"it holds the unknown element {_shown(unknown[0].encode())}")
        return np.array([ATOMIC_NUMBERS[word] for word in symbols], dtype=np.uint8)
    numbers = _numbers(words, columns["Z"], "Z")[:, 0]
    if ((numbers < 1) | (numbers > _LAST_ELEMENT) | (numbers % 1 != 0)).any():
        raise RecordError("it holds an atomic number that is no element's")
    return numbers.astype(np.uint8)


def _numbers(words: list[list[str]], column: _Column, name: str) -> FloatArray:
    end = column.start + column.width
    try:
        values = np.array([line[column.start : end] for line in words], dtype=np.float64)
    except ValueError:
        raise RecordError(f"its column {_shown(name.encode())} holds what is no number") from None
    if not (np.abs(values) <= LARGEST_NUMBER).all():  # not a nan either
        raise RecordError(
            f"its column {_shown(name.encode())} holds a number that is not finite or not plausible"
        )
    return values


def _shown(text: bytes) -> str:
    return ascii(text[:40].decode("utf-8", "replace"))
