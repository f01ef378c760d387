"""Make the labels of resources/labels: compute them, and pack them into one file per set.

Run from the repository's root, in the project's environment, as often and in as many processes as
there are cores; each goes on where all of them were::

    OMP_NUM_THREADS=1 nice python tools/make_labels.py compute organic --work /tmp/labels
    python tools/make_labels.py pack organic --work /tmp/labels
    python tools/make_labels.py card

``compute`` takes the geometries of ``resources/labels/geometries`` in their order, and leaves out
what ``resources/labels/NAME.h5`` holds already. ``pack`` adds what the work folder holds to it.
"""

import argparse
import logging
import sys
from bisect import bisect_left
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.qm.blas import choose_kernels  # noqa: E402

choose_kernels()

import pyscf  # noqa: E402
import yaml  # noqa: E402
from label_card import write_card  # noqa: E402
from label_comparison import comparison  # noqa: E402

from mepflow import __version__  # noqa: E402
from mepflow.archives.label_file import read_labels, write_labels  # noqa: E402
from mepflow.archives.label_geometries import (  # noqa: E402
    LabelGeometry,
    read_label_geometries,
)
from mepflow.archives.label_packing import no_labels, with_records  # noqa: E402
from mepflow.archives.label_set import LabelSet  # noqa: E402
from mepflow.errors import MepflowError  # noqa: E402
from mepflow.qm.label_calculation import LabelSettings  # noqa: E402
from mepflow.qm.label_run import compute_labels, read_journals  # noqa: E402
from mepflow.qm.levels import LevelOfTheory  # noqa: E402

log = logging.getLogger("make_labels")

FOLDER: Final = ROOT / "resources" / "labels"
SETS: Final = ("organic", "bench", "pretraining")
LEVEL: Final = "wb97m-d3bj-def2-tzvppd-quick"
BENCH_LEVEL: Final = "hf-6-31g-d"
PRETRAINING_LEVEL: Final = "b3lyp-def2-svpd-quick"
BENCH_GRIDS: Final = ("mk",)
GRIDS: Final = {
    "organic": ("mk", "chelpg"),
    "bench": ("mk", "chelpg", "surface"),
    "pretraining": ("mk",),
}
PRETRAINING_POINTS: Final = 0.3
"""Per Å² of the grid mk: of three thousand molecules, a third of the points says enough of each."""
SIZES: Final = {
    "organic": (3, 5, 6, 7, 9),
    "bench": (6, 7, 8, 9, 10, 11, 12, 13, 15),
    "pretraining": (7, 9),
}
"""Heavy atoms up to which molecules come first, then the next larger, in the order of the file."""


def definitions() -> dict[str, Any]:
    """Return the rows of config/definitions.yaml."""
    return dict(yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text()))


def settings_of(name: str) -> LabelSettings:
    """Return what is computed for a set."""
    rows = definitions()
    named = rows["levels_of_theory"]
    level, second, inexpensive = (
        LevelOfTheory.from_row(key, named[key]) for key in (LEVEL, BENCH_LEVEL, PRETRAINING_LEVEL)
    )
    grids = {grid: rows["grids"][grid] for grid in GRIDS[name]}
    if name == "organic":
        return LabelSettings(level, grids)
    if name == "bench":
        return LabelSettings(level, grids, second, BENCH_GRIDS)
    grids["mk"] |= {"points_per_angstrom2": PRETRAINING_POINTS}
    return LabelSettings(inexpensive, grids, moments_alone=True)


def geometries_of(name: str, folder: Path) -> list[LabelGeometry]:
    """Return a set's molecules in the order of computation."""
    plain = folder / f"{name}.jsonl"
    found = read_label_geometries(plain if plain.exists() else plain.with_suffix(".jsonl.gz"))
    return sorted(found, key=lambda geometry: bisect_left(SIZES[name], geometry.heavy_atoms))


def labels_of(name: str) -> LabelSet:
    """Return what a set's file holds, no molecules where there is none yet."""
    path = FOLDER / f"{name}.h5"
    if path.exists():
        return read_labels(path)
    settings = settings_of(name)
    levels = [vars(level) for level in (settings.level, settings.second_level) if level]
    software = {"mepflow": __version__, "pyscf": pyscf.__version__}
    return no_labels(
        levels, settings.grids, settings.second_grids, software, settings.moments_alone
    )


def compute(arguments: argparse.Namespace) -> None:
    """Compute what is missing of a set."""
    work = arguments.work / arguments.set
    finished = labels_of(arguments.set).finished
    geometries = geometries_of(arguments.set, arguments.geometries)[: arguments.first]
    done = compute_labels(
        geometries, settings_of(arguments.set), work, finished, arguments.memory_megabyte
    )
    log.info("%s: %d molecules computed by this process", arguments.set, done)


def pack(arguments: argparse.Namespace) -> None:
    """Add what the work folder holds to a set's file."""
    before = labels_of(arguments.set)
    after = with_records(before, read_journals(arguments.work / arguments.set))
    path = FOLDER / f"{arguments.set}.h5"
    write_labels(path, after)
    log.info(
        "%s: %d molecules, %d before; %d failed; %.2f MB",
        path,
        len(after),
        len(before),
        len(after.failed["id"]),
        path.stat().st_size / 1e6,
    )


def card(arguments: argparse.Namespace) -> None:
    """Write the numbers and the figure of the card."""
    geometries = {name: geometries_of(name, FOLDER / "geometries") for name in SETS}
    write_card(FOLDER / "README.md", {name: labels_of(name) for name in SETS}, geometries)


def compare(arguments: argparse.Namespace) -> None:
    """Show what other settings change on the smallest molecules of the organic set."""
    for part in comparison(labels_of("organic"), arguments.molecules):
        sys.stdout.write(part + "\n\n")
        sys.stdout.flush()


def main() -> int:
    """Run the command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    commands = parser.add_subparsers(required=True)
    add = commands.add_parser("compute", help="compute what is missing of a set")
    add.set_defaults(run=compute)
    add.add_argument("set", choices=SETS)
    add.add_argument("--work", type=Path, required=True, help="folder of the journals")
    add.add_argument("--geometries", type=Path, default=FOLDER / "geometries")
    add.add_argument("--first", type=int, default=None, help="stop after so many molecules")
    add.add_argument("--memory-megabyte", type=int, default=4000)
    add = commands.add_parser("pack", help="add finished molecules to a set's file")
    add.set_defaults(run=pack)
    add.add_argument("set", choices=SETS)
    add.add_argument("--work", type=Path, required=True, help="folder of the journals")
    add = commands.add_parser("card", help="write the numbers and the figure of the card")
    add.set_defaults(run=card)
    add = commands.add_parser("compare", help="show what other settings change on a few molecules")
    add.set_defaults(run=compare)
    add.add_argument("--molecules", type=int, default=10)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except MepflowError as error:
        log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
