r"""Raw QM9: one text file per molecule, all of them in one ``.tar.bz2``.

Ramakrishnan, Dral, Rupp, von Lilienfeld, Sci. Data 1, 140022 (2014); B3LYP/6-31G(2df,p), Gaussian.
Columns are separated by tabs; a number may have ``*^`` for its exponent's ``e`` (``1.5*^-6``).

===============  ===========================================================================
line             content
===============  ===========================================================================
1                number of atoms N
2                ``gdb i``: key of the molecule, i = 1 ... 133885, also in the file's name;
                 then the 15 numbers of :data:`COLUMNS`
3 ... N + 2      element, x, y, z in Å, Mulliken charge in e
N + 3            3N − 6 harmonic wavenumbers in cm⁻¹ (3N − 5 of a linear molecule)
N + 4            SMILES that the geometry was built from (GDB-17), of the relaxed geometry
N + 5            InChI of the same two
===============  ===========================================================================

U0 holds the zero-point energy, so the electronic energy is U0 − zpve. A record that breaks the
format in any way is rejected by name with the reason; it never ends the reading of the others.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from mepflow.archives.members import read_members
from mepflow.archives.rejected_records import LARGEST_NUMBER, RecordError, Rejected, check_geometry
from mepflow.elements import ATOMIC_NUMBERS
from mepflow.errors import InputError
from mepflow.molecules import FloatArray
from mepflow.storage.unreadable import unreadable

SUFFIX: Final = ".xyz"
SIZE_LIMIT: Final = 1 << 16
"""Largest record in bytes; those of QM9 have up to 3 KiB."""
KEY_DIGITS: Final = 6
DIGEST_BYTES: Final = 16
COLUMNS: Final[dict[str, str]] = {
    "A": "GHz",
    "B": "GHz",
    "C": "GHz",
    "mu": "debye",
    "alpha": "bohr^3",
    "homo": "hartree",
    "lumo": "hartree",
    "gap": "hartree",
    "r2": "bohr^2",
    "zpve": "hartree",
    "U0": "hartree",
    "U": "hartree",
    "H": "hartree",
    "G": "hartree",
    "Cv": "cal/mol/K",
}
"""The 15 numbers of line 2 and their units."""
_LINE_2_COLUMNS: Final = 2 + len(COLUMNS)
_ALLOWED_BYTES: Final = bytes({*range(0x20, 0x7F), *b"\t\r\n"} - {*b"_"})
_NUMBER_IN_NAME: Final = re.compile(r"gdb[a-z0-9]*_(\d{1,9})\.xyz$")


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it is in the file.

    Positions (n, 3) in Å, charges (n,) in e, properties (15,) in the order and the units of
    :data:`COLUMNS`, wavenumbers in cm⁻¹; ``digest`` is a hash of the whole content.
    """

    number: int
    source: str
    atomic_numbers: list[int]
    positions: FloatArray
    mulliken_charges: FloatArray
    properties: FloatArray
    wavenumbers: FloatArray
    archive_smiles: str
    relaxed_smiles: str
    archive_inchi: str
    relaxed_inchi: str
    digest: bytes


def gdb_id(number: int) -> str:
    """Return the key of the molecule ``gdb number``, e.g. ``gdb_000212``."""
    return f"gdb_{number:0{KEY_DIGITS}d}"


def parse_record(content: bytes, source: str) -> Record:
    """Parse one file; ``source`` is its name. Raises :class:`RecordError` with the reason."""
    lines = _lines(content)
    n_atoms = _atom_count(lines[0])
    _check_length(lines, n_atoms)
    number, properties = _second_line(lines[1], source)
    atomic_numbers, atoms = _atom_lines(lines[2 : n_atoms + 2])
    smiles = _pair(lines[n_atoms + 3], "SMILES")
    inchi = _pair(lines[n_atoms + 4], "InChI")
    if not (inchi[0].startswith("InChI=1") and inchi[1].startswith("InChI=1")):
        raise RecordError("its last line does not hold two InChI")
    return Record(
        number,
        source,
        atomic_numbers,
        atoms[:, :3],
        atoms[:, 3],
        properties,
        _wavenumbers(lines[n_atoms + 2], n_atoms),
        *smiles,
        *inchi,
        hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest(),
    )


def read_records(path: Path) -> Iterator[Record | Rejected]:
    """Yield every record of an archive or a folder in its order, those that break the format too.

    Raises :class:`InputError` where the archive itself is missing, damaged or cut short.
    """
    for member in read_members(path, SUFFIX, SIZE_LIMIT):
        reason = member.problem
        if not reason:
            try:
                yield parse_record(member.content, member.name)
                continue
            except RecordError as error:
                reason = str(error)
        number = _number_in_name(member.name)
        yield Rejected(member.name, "" if number is None else gdb_id(number), reason)


