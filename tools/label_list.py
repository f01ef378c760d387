"""The list of a label set: a row per molecule, decided before any calculation.

Split and kind of geometry of a molecule follow from its SMILES and the seed alone. The order is
shuffled by the seed, so that any prefix is a fair sample.
"""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from label_groups import NEUTRAL, groups_of, kind_of
from rdkit import Chem

from mepflow.storage.files import atomic_path

FOLDER: Final = Path(__file__).resolve().parent.parent / "resources" / "labels" / "geometries"
SETS: Final = ("organic", "bench")
SEED: Final = 1
BENCH_SPLIT: Final = "bench"
SPLITS: Final = (("train", 0.80), ("validation", 0.08), ("test", 0.12))
MINIMUM: Final = "minimum"
MODES: Final = "displaced_modes"
TORSION: Final = "displaced_torsion"
GEOMETRIES: Final = ((MINIMUM, 2 / 3), (MODES, 1 / 6), (TORSION, 1 / 6))
TURNABLE: Final = Chem.MolFromSmarts("[!D1;!$(*#*)]-!@[!D1;!$(*#*)]")
"""A bond to turn about, in a molecule with explicit hydrogens; one without any gets modes."""
GAS: Final = "gas"
WATER: Final = "water"

COLUMNS: Final = (
    "id", "name", "smiles", "charge", "kind", "groups", "split", "geometry", "environment",
)  # fmt: skip
REJECTED_COLUMNS: Final = ("id", "name", "smiles", "reason")
GROUP_SEPARATOR: Final = ";"
Row = dict[str, str]


def describe(smiles: str, name: str, split: str) -> Row:
    """Return a molecule's row, still without id."""
    molecule = Chem.MolFromSmiles(smiles)
    kind = kind_of(molecule)
    return {
        "name": name,
        "smiles": smiles,
        "charge": str(Chem.GetFormalCharge(molecule)),
        "kind": kind,
        "groups": GROUP_SEPARATOR.join(groups_of(molecule)),
        "split": split,
        "geometry": geometry_of(smiles, molecule),
        "environment": GAS if kind == NEUTRAL else WATER,
    }


def split_of(smiles: str, seed: int = SEED) -> str:
    """Return the split of a molecule."""
    return _pick(SPLITS, pseudo_random(smiles, seed, "split"))


def geometry_of(smiles: str, molecule: Chem.Mol, seed: int = SEED) -> str:
    """Return which geometry of a molecule is taken: its minimum or a displaced one."""
    picked = _pick(GEOMETRIES, pseudo_random(smiles, seed, "geometry"))
    if picked == TORSION and not Chem.AddHs(molecule).HasSubstructMatch(TURNABLE):
        return MODES
    return picked


def pseudo_random(text: str, seed: int, purpose: str) -> float:
    """Return a number in [0, 1) that depends on the text, the seed and the purpose alone."""
    digest = hashlib.sha256(f"{purpose}:{seed}:{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def ordered(rows: Iterable[Row], prefix: str, seed: int = SEED) -> list[Row]:
    """Return the rows shuffled by the seed, each with its id."""
    shuffled = sorted(rows, key=lambda row: pseudo_random(row["smiles"], seed, "order"))
    return [{"id": f"{prefix}-{k:05d}", **row} for k, row in enumerate(shuffled)]


def list_path(folder: Path, name: str) -> Path:
    """Return the path of a set's list."""
    return folder / f"{name}-molecules.csv"


def rejected_path(folder: Path, name: str) -> Path:
    """Return the path of a set's rejected molecules."""
    return folder / f"{name}-rejected.csv"


def write_rows(rows: Iterable[Row], path: Path, columns: Sequence[str] = COLUMNS) -> None:
    """Write rows as CSV."""
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _pick(shares: Sequence[tuple[str, float]], number: float) -> str:
    edges = np.cumsum([share for _, share in shares])
    return shares[min(int((number >= edges).sum()), len(shares) - 1)][0]
