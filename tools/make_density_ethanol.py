"""Make the ethanol of the study densities: geometries, and their labels in one file.

Run from the repository's root, in the project's environment; ``compute`` as often and in as many
processes as there are cores, each goes on where all of them were::

    OMP_NUM_THREADS=1 python tools/make_density_ethanol.py geometries --work /tmp/ethanol
    OMP_NUM_THREADS=1 nice python tools/make_density_ethanol.py compute --work /tmp/ethanol
    python tools/make_density_ethanol.py pack --work /tmp/ethanol

``pack`` writes ``resources/embedded/ethanol-pbe.h5``. A run reads it as an archive of the format
``labelled``. More geometries for a file of one's own begin with the same ones: ``--count 400`` of
``geometries``, ``--output FILE`` of ``pack``; another molecule has ``--smiles`` and ``--level``.
"""

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.qm.blas import choose_kernels  # noqa: E402

choose_kernels()

import pyscf  # noqa: E402
import yaml  # noqa: E402
from ethanol_geometries import SMILES, relaxed, sampled  # noqa: E402

from mepflow import __version__  # noqa: E402
from mepflow.archives.label_file import write_labels  # noqa: E402
from mepflow.archives.label_geometries import FORMAT, read_label_geometries  # noqa: E402
from mepflow.archives.label_packing import no_labels, with_records  # noqa: E402
from mepflow.errors import MepflowError  # noqa: E402
from mepflow.qm.label_calculation import LabelSettings  # noqa: E402
from mepflow.qm.label_run import compute_labels, read_journals  # noqa: E402
from mepflow.qm.levels import LevelOfTheory  # noqa: E402
from mepflow.storage.files import atomic_path  # noqa: E402

log = logging.getLogger("make_density_ethanol")

OUTPUT: Final = ROOT / "resources" / "embedded" / "ethanol-pbe.h5"
LEVEL: Final = "pbe-def2-svp-quick"
GRIDS: Final = ("mk",)
GEOMETRIES: Final = 280
SEED: Final = 1


def settings(name: str) -> LabelSettings:
    """Return what is computed, at the level of theory of a name."""
    rows: dict[str, Any] = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())
    level = LevelOfTheory.from_row(name, rows["levels_of_theory"][name])
    return LabelSettings(level, {name: rows["grids"][name] for name in GRIDS})


def make_geometries(work: Path, count: int, smiles: str) -> None:
    """Write ``count`` geometries of a molecule into the work folder."""
    molecule, atoms = relaxed(SEED, smiles)
    name = "ethanol" if smiles == SMILES else str(atoms.symbols)
    lines = [json.dumps({"format": FORMAT})]
    for number, positions in enumerate(sampled(molecule, atoms, count, SEED)):
        row = {
            "id": f"{name}_{number:03d}",
            "name": name,
            "smiles": smiles,
            "kind": "neutral",
            "split": "",
            "geometry": "displaced_modes",
            "environment": "gas",
            "charge": 0,
            "groups": ["alcohol"] if smiles == SMILES else [],
            "atomic_numbers": atoms.get_atomic_numbers().tolist(),
            "positions_angstrom": positions.tolist(),
        }
        lines.append(json.dumps(row))
    with atomic_path(geometries_of(work)) as temporary:
        temporary.write_text("\n".join(lines) + "\n")
    log.info("%s: %d geometries", geometries_of(work), count)


def geometries_of(work: Path) -> Path:
    """Return the file of the geometries."""
    return work / "geometries.jsonl"


def compute(work: Path, level: str) -> None:
    """Compute the labels that are missing."""
    geometries = read_label_geometries(geometries_of(work))
    done = compute_labels(geometries, settings(level), work, (), 4000)
    log.info("%d geometries computed by this process", done)


def pack(work: Path, output: Path, level: str) -> None:
    """Write what the work folder holds into an archive."""
    chosen = settings(level)
    software = {"mepflow": __version__, "pyscf": pyscf.__version__}
    empty = no_labels([vars(chosen.level)], chosen.grids, (), software)
    labels = with_records(empty, read_journals(work))
    write_labels(output, labels)
    log.info("%s: %d geometries, %.2f MB", output, len(labels), output.stat().st_size / 1e6)


COMMANDS: Final = ("geometries", "compute", "pack")


def main() -> int:
    """Run the command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--work", type=Path, required=True, help="folder of what is finished")
    parser.add_argument("--count", type=int, default=GEOMETRIES, help="of geometries")
    parser.add_argument("--smiles", default=SMILES, help="the molecule of geometries")
    parser.add_argument("--level", default=LEVEL, help="level of theory of compute and pack")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="archive of pack")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "geometries":
                make_geometries(arguments.work, arguments.count, arguments.smiles)
            case "compute":
                compute(arguments.work, arguments.level)
            case _:
                pack(arguments.work, arguments.output, arguments.level)
    except MepflowError as error:
        log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
