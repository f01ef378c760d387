"""Make the lists of molecules of the label sets: chosen, split and ordered before any calculation.

Run from the repository's root, in the project's environment::

    python tools/label_molecules.py          # writes the lists, unless they are there
    python tools/label_molecules.py --report # distributions of the lists that are there

Organic: from all molecules of the rules (:mod:`label_enumeration`), as many as wanted are drawn so
that sizes, families and elements have the shares below and every functional group its least share.
Bench: the list of :mod:`label_bench`; none of it is in the organic set, in the embedded archives or
among the molecules of the default model. A molecule's split and kind of geometry follow from its
SMILES and the seed alone; the order is shuffled by the seed, so that any prefix is a fair sample.
"""

import argparse
import csv
import logging
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from label_bench import bench_molecules  # noqa: E402
from label_enumeration import (  # noqa: E402
    ELEMENTS,
    Candidate,
    enumerate_candidates,
    pseudo_random,
)
from label_groups import NEUTRAL, SMARTS, groups_of, kind_of  # noqa: E402
from label_names import NAMES  # noqa: E402
from rdkit import Chem  # noqa: E402
from rdkit.Chem.rdMolDescriptors import CalcMolFormula  # noqa: E402

from mepflow.selection.identity import canonical_smiles  # noqa: E402
from mepflow.storage.files import atomic_path  # noqa: E402

FloatArray = npt.NDArray[np.float64]
log = logging.getLogger("label_molecules")

FOLDER: Final = ROOT / "resources" / "labels" / "geometries"
TRAINED_ON: Final = ROOT / "resources" / "models" / "default" / "molecules.csv"
SEED: Final = 1
ORGANIC_MOLECULES: Final = 1760
"""A tenth more than wanted, since some are rejected with their geometries."""
SPLITS: Final = (("train", 0.80), ("validation", 0.08), ("test", 0.12))
GEOMETRIES: Final = (("minimum", 2 / 3), ("displaced_modes", 1 / 6), ("displaced_torsion", 1 / 6))
TORSION: Final = Chem.MolFromSmarts("[!D1;!$(*#*)]-!@[!D1;!$(*#*)]")
"""A bond to turn about, in a molecule with explicit hydrogens."""
WITHOUT_TORSION: Final = "displaced_modes"
"""The kind of displacement of a molecule that has no bond to turn about."""

SIZES: Final = {2: 0.008, 3: 0.052, 4: 0.21, 5: 0.30, 6: 0.225, 7: 0.12, 8: 0.05, 9: 0.035}
"""Shares of the numbers of heavy atoms."""
FAMILIES: Final = {
    "chains": 0.08, "carbonyls": 0.13, "nitrogen": 0.10, "oxygen": 0.05, "sulfur": 0.09,
    "phosphorus": 0.08, "saturated rings": 0.12, "aromatics": 0.10,
    "cations": 0.095, "anions": 0.105, "zwitterions": 0.05,
}  # fmt: skip
ELEMENT_SHARES: Final = {"F": 0.14, "P": 0.115, "S": 0.19, "Cl": 0.115, "Br": 0.105}
GROUP_SHARES: Final = {
    "small ring": 0.08, "saturated ring": 0.035, "aromatic carbocycle": 0.022, "azine": 0.028,
    "alcohol": 0.08, "peroxide": 0.015, "carboxylic acid": 0.025, "ester": 0.025, "amide": 0.055,
    "acyl halide": 0.02, "hydrazine or hydroxylamine": 0.045, "phosphane": 0.045,
}  # fmt: skip
"""Shares of groups that small molecules would have too rarely or too often."""
LEAST_GROUP_SHARE: Final = 0.016
_DAMPING_PER_GROUP: Final = 0.7
_KNOWN_WEIGHT: Final = 8.0
"""Before the shares are fitted: molecules of many functional groups are rarer, known ones not."""
_SWEEPS: Final = 400

COLUMNS: Final = (
    "id", "name", "smiles", "charge", "kind", "groups", "split", "geometry", "environment",
)  # fmt: skip
Row = dict[str, str]


