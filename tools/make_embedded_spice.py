"""Make the embedded archive in SPICE's layout, and its potentials: molecules of our choice.

Run from the repository's root, in the project's environment with ``tblite`` besides::

    pip install tblite==0.8.0
    OMP_NUM_THREADS=1 python tools/make_embedded_spice.py --work /tmp/spice --jobs 2

Each molecule goes SMILES → conformers (RDKit) → a minimum, and for some two snapshots of a short
Langevin run (GFN2-xTB) → energy, gradient and moments (ωB97M-D3(BJ)/def2-SVP, density fitting) →
MBIS multipoles (:mod:`mepflow.qm.stockholder`) and the potential on the grids of ``GRIDS``. Every
conformer is a file of the work folder, so that the run can be stopped and taken up again. What the
groups are for stands in ``resources/embedded/README.md``.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.qm.blas import choose_kernels  # noqa: E402

choose_kernels()

import h5py  # noqa: E402
import pyscf  # noqa: E402
import yaml  # noqa: E402
from embedded_spice_calculation import (  # noqa: E402
    GROUND_STATE_UNPAIRED,
    atomic_energy,
    record_of,
)
from embedded_spice_geometries import build, geometries  # noqa: E402
from embedded_spice_molecules import EMPTY, ENTRIES, WITHOUT_MBIS, Entry  # noqa: E402
from label_groups import groups_of, kind_of  # noqa: E402
from pyscf import lib  # noqa: E402
from rdkit import Chem, RDLogger  # noqa: E402

from mepflow import __version__  # noqa: E402
from mepflow.archives.label_file import write_labels  # noqa: E402
from mepflow.archives.label_geometries import LabelGeometry  # noqa: E402
from mepflow.archives.label_packing import no_labels, with_records  # noqa: E402
from mepflow.qm.levels import LevelOfTheory  # noqa: E402
from mepflow.storage.files import atomic_path  # noqa: E402

Arrays = dict[str, npt.NDArray[Any]]
log = logging.getLogger("make_embedded_spice")

LEVEL: Final = "wb97m-d3bj-def2-svp"
GRIDS: Final = ("mk", "chelpg")
GEOMETRY_KINDS: Final = ("minimum", "dynamics", "dynamics")
DATASETS: Final = {
    "conformations": (np.float32, "bohr"),
    "dft_total_energy": (np.float64, "hartree"),
    "dft_total_gradient": (np.float32, "hartree/bohr"),
    "formation_energy": (np.float64, "hartree"),
    "mbis_charges": (np.float32, "elementary_charge"),
    "mbis_dipoles": (np.float32, "elementary_charge*bohr"),
    "mbis_octupoles": (np.float32, "elementary_charge*bohr^3"),
    "mbis_quadrupoles": (np.float32, "elementary_charge*bohr^2"),
    "scf_dipole": (np.float32, "elementary_charge*bohr"),
    "scf_quadrupole": (np.float32, "elementary_charge*bohr^2"),
}


@cache
def definitions() -> dict[str, Any]:
    """Return the rows of config/definitions.yaml."""
    return dict(yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text()))


def level_of_theory() -> LevelOfTheory:
    """Return the level under the name that the default run gives it."""
    return LevelOfTheory.from_row(LEVEL, definitions()["levels_of_theory"][LEVEL])


def grids() -> dict[str, Any]:
    """Return the rows of the grids that the potential is computed on."""
    return {name: definitions()["grids"][name] for name in GRIDS}


def kept(path: Path, make: Callable[[], Arrays]) -> Arrays:
    """Return the arrays of ``path``, made by ``make()`` and written there if it is missing."""
    if not path.exists():
        arrays = make()
        with atomic_path(path) as temporary:
            np.savez(temporary, **arrays)
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def label_geometries(entry: Entry, work: Path) -> list[LabelGeometry]:
    """Return the conformers of a group, under the keys that the reader of SPICE gives them."""
    frames = kept(work / f"{entry.name}.geometries.npz", lambda: {"positions": geometries(entry)})[
        "positions"
    ]
    molecule = build(entry.smiles)
    plain = Chem.MolFromSmiles(entry.smiles)
    return [
        LabelGeometry(
            {
                "id": f"{entry.name}:{number}",
                "name": entry.name.replace("_", " "),
                "smiles": Chem.MolToSmiles(plain),
                "kind": kind_of(plain),
                "split": "",
                "geometry": kind,
                "environment": "gas",
            },
            Chem.GetFormalCharge(molecule),
            tuple(groups_of(plain)),
            np.array([atom.GetAtomicNum() for atom in molecule.GetAtoms()], np.uint8),
            positions,
        )
        for number, (kind, positions) in enumerate(zip(GEOMETRY_KINDS, frames, strict=False))
    ]


def records(entry: Entry, work: Path) -> list[Arrays]:
    """Return the records of a group's conformers, each kept in the work folder."""
    wanted = grids() if entry.has_potential else {}
    return [
        kept(
            work / f"{geometry.id}.npz", lambda g=geometry: record_of(g, wanted, level_of_theory())
        )
        for geometry in label_geometries(entry, work)
    ]


