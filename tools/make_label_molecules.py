"""Make the lists of molecules of the label sets: chosen, split and ordered before any calculation.

Run from the repository's root, in the project's environment, in some three minutes::

    python tools/make_label_molecules.py --folder /tmp/lists

Organic: of all molecules of the rules (:mod:`label_enumeration`), those of :mod:`label_selection`.
Bench: the list of :mod:`label_bench`; none of it is in the organic set, in the embedded archives or
among the molecules of the default model. A list that is there stays as it is: labels are computed
in its order and by its ids.
"""

import argparse
import logging
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

import h5py  # noqa: E402
from label_bench import bench_molecules  # noqa: E402
from label_enumeration import enumerate_candidates  # noqa: E402
from label_list import (  # noqa: E402
    BENCH_SPLIT,
    FOLDER,
    SEED,
    Row,
    describe,
    list_path,
    ordered,
    read_rows,
    split_of,
    write_rows,
)
from label_names import NAMES  # noqa: E402
from label_selection import choose  # noqa: E402
from rdkit import Chem  # noqa: E402
from rdkit.Chem.rdMolDescriptors import CalcMolFormula  # noqa: E402

from mepflow.archives.qm9 import Record, read_records  # noqa: E402
from mepflow.selection.identity import canonical_smiles  # noqa: E402

log = logging.getLogger("make_label_molecules")

DEFAULT_MODEL: Final = ROOT / "resources" / "models" / "default" / "molecules.csv"
EMBEDDED: Final = ROOT / "resources" / "embedded"
ORGANIC_MOLECULES: Final = 1760
"""A tenth more than wanted, since some are rejected with their geometries."""


def organic_rows() -> list[Row]:
    """Return the organic set's rows in their order."""
    bench = {canonical_smiles(smiles) for smiles, _ in bench_molecules()}
    pool = [one for one in enumerate_candidates() if one.smiles not in bench]
    log.info("%d molecules follow from the rules", len(pool))
    names = {canonical_smiles(smiles): name for smiles, name in NAMES.items()}
    rows = []
    for one in choose(pool, ORGANIC_MOLECULES, SEED, names.keys()):
        name = names.get(one.smiles, CalcMolFormula(Chem.MolFromSmiles(one.smiles)))
        rows.append(describe(one.smiles, name, split_of(one.smiles)))
    return ordered(rows, "organic")


def bench_rows() -> list[Row]:
    """Return the bench set's rows in their order.

    Raises ``SystemExit`` naming a molecule that is none or that a model has been trained on.
    """
    rows, known = [], molecules_of_models()
    for smiles, name in bench_molecules():
        canonical = canonical_smiles(smiles)
        if canonical is None or canonical in known:
            raise SystemExit(f"{name}: {smiles} is no molecule, or one that is trained on")
        rows.append(describe(canonical, name, BENCH_SPLIT))
    return ordered(rows, "bench")


def molecules_of_models() -> set[str]:
    """Return the SMILES of both embedded archives and of the default model's molecules."""
    found = [row["smiles"] for row in read_rows(DEFAULT_MODEL)]
    for record in read_records(EMBEDDED / "dsgdb9nsd.xyz.tar.bz2"):
        if isinstance(record, Record):
            found += [record.archive_smiles, record.relaxed_smiles]
    with h5py.File(EMBEDDED / "SPICE-embedded.hdf5") as file:
        found += [group["smiles"].asstr()[0] for group in file.values() if "smiles" in group]
    return {smiles for smiles in map(canonical_smiles, found) if smiles is not None}


def main() -> None:
    """Write the lists that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for name, rows in (("bench", bench_rows), ("organic", organic_rows)):
        path = list_path(arguments.folder, name)
        if not path.exists():
            write_rows(rows(), path)
        log.info("%s: %d molecules", path, len(read_rows(path)))


if __name__ == "__main__":
    main()