def choose(
    candidates: Sequence[Candidate], count: int, seed: int, known: Collection[str] = ()
) -> list[Candidate]:
    """Return ``count`` candidates whose features have the shares of this module.

    Probabilities of inclusion come from iterative proportional fitting; the molecules are then
    drawn by systematic sampling along families and sizes, which keeps both shares exact.
    """
    molecules = [Chem.MolFromSmiles(one.smiles) for one in candidates]
    groups = [groups_of(molecule) for molecule in molecules]
    sizes = [molecule.GetNumHeavyAtoms() for molecule in molecules]
    start = [
        np.exp(-_DAMPING_PER_GROUP * len(g)) * (_KNOWN_WEIGHT if c.smiles in known else 1.0)
        for c, g in zip(candidates, groups, strict=True)
    ]
    exact = [np.array([s == n for s in sizes]) for n in SIZES]
    exact += [np.array([c.family == name for c in candidates]) for name in FAMILIES]
    exact += [np.array([has_element(m, name) for m in molecules]) for name in ELEMENT_SHARES]
    exact += [np.array([name in g for g in groups]) for name in GROUP_SHARES]
    tables = (SIZES, FAMILIES, ELEMENT_SHARES, GROUP_SHARES)
    shares = [share for table in tables for share in table.values()]
    least = [np.array([name in g for g in groups]) for name in SMARTS]
    chances = inclusion_probabilities(np.array(start), exact, shares, least, count)
    keys = [
        (c.family, s, pseudo_random(c.smiles, seed, "draw"))
        for c, s in zip(candidates, sizes, strict=True)
    ]
    order = sorted(range(len(candidates)), key=keys.__getitem__)
    edges = np.floor(np.cumsum(chances[order]) * count / chances.sum() + 1e-9)
    taken = np.diff(edges, prepend=0.0) > 0
    return [candidates[k] for k, is_taken in zip(order, taken, strict=True) if is_taken]


def inclusion_probabilities(
    start: FloatArray,
    exact: Sequence[npt.NDArray[np.bool_]],
    shares: Sequence[float],
    least: Sequence[npt.NDArray[np.bool_]],
    count: int,
) -> FloatArray:
    """Return probabilities (n,) whose sums over the features are ``count`` times their shares.

    Features of ``least`` are only ever raised. A feature that has too few members gets all of them.
    """
    chances = np.minimum(start * count / start.sum(), 1.0)
    for _ in range(_SWEEPS):
        for members, share in zip(exact, shares, strict=True):
            factor = share * count / max(chances[members].sum(), 1e-12)
            chances[members] = np.minimum(chances[members] * factor, 1.0)
        for members in least:
            missing = LEAST_GROUP_SHARE * count / max(chances[members].sum(), 1e-12)
            if missing > 1.0:
                chances[members] = np.minimum(chances[members] * missing, 1.0)
    return chances


def has_element(molecule: Chem.Mol, symbol: str) -> bool:
    """Tell whether a molecule holds an element, hydrogen included."""
    if symbol == "H":
        return any(atom.GetTotalNumHs() for atom in molecule.GetAtoms())
    return any(atom.GetSymbol() == symbol for atom in molecule.GetAtoms())


def describe(smiles: str, name: str, split: str) -> Row:
    """Return a molecule's row, still without id."""
    molecule = Chem.MolFromSmiles(smiles)
    kind = kind_of(molecule)
    return {
        "name": name,
        "smiles": smiles,
        "charge": str(Chem.GetFormalCharge(molecule)),
        "kind": kind,
        "groups": ";".join(groups_of(molecule)),
        "split": split,
        "geometry": geometry_of(smiles, molecule),
        "environment": "gas" if kind == NEUTRAL else "water",
    }


def split_of(smiles: str, seed: int = SEED) -> str:
    """Return the split of a molecule, which follows from its SMILES and the seed alone."""
    return _pick(SPLITS, pseudo_random(smiles, seed, "split"))


