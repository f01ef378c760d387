"""Make the geometries of the label sets: one of each molecule of a list, in the list's order.

Run from the repository's root, in the project's environment with ``tblite`` besides, once for each
set; it can be stopped and taken up again, and only ever appends::

    pip install tblite==0.8.0
    OMP_NUM_THREADS=1 nice -n 10 python tools/label_geometries.py organic

Each molecule goes SMILES → conformers (RDKit's ETKDG, MMFF where it has the parameters) → lowest
minimum of GFN2-xTB, ions and zwitterions in implicit water (ALPB). Where the list says so, the
atoms are then displaced along the normal modes (as thermal quantum oscillators) or about a bond,
and not relaxed again. A molecule whose bonds, judged by distances, are not those of its SMILES is
rejected: its name and the reason go to ``organic-rejected.csv`` or ``bench-rejected.csv``.
"""

import argparse
import csv
import json
import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from label_molecules import FOLDER, SEED, Row, read_rows  # noqa: E402
from label_relaxation import Rejected, geometry  # noqa: E402
from rdkit import RDLogger  # noqa: E402

from mepflow.storage.files import atomic_path  # noqa: E402

FloatArray = npt.NDArray[np.float64]
log = logging.getLogger("label_geometries")

FORMAT: Final = {"format": "mepflow label geometries", "version": 1}
SETS: Final = ("organic", "bench")
DECIMALS: Final = 6
REJECTED_COLUMNS: Final = ("id", "name", "smiles", "reason")


def header(name: str, rows: list[Row]) -> dict[str, Any]:
    """Return the first line of a set's file."""
    return {**FORMAT, "set": name, "seed": SEED, "molecules_listed": len(rows)}


def record(row: Row, numbers: list[int], positions: FloatArray) -> dict[str, Any]:
    """Return the line of a molecule; ``positions`` (n, 3) in Å."""
    return {
        **{key: row[key] for key in ("id", "name", "smiles")},
        "charge": int(row["charge"]),
        "kind": row["kind"],
        "groups": row["groups"].split(";") if row["groups"] else [],
        **{key: row[key] for key in ("split", "geometry", "environment")},
        "atomic_numbers": numbers,
        "positions_angstrom": np.round(positions, DECIMALS).tolist(),
    }


def read_geometries(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the molecules of a set's file, without the header."""
    with path.open() as file:
        for line in file:
            found = json.loads(line)
            if "format" not in found:
                yield found


def read_rejected(path: Path) -> dict[str, Row]:
    """Return the rejected molecules by id; none where there is no file."""
    return {row["id"]: row for row in read_rows(path)} if path.exists() else {}


def make(row: Row) -> dict[str, Any] | Row:
    """Return a molecule's record, or its row of rejected ones with the reason."""
    try:
        numbers, positions = geometry(row["smiles"], row["geometry"], row["environment"])
    except Rejected as reason:
        return {**{key: row[key] for key in REJECTED_COLUMNS[:-1]}, "reason": str(reason)}
    return record(row, numbers, positions)


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Append a line as JSON."""
    with path.open("a") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()


def drop_torn_line(path: Path) -> None:
    """Cut off a last line that a kill left unfinished."""
    content = path.read_bytes()
    complete = content[: content.rfind(b"\n") + 1]
    if complete != content:
        with atomic_path(path) as temporary:
            temporary.write_bytes(complete)


def write_rejected(rejected: Mapping[str, Row], path: Path) -> None:
    """Write the rejected molecules of both sets as CSV."""
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, REJECTED_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rejected.values())


def make_set(name: str, folder: Path, most: int | None) -> None:
    """Make the geometries of a set that are neither in its file nor rejected, ``most`` at most."""
    rows = read_rows(folder / f"{name}-molecules.csv")
    path, rejected_path = folder / f"{name}.jsonl", folder / f"{name}-rejected.csv"
    if path.exists():
        drop_torn_line(path)
    else:
        append(path, header(name, rows))
    done = {one["id"] for one in read_geometries(path)}
    rejected = read_rejected(rejected_path)
    left = [row for row in rows if row["id"] not in done and row["id"] not in rejected]
    for row in left[:most]:
        made = make(row)
        if "reason" in made:
            rejected[row["id"]] = made
            write_rejected(rejected, rejected_path)
        else:
            append(path, made)
        log.info("%s %s: %s", row["id"], row["smiles"], made.get("reason", row["geometry"]))


def main() -> None:
    """Make what is missing of a set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--most", type=int, help="stop after so many molecules")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    RDLogger.DisableLog("rdApp.*")
    make_set(arguments.set, arguments.folder, arguments.most)


if __name__ == "__main__":
    main()
