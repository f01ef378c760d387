"""Make resources/labels/xtb.extxyz.gz: moments and charges of GFN2-xTB for thousands of molecules.

Run from the repository's root, in the project's environment with ``tblite`` besides; it takes some
minutes of one core::

    pip install tblite==0.8.0
    OMP_NUM_THREADS=1 python tools/make_xtb_labels.py

A model that has learned these starts the training on labels of density functional theory, of which
there are few (``training.start_from``). The molecules follow from the rules of the label set
*organic* (:mod:`label_enumeration`), chosen by the same shares. None is of its bench, and none is
one that its splits would test or validate with. A geometry is that of one conformer of RDKit's, by
MMFF where it has the parameters, its atoms then moved at random; it is not relaxed by GFN2-xTB.
"""

import argparse
import gzip
import hashlib
import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from ase import Atoms
from ase.io import write
from ase.units import Bohr
from rdkit import Chem, rdBase
from rdkit.Chem import AllChem

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from label_bench import bench_molecules  # noqa: E402
from label_displacement import changed_bonds  # noqa: E402
from label_enumeration import enumerate_candidates  # noqa: E402
from label_list import SEED, describe, ordered, split_of  # noqa: E402
from label_selection import choose  # noqa: E402
from packed_matrix import matrix_of  # noqa: E402

from mepflow.selection.identity import canonical_smiles  # noqa: E402
from mepflow.selection.splits import TRAIN  # noqa: E402
from mepflow.storage.files import atomic_path  # noqa: E402

log = logging.getLogger("make_xtb_labels")

OUTPUT: Final = ROOT / "resources" / "labels" / "xtb.extxyz.gz"
MOLECULES: Final = 5000
MOVED_ANGSTROM: Final = 0.03
"""Standard deviation of each coordinate's random move."""
DECIMALS: Final = 4
"""Of positions in Å, moments in e·Å and e·Å², charges in e."""


def chosen_smiles() -> list[str]:
    """Return the SMILES in an order that has nothing to do with how they were made."""
    bench = {canonical_smiles(smiles) for smiles, _ in bench_molecules()}
    pool = [
        one
        for one in enumerate_candidates()
        if one.smiles not in bench and split_of(one.smiles) == TRAIN
    ]
    log.info("%d molecules follow from the rules", len(pool))
    rows = [describe(one.smiles, "", TRAIN) for one in choose(pool, MOLECULES, SEED)]
    return [row["smiles"] for row in ordered(rows, "xtb")]


def conformer(smiles: str) -> Atoms | None:
    """Return one geometry, the same for the same SMILES, or nothing where RDKit has none."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    digest = hashlib.sha256(smiles.encode()).digest()
    if AllChem.EmbedMolecule(molecule, randomSeed=int.from_bytes(digest[:3], "big")) != 0:
        return None
    if AllChem.MMFFHasAllMoleculeParams(molecule):
        AllChem.MMFFOptimizeMolecule(molecule, maxIters=2000)
    positions = molecule.GetConformer().GetPositions()
    positions += np.random.default_rng(list(digest)).normal(0.0, MOVED_ANGSTROM, positions.shape)
    if changed_bonds(molecule, positions):
        return None
    atoms = Atoms([atom.GetSymbol() for atom in molecule.GetAtoms()], np.round(positions, DECIMALS))
    atoms.info = {"smiles": smiles, "total_charge": Chem.GetFormalCharge(molecule)}
    return atoms


def label(atoms: Atoms) -> None:
    """Add the moments of GFN2-xTB about the origin of the coordinates, and its charges."""
    from tblite.interface import Calculator  # only here: the help needs no tblite

    charge = float(atoms.info["total_charge"])
    calculator = Calculator("GFN2-xTB", atoms.numbers, atoms.positions / Bohr, charge=charge)
    calculator.set("verbosity", 0)
    found = calculator.singlepoint()
    atoms.info["REF_dipole"] = np.round(found.get("dipole") * Bohr, DECIMALS)
    quadrupole = matrix_of(found.get("quadrupole")) * Bohr**2
    atoms.info["REF_quadrupole"] = np.round(quadrupole, DECIMALS)
    atoms.arrays["REF_charges"] = np.round(found.get("charges"), DECIMALS)


def labelled() -> Iterator[Atoms]:
    """Yield the molecules with their labels; those that fail are counted and left out."""
    failed = 0
    for number, smiles in enumerate(chosen_smiles()):
        atoms = conformer(smiles)
        try:
            if atoms is not None:
                label(atoms)
        except RuntimeError:  # no convergence
            atoms = None
        if atoms is None:
            failed += 1
            continue
        atoms.info["id"] = f"xtb-{number:05d}"
        yield atoms
        if number % 500 == 499:
            log.info("%d molecules, %d of them left out", number + 1, failed)


def main() -> None:
    """Write the file; nothing is left of an attempt that fails."""
    argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0]).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    text = io.StringIO()
    with rdBase.BlockLogs():
        frames = list(labelled())
    write(text, frames, format="extxyz")
    with atomic_path(OUTPUT) as path:
        # Without a date inside, the same frames make the same file.
        path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