def geometry_of(smiles: str, molecule: Chem.Mol, seed: int = SEED) -> str:
    """Return which geometry of a molecule is taken: its minimum or a displaced one."""
    picked = _pick(GEOMETRIES, pseudo_random(smiles, seed, "geometry"))
    if picked == "displaced_torsion" and not Chem.AddHs(molecule).HasSubstructMatch(TORSION):
        return WITHOUT_TORSION
    return picked


def _pick(shares: Sequence[tuple[str, float]], number: float) -> str:
    edges = np.cumsum([share for _, share in shares])
    return shares[min(int((number >= edges).sum()), len(shares) - 1)][0]


def ordered(rows: Iterable[Row], prefix: str, seed: int = SEED) -> list[Row]:
    """Return the rows shuffled by the seed, each with its id."""
    shuffled = sorted(rows, key=lambda row: pseudo_random(row["smiles"], seed, "order"))
    return [{"id": f"{prefix}-{k:05d}", **row} for k, row in enumerate(shuffled)]


def organic_rows() -> list[Row]:
    """Return the organic set's rows in their order."""
    bench = {canonical_smiles(smiles) for smiles, _ in bench_molecules()}
    pool = [one for one in enumerate_candidates() if one.smiles not in bench]
    log.info("%d molecules follow from the rules", len(pool))
    names = {canonical_smiles(smiles): name for smiles, name in NAMES.items()}
    rows = []
    for one in choose(pool, ORGANIC_MOLECULES, SEED, names):
        name = names.get(one.smiles, CalcMolFormula(Chem.MolFromSmiles(one.smiles)))
        rows.append(describe(one.smiles, name, split_of(one.smiles)))
    return ordered(rows, "organic")


def bench_rows() -> list[Row]:
    """Return the bench set's rows in their order; the name has the stereochemistry."""
    rows = []
    for smiles, name in bench_molecules():
        canonical = canonical_smiles(smiles)
        if canonical is None:
            raise SystemExit(f"{name}: {smiles} is no molecule")
        rows.append(describe(canonical, name, "bench"))
    return ordered(rows, "bench")


def trained_on() -> set[str]:
    """Return the SMILES of the embedded archives and of the default model's molecules."""
    with TRAINED_ON.open(newline="") as file:
        known = {canonical_smiles(row["smiles"]) for row in csv.DictReader(file)}
    return {smiles for smiles in known if smiles is not None}


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write a list as CSV."""
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a list."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def report(rows: Sequence[Row]) -> str:
    """Return the distribution of a list: sizes, kinds, elements, groups, splits, geometries."""
    molecules = [Chem.MolFromSmiles(row["smiles"]) for row in rows]
    sizes = [molecule.GetNumHeavyAtoms() for molecule in molecules]
    lines = [f"{len(rows)} molecules, {np.mean(sizes):.2f} heavy atoms on average"]
    counts: dict[str, Counter[str]] = {
        "heavy atoms": Counter(str(size) for size in sorted(sizes)),
        "kind": Counter(row["kind"] for row in rows),
        "element": Counter({e: sum(has_element(m, e) for m in molecules) for e in ELEMENTS}),
        "split": Counter(row["split"] for row in rows),
        "geometry": Counter(row["geometry"] for row in rows),
        "group": Counter({g: sum(g in row["groups"].split(";") for row in rows) for g in SMARTS}),
    }
    for title, counter in counts.items():
        shares = (f"{name} {n} ({100 * n / len(rows):.1f} %)" for name, n in counter.items())
        lines.append(f"{title}: " + ", ".join(shares))
    return "\n".join(lines)


def main() -> None:
    """Write the lists that are missing, or report those that are there."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--report", action="store_true", help="print the distributions only")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for name, make in (("bench", bench_rows), ("organic", organic_rows)):
        path = arguments.folder / f"{name}-molecules.csv"
        if not (path.exists() or arguments.report):
            write_rows(make(), path)
        sys.stdout.write(f"{path.name}: {report(read_rows(path))}\n\n")


if __name__ == "__main__":
    main()
