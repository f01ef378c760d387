"""Records in QM9's format with made-up numbers, and archives of them."""

import io
import tarfile
from pathlib import Path

# Every number differs from every other, so that a swapped column shows.
PROPERTIES = (
    "801.25", "401.5", "271.75", "1.8512", "6.31", "-0.2928", "0.0687", "0.3615",
    "19.0002", "0.021375", "-76.404702", "-76.401867", "-76.400922", "-76.422349", "6.002",
)  # fmt: skip
ATOMS = (
    "O\t 0.0\t 0.0\t 0.1173\t-0.5897",
    "H\t 0.0\t 0.7572\t-4.692*^-1\t 0.29485",
    "H\t 0.0\t-0.7572\t-0.4692\t 0.29485",
)
WAVENUMBERS = ("1671.5", "3805.25", "3907.75")


def record(
    number: int = 7,
    *,
    count: str | None = None,
    second: str | None = None,
    atoms=ATOMS,
    wavenumbers=WAVENUMBERS,
    smiles: str = "O\t[OH2]\t",
    inchi: str = "InChI=1S/H2O/h1H2\tInChI=1S/H2O/h1H2/t0",
    after: str = "\n",
) -> bytes:
    """Return a record of water with any of its lines replaced."""
    lines = [
        count if count is not None else str(len(atoms)),
        second if second is not None else f"gdb {number}\t" + "\t".join(PROPERTIES) + "\t",
        *atoms,
        "\t".join(wavenumbers),
        smiles,
        inchi,
    ]
    return ("\n".join(lines) + after).encode("latin-1")


def name(number: int) -> str:
    return f"dsgdb9nsd_{number:06d}.xyz"


def write_tar(path: Path, members, mode: str = "w:bz2") -> Path:
    """Write (name or TarInfo, content) pairs; the size of a TarInfo is kept as it is."""
    with tarfile.open(path, mode) as tar:
        for entry, content in members:
            info = entry
            if isinstance(entry, str):
                info = tarfile.TarInfo(entry)
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path