def read_uncharacterized(path: Path) -> frozenset[str]:
    """Return the keys in the archive's list of molecules that changed when they were relaxed.

    The original ``uncharacterized.txt`` is text, then, between lines of ``====``, a table whose
    first column is i; a plain list (``58`` or ``gdb_000058`` on a line) will do. **i is the number
    in** ``gdb i``: the first molecule of QM9 is 1, so i is no index into an array. Raises
    :class:`InputError` where the file is missing, holds no key, or has a line that is neither a
    key nor text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} cannot be read as text ({error}): fetch it again.") from error
    keys = set()
    in_table = False
    for number, line in enumerate(lines, start=1):
        in_table = in_table or line.startswith("===")
        keys.add(_listed_key(line, in_table, f"{path}, line {number}"))
    keys.discard("")
    if not keys:
        raise InputError(f"{path} holds no key of a molecule: fetch the list again.")
    return frozenset(keys)


def _listed_key(line: str, in_table: bool, where: str) -> str:
    """Return the key in a line, or an empty text where the line is text around the list."""
    tokens = line.split()
    if not tokens or tokens[0].startswith(("#", "=")):
        return ""
    digits = tokens[0].removeprefix("gdb_")
    if _is_key(digits) and (len(tokens) == 1 or in_table):
        return gdb_id(int(digits))
    if tokens[0][0].isdigit() or digits != tokens[0] or len(tokens) == 1:
        raise InputError(
            f"{where}: {line.strip()[:40]!r} is not a key such as 58 or gdb_000058, counted from 1:"
            " correct the line."
        )
    return ""


def _lines(content: bytes) -> list[str]:
    strange = content.translate(None, _ALLOWED_BYTES)
    if strange:
        raise RecordError(f"it holds the character {strange[:1]!r}")
    lines = content.decode("ascii").rstrip().split("\n")
    if lines == [""]:
        raise RecordError("it is empty")
    return lines


def _atom_count(line: str) -> int:
    text = line.strip()
    if not (text.isdecimal() and len(text) < 5 and int(text) > 0):
        raise RecordError(f"its first line {text[:20]!r} is not a number of atoms")
    return int(text)


def _check_length(lines: list[str], n_atoms: int) -> None:
    missing = n_atoms + 5 - len(lines)
    if missing < 0:
        raise RecordError(f"it goes on for {-missing} lines after line {n_atoms + 5}, its last")
    if missing > 3:
        raise RecordError(f"it ends after {max(len(lines) - 2, 0)} of its {n_atoms} atoms")
    if missing > 0:
        names = ("wavenumbers", "SMILES", "InChI")[3 - missing :]
        raise RecordError(f"it ends before its lines of {', '.join(names)}")


def _second_line(line: str, source: str) -> tuple[int, FloatArray]:
    tokens = line.split()
    if len(tokens) != _LINE_2_COLUMNS:
        raise RecordError(f"line 2 has {len(tokens)} columns instead of {_LINE_2_COLUMNS}")
    if tokens[0] != "gdb" or not _is_key(tokens[1]):
        raise RecordError(f"line 2 begins with {' '.join(tokens[:2])[:20]!r}, which is no GDB key")
    number = int(tokens[1])
    named = _number_in_name(source)
    if named is not None and named != number:
        raise RecordError(f"the file's name says {named} and line 2 says gdb {number}")
    return number, _numbers(tokens[2:], "line 2")


def _is_key(digits: str) -> bool:
    """Whether a text is the number of a molecule, which counts from 1."""
    return digits.isascii() and digits.isdecimal() and len(digits) <= KEY_DIGITS and int(digits) > 0


def _number_in_name(source: str) -> int | None:
    match = _NUMBER_IN_NAME.search(source)
    return int(match[1]) if match else None


def _atom_lines(lines: list[str]) -> tuple[list[int], FloatArray]:
    """Return the atomic numbers and, per atom, x, y, z in Å and the charge in e, shape (n, 4)."""
    atomic_numbers, texts = [], []
    for index, line in enumerate(lines, start=1):
        tokens = line.split()
        if len(tokens) != 5:
            raise RecordError(f"atom {index} has {len(tokens)} columns instead of 5")
        if tokens[0] not in ATOMIC_NUMBERS:
            raise RecordError(f"atom {index} is of the unknown element {tokens[0][:10]!r}")
        atomic_numbers.append(ATOMIC_NUMBERS[tokens[0]])
        texts += tokens[1:]
    atoms = _numbers(texts, "an atom's line").reshape(-1, 4)
    check_geometry(atoms[:, :3])
    return atomic_numbers, atoms


def _wavenumbers(line: str, n_atoms: int) -> FloatArray:
    tokens = line.split()
    # A linear molecule has one more than others, an atom none.
    allowed = (3 * n_atoms - 6, 3 * n_atoms - 5) if n_atoms > 2 else (max(3 * n_atoms - 5, 0),)
    if len(tokens) not in allowed:
        expected = " or ".join(map(str, allowed))
        raise RecordError(
            f"it has {len(tokens)} wavenumbers instead of {expected} for {n_atoms} atoms"
        )
    return _numbers(tokens, "the line of wavenumbers")


def _pair(line: str, what: str) -> tuple[str, str]:
    tokens = line.split()
    if len(tokens) != 2:
        raise RecordError(f"it has {len(tokens)} {what} instead of 2")
    return tokens[0], tokens[1]


def _numbers(tokens: list[str], where: str) -> FloatArray:
    try:
        values = np.array([float(token) for token in tokens])
    except ValueError:
        values = np.array([_number(token, where) for token in tokens])
    if not np.abs(values).max(initial=0.0) <= LARGEST_NUMBER:  # not a nan either
        raise RecordError(f"{where} holds a number that is not finite or not plausible")
    return values


def _number(token: str, where: str) -> float:
    try:
        return float(token.replace("*^", "e", 1))
    except ValueError:
        raise RecordError(f"{where} holds {token[:20]!r}, which is not a number") from None