def atomic_energies(work: Path) -> dict[str, float]:
    """Return the energies of the elements' neutral atoms in hartree, kept in the work folder."""
    level = level_of_theory()
    arrays = kept(
        work / "atoms.npz",
        lambda: {s: np.float64(atomic_energy(s, level)) for s in GROUND_STATE_UNPAIRED},
    )
    return {symbol: float(energy) for symbol, energy in arrays.items()}


def compute(job: tuple[Entry, Path]) -> tuple[str, str]:
    """Compute everything of one molecule; return its name, and what went wrong if anything did."""
    entry, work = job
    RDLogger.DisableLog("rdApp.*")
    lib.num_threads(1)
    try:
        if entry.name != EMPTY:
            records(entry, work)
    except RuntimeError as error:
        return entry.name, str(error)
    return entry.name, ""


def write_group(group: h5py.Group, entry: Entry, work: Path, atoms: dict[str, float]) -> None:
    """Fill one group with the datasets of the original, in its dtypes and units."""
    if entry.name == EMPTY:
        return
    molecule = build(entry.smiles)
    found = records(entry, work)
    columns = {
        name: np.array([one[name] for one in found]) for name in DATASETS if name in found[0]
    }
    free_atoms = sum(atoms[atom.GetSymbol()] for atom in molecule.GetAtoms())
    columns["formation_energy"] = columns["dft_total_energy"] - free_atoms
    group["subset"] = [f"mepflow {entry.subset}"]
    group["smiles"] = [Chem.MolToSmiles(molecule)]
    group["atomic_numbers"] = np.array([a.GetAtomicNum() for a in molecule.GetAtoms()], np.int16)
    for name, (dtype, unit) in DATASETS.items():
        if entry.name == WITHOUT_MBIS and name.startswith("mbis_"):
            continue
        group.create_dataset(name, data=columns[name].astype(dtype))
        group[name].attrs["units"] = unit


def write_archive(path: Path, entries: Sequence[Entry], work: Path) -> None:
    """Write ``entries`` as an HDF5 file, one group each."""
    atoms = atomic_energies(work)
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as archive:
        for entry in entries:
            write_group(archive.create_group(entry.name), entry, work, atoms)


def write_potentials(path: Path, entries: Sequence[Entry], work: Path) -> None:
    """Write the set of labels of the conformers that have potentials."""
    software = {"mepflow": __version__, "pyscf": pyscf.__version__}
    empty = no_labels([vars(level_of_theory())], grids(), (), software)
    wanted = (entry for entry in entries if entry.has_potential)
    found: Iterator[Arrays] = (record for entry in wanted for record in records(entry, work))
    write_labels(path, with_records(empty, found))


def main(arguments: Sequence[str] | None = None) -> None:
    """Compute what is missing in the work folder and write the archive and its potentials."""
    parser = argparse.ArgumentParser(description="Make the embedded archive in SPICE's layout.")
    parser.add_argument("--work", type=Path, required=True, help="folder of finished steps")
    parser.add_argument("--jobs", type=int, default=1, help="molecules at a time")
    parser.add_argument("--only", nargs="+", help="names of groups, rather than all")
    parser.add_argument("--output", type=Path, default=ROOT / "resources" / "embedded")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    entries = [e for e in ENTRIES if not options.only or e.name in options.only]
    options.work.mkdir(parents=True, exist_ok=True)
    failures = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for name, failure in pool.map(compute, [(entry, options.work) for entry in entries]):
            log.info("%s %s", name, failure)
            failures += [name] if failure else []
    if failures:
        raise SystemExit(f"Take out or mend {', '.join(failures)}.")
    write_archive(options.output / "SPICE-embedded.hdf5", entries, options.work)
    write_potentials(options.output / "SPICE-embedded-potentials.h5", entries, options.work)


if __name__ == "__main__":
    main()
