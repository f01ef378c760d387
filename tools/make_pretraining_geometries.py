"""Make the geometries of the label set *pretraining*: thousands of molecules, one of each.

Run from the repository's root, in the project's environment; it takes some minutes of one core::

    python tools/make_pretraining_geometries.py

A model that has learned these molecules by inexpensive methods starts the training on the labels of
*organic*, of which there are few (``training.start_from``). The molecules follow from the rules of
that set (:mod:`label_enumeration`), chosen by the same shares. None is of its bench,
and none is one that its splits would test or validate with. A geometry is that of one conformer of
RDKit's, by MMFF where it has the parameters, its atoms then moved at random: it is no minimum.
"""

import argparse
import hashlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import AllChem

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from label_bench import bench_molecules  # noqa: E402
from label_displacement import changed_bonds  # noqa: E402
from label_enumeration import enumerate_candidates  # noqa: E402
from label_list import FOLDER, GAS, SEED, Row, describe, ordered, split_of  # noqa: E402
from label_selection import choose  # noqa: E402
from make_label_geometries import geometry_of_positions, write_geometries  # noqa: E402

from mepflow.archives.label_geometries import LabelGeometry  # noqa: E402
from mepflow.selection.identity import canonical_smiles  # noqa: E402
from mepflow.selection.splits import TRAIN  # noqa: E402

log = logging.getLogger("make_pretraining_geometries")

NAME: Final = "pretraining"
PATH: Final = FOLDER / f"{NAME}.jsonl.gz"
MOLECULES: Final = 5000
MOVED: Final = "displaced_atoms"
MOVED_ANGSTROM: Final = 0.03
"""Standard deviation of each coordinate's random move."""
DECIMALS: Final = 4
"""Of positions in Å."""


def chosen_rows() -> list[Row]:
    """Return the molecules in an order that has nothing to do with how they were made."""
    bench = {canonical_smiles(smiles) for smiles, _ in bench_molecules()}
    pool = [
        one
        for one in enumerate_candidates()
        if one.smiles not in bench and split_of(one.smiles) == TRAIN
    ]
    log.info("%d molecules follow from the rules", len(pool))
    rows = [describe(one.smiles, "", "") for one in choose(pool, MOLECULES, SEED)]
    return [row | {"geometry": MOVED, "environment": GAS} for row in ordered(rows, NAME)]


def geometries() -> Iterator[LabelGeometry]:
    """Yield the molecules that RDKit has a conformer of."""
    for row in chosen_rows():
        smiles = row["smiles"]
        molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
        digest = hashlib.sha256(smiles.encode()).digest()
        if AllChem.EmbedMolecule(molecule, randomSeed=int.from_bytes(digest[:3], "big")) != 0:
            continue
        if AllChem.MMFFHasAllMoleculeParams(molecule):
            AllChem.MMFFOptimizeMolecule(molecule, maxIters=2000)
        positions = molecule.GetConformer().GetPositions()
        random = np.random.default_rng(list(digest))
        positions += random.normal(0.0, MOVED_ANGSTROM, positions.shape)
        if not changed_bonds(molecule, positions):
            numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
            yield geometry_of_positions(row, numbers, np.round(positions, DECIMALS))


def main() -> None:
    """Write the file; nothing is left of an attempt that fails."""
    argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0]).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with rdBase.BlockLogs():
        found = list(geometries())
    write_geometries(found, PATH, NAME, MOLECULES)
    log.info("%d geometries", len(found))


if __name__ == "__main__":
    main()
