"""Make the geometries of the label sets: one of each molecule of a list, in the list's order.

Run from the repository's root, in the project's environment with ``tblite`` besides, once for each
set; it can be stopped and taken up again, and changes no molecule that is there::

    pip install tblite==0.8.0
    OMP_NUM_THREADS=1 nice -n 10 python tools/make_label_geometries.py organic

Each molecule goes SMILES → conformers (RDKit's ETKDG, MMFF where it has the parameters) → lowest
minimum of GFN2-xTB, ions and zwitterions in implicit water (ALPB). Where the list says so, the
atoms are then displaced along the normal modes or about a bond, and not relaxed again. A molecule
whose bonds, judged by distances, are not those of its SMILES is rejected: its name and the reason
go to ``organic-rejected.csv`` or ``bench-rejected.csv``. The file's format:
:mod:`mepflow.archives.label_geometries`.
"""

import argparse
import gzip
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from label_list import (  # noqa: E402
    FOLDER,
    GROUP_SEPARATOR,
    REJECTED_COLUMNS,
    SEED,
    SETS,
    Row,
    list_path,
    read_rows,
    rejected_path,
    write_rows,
)
from label_relaxation import Rejected, geometry  # noqa: E402
from rdkit import rdBase  # noqa: E402

from mepflow.archives.label_geometries import (  # noqa: E402
    FORMAT,
    TEXT_KEYS,
    LabelGeometry,
    read_label_geometries,
)
from mepflow.storage.files import atomic_path  # noqa: E402

log = logging.getLogger("make_label_geometries")

FORMAT_VERSION: Final = 1
DECIMALS: Final = 6
"""Of positions in Å."""


def make(row: Row) -> LabelGeometry:
    """Return a molecule of a list with its geometry; raises :class:`Rejected`."""
    numbers, positions = geometry(row["smiles"], row["geometry"], row["environment"])
    return geometry_of_positions(row, numbers, np.round(positions, DECIMALS))


def geometry_of_positions(
    row: Row, numbers: Sequence[int], positions: npt.NDArray[np.float64]
) -> LabelGeometry:
    """Return a molecule of a list with atomic numbers (n,) and rounded positions (n, 3) in Å."""
    return LabelGeometry(
        {key: row[key] for key in TEXT_KEYS},
        int(row["charge"]),
        tuple(row["groups"].split(GROUP_SEPARATOR)) if row["groups"] else (),
        np.array(numbers, dtype=np.uint8),
        positions,
    )


def write_geometries(found: Sequence[LabelGeometry], path: Path, name: str, listed: int) -> None:
    """Write a set's file, the same bytes for the same molecules."""
    header = {"format": FORMAT, "version": FORMAT_VERSION, "set": name, "seed": SEED}
    lines = [json.dumps({**header, "molecules_listed": listed}), *(one.to_line() for one in found)]
    content = ("\n".join(lines) + "\n").encode()
    with atomic_path(path) as temporary:
        temporary.write_bytes(gzip.compress(content, mtime=0))


def make_set(name: str, folder: Path, most: int | None) -> None:
    """Make the geometries of a set that are neither in its file nor rejected, ``most`` at most.

    The file and the list of rejected molecules are written after each molecule.
    """
    rows = read_rows(list_path(folder, name))
    path, refused_path = folder / f"{name}.jsonl.gz", rejected_path(folder, name)
    found = read_label_geometries(path) if path.exists() else []
    refused = read_rows(refused_path) if refused_path.exists() else []
    done = {one.id for one in found} | {row["id"] for row in refused}
    place = {row["id"]: k for k, row in enumerate(rows)}
    for row in [row for row in rows if row["id"] not in done][:most]:
        try:
            found.append(make(row))
        except Rejected as reason:
            refused.append({**row, "reason": str(reason)})
            shown = [{key: one[key] for key in REJECTED_COLUMNS} for one in refused]
            write_rows(shown, refused_path, REJECTED_COLUMNS)
            log.warning("%s %s: %s", row["id"], row["smiles"], reason)
        else:
            found.sort(key=lambda one: place[one.id])
            write_geometries(found, path, name, len(rows))
            log.info("%s %s: %s", row["id"], row["smiles"], row["geometry"])


def main() -> None:
    """Make what is missing of a set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--most", type=int, help="stop after so many molecules")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with rdBase.BlockLogs():  # UFF's complaints about ions that it has no type for
        make_set(arguments.set, arguments.folder, arguments.most)


if __name__ == "__main__":
    main()
