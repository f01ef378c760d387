"""What a reader finds in a file: atoms with positions, before anything is made of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from mepflow.errors import InputError

FloatArray = npt.NDArray[np.float64]

MOST_ATOMS: Final = 1000
"""Largest molecule that is read: far beyond the sizes that a model is trained with."""
MOST_BYTES: Final = 32 * 2**20
"""Largest file that is read."""
_SHOWN: Final = 40


@dataclass(frozen=True)
class Record:
    """One structure of a file, atoms (n,) at positions (n, 3) in ångström.

    ``place`` says where it is from, in messages; ``title`` is its name in the file, if it has one;
    ``total_charge`` in e is None where the file does not say it.
    """

    place: str
    title: str
    atomic_numbers: npt.NDArray[np.int64]
    positions: FloatArray
    total_charge: int | None = None
    smiles: str = ""


def read_text(path: Path) -> str:
    """Return the text of a file of bounded size; raises :class:`InputError`."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): correct its name.") from error
    if len(content) > MOST_BYTES:
        limit = MOST_BYTES // 2**20
        raise InputError(f"{path} is larger than {limit} MiB: divide it into smaller files.")
    return content.decode("utf-8", errors="replace").replace("\r\n", "\n")


def shown(text: str) -> str:
    """Return a piece of a file as it can stand in a message: quoted, printable and short."""
    return ascii(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def check_size(place: str, n_atoms: int) -> None:
    """Raise :class:`InputError` for a structure without atoms, or with too many."""
    if n_atoms == 0:
        raise InputError(f"{place} has no atoms: remove it.")
    if n_atoms > MOST_ATOMS:
        raise InputError(
            f"{place} has {n_atoms} atoms, more than the {MOST_ATOMS} that are read: "
            "models are made for small molecules."
        )
