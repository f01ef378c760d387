"""Make up archives of the real ones' layout and size, to try `config/paper.yaml` without them.

Run from the repository's root, in the project's environment::

    python tools/make_rehearsal_archives.py

writes into ``resources/downloads/rehearsal`` an archive in QM9's layout and one in SPICE's, the
list of molecules to leave out of the first, and for each a file of the values that a run of mepflow
would compute (key ``reference`` of an archive's row). **All of it is made up**: the molecules are
fragments joined at random (:mod:`rehearsal_fragments`), their labels the multipoles of one of the
models that come with mepflow, the potentials those of the multipoles. With other numbers than those
of ``config/archives.yaml`` (``--records``, ``--groups``) the rows there must be changed, too.
"""

import argparse
import heapq
import logging
import sys
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from rehearsal_fragments import (  # noqa: E402
    FloatArray,
    Fragment,
    beside,
    joined,
    of_elements,
    read_fragments,
)
from rehearsal_records import add_record, energy, qm9_record, write_group  # noqa: E402

from mepflow.archives.qm9 import gdb_id  # noqa: E402
from mepflow.archives.species import read_species  # noqa: E402
from mepflow.electrostatics.atomic_terms import AtomicTerms, predicted_terms  # noqa: E402
from mepflow.electrostatics.potential import potential  # noqa: E402
from mepflow.geometry.grids import grid_points  # noqa: E402
from mepflow.models.model_file import load_model  # noqa: E402
from mepflow.models.predict import predict_table  # noqa: E402
from mepflow.molecules import GridValues, Molecule, MoleculeTable  # noqa: E402
from mepflow.multipoles import centre_of_nuclear_charge  # noqa: E402
from mepflow.selection.splits import TEST, rank  # noqa: E402
from mepflow.storage.files import atomic_path  # noqa: E402
from mepflow.storage.hdf5_file import create_hdf5  # noqa: E402
from mepflow.storage.shipped_files import SHIPPED_MODELS  # noqa: E402
from mepflow.units import ANGSTROM_IN_BOHR  # noqa: E402

log = logging.getLogger("make_rehearsal_archives")

FOLDER: Final = ROOT / "resources" / "downloads" / "rehearsal"
RECORDS, GROUPS = 133_885, 113_999
GRIDS: Final = ("mk", "chelpg", "shell")
QM9_ELEMENTS: Final = (1, 6, 7, 8, 9)
QM9_HEAVY_ATOMS: Final = (7, 8, 9)
SPICE_HEAVY_ATOMS: Final = 5
"""Least number of heavy atoms of a fragment there."""
COMPLEX_INTERVAL: Final = 3
"""Every so many groups there is a complex of two molecules."""
UNCHARACTERIZED_INTERVAL: Final = 44
"""QM9 lists 3,054 of 133,885 records."""
BLOCK: Final = 500
"""Molecules that go through the network together."""
TESTS: Final = {"qm9": 2400, "spice": 800}
"""Molecules of the lowest ranks, which have a potential: the test set and a reserve for filters."""
SEED: Final = 1
"""Of the random numbers, and the split's in config/paper.yaml."""
METADATA: Final = {
    "level_of_theory": None,
    "note": "MADE UP: the multipoles of a model that comes with mepflow, and their potential",
}


class Labelled(NamedTuple):
    """A made-up molecule, about its centre of nuclear charge, and a model's prediction of it."""

    molecule: Molecule
    fragment: Fragment
    terms: AtomicTerms
    dipole: FloatArray
    quadrupole: FloatArray


def main() -> None:
    """Write the files that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--output", type=Path, default=FOLDER)
    parser.add_argument("--records", type=int, default=RECORDS, help="records in QM9's layout")
    parser.add_argument("--groups", type=int, default=GROUPS, help="groups in SPICE's layout")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    fragments = read_fragments()
    if not (options.output / "qm9-reference.h5").exists():
        make_qm9(options.output, fragments, options.records)
    if not (options.output / "spice-reference.h5").exists():
        make_spice(options.output, fragments, options.groups)


def make_qm9(folder: Path, fragments: Sequence[Fragment], count: int) -> None:
    """Write the archive in QM9's layout, what stands beside it, and last what would be computed."""
    small = of_elements(fragments, QM9_ELEMENTS)
    rows: list[Labelled] = []
    with (
        atomic_path(folder / "dsgdb9nsd.xyz.tar.bz2") as temporary,
        tarfile.open(temporary, "w:bz2") as archive,
    ):
        ids = (gdb_id(number) for number in range(1, count + 1))
        for number, one in enumerate(labelled(qm9_molecules(small), ids, count, "default"), 1):
            swapped = ".".join(reversed(one.fragment.smiles.split(".")))
            record = qm9_record(number, one.fragment, one.terms.charges, one.dipole, swapped)
            add_record(archive, number, record)
            rows.append(one)
    with atomic_path(folder / "uncharacterized.txt") as temporary:
        listed = range(UNCHARACTERIZED_INTERVAL, count + 1, UNCHARACTERIZED_INTERVAL)
        temporary.write_text("".join(f"{number}\n" for number in listed or [count]))
    tests = heapq.nsmallest(TESTS["qm9"], (row.molecule.id for row in rows), key=rank_in_split)
    reference(rows, set(tests)).save(folder / "qm9-reference.h5")


def make_spice(folder: Path, fragments: Sequence[Fragment], count: int) -> None:
    """Write the archive in SPICE's layout, and last what would be computed of its test set."""
    large = [one for one in fragments if one.heavy_atoms >= SPICE_HEAVY_ATOMS]
    with (
        atomic_path(folder / "SPICE.hdf5") as temporary,
        create_hdf5(temporary) as file,
    ):

        def written() -> Iterator[Labelled]:
            ids = (f"{number:09d}" for number in range(count))
            for one in labelled(spice_molecules(large), ids, count, "organic"):
                write_group(file, one.molecule.id, one.fragment, spice_labels(one))
                yield one

        tests = heapq.nsmallest(TESTS["spice"], written(), key=species_rank)
    table = reference(tests, {one.molecule.id for one in tests})
    table.save(folder / "spice-reference.h5")


def qm9_molecules(fragments: Sequence[Fragment]) -> Iterator[Fragment]:
    """Yield molecules of as many heavy atoms as most of QM9 has.

    Raises ``ValueError`` where no two fragments have so many together.
    """
    rng = np.random.default_rng(SEED)
    sizes = np.array([one.heavy_atoms for one in fragments])
    partners = {
        size: np.flatnonzero(np.isin(size + sizes, QM9_HEAVY_ATOMS)) for size in set(sizes.tolist())
    }
    rows = [row for row, size in enumerate(sizes.tolist()) if len(partners[size])]
    if not rows:
        raise ValueError(f"no two of {len(sizes)} fragments have {QM9_HEAVY_ATOMS} heavy atoms")
    while True:
        row = rng.choice(rows)
        other = rng.choice(partners[int(sizes[row])])
        if molecule := joined(fragments[row], fragments[other], rng):
            yield molecule


def spice_molecules(fragments: Sequence[Fragment]) -> Iterator[Fragment]:
    """Yield larger molecules, ions among them, and complexes."""
    rng = np.random.default_rng(SEED)
    count = 0
    while True:
        one, other, third = (fragments[row] for row in rng.integers(len(fragments), size=3))
        molecule = joined(one, other, rng)
        if molecule is None or abs(molecule.total_charge) > 1:
            continue
        count += 1
        partner = joined(third, one, rng) if count % COMPLEX_INTERVAL == 0 else None
        is_complex = partner is not None and not partner.total_charge
        yield beside(molecule, partner, rng) if is_complex and partner else molecule


def labelled(
    fragments: Iterator[Fragment], ids: Iterator[str], count: int, model_name: str
) -> Iterator[Labelled]:
    """Yield so many molecules with the prediction of the first of the models of a name."""
    model, _ = load_model(SHIPPED_MODELS[model_name] / "seed-1.pt", "cpu")
    for first in range(0, count, BLOCK):
        size = min(BLOCK, count - first)
        block = [_centred(next(fragments)) for _ in range(size)]
        molecules = [
            Molecule(next(ids), one.numbers, one.positions * ANGSTROM_IN_BOHR, one.total_charge)
            for one in block
        ]
        found = predict_table(model, MoleculeTable.from_molecules(molecules))
        for row, (molecule, fragment) in enumerate(zip(molecules, block, strict=True)):
            dipole, quadrupole = (found.property_of(n, row) for n in ("dipole", "quadrupole"))
            yield Labelled(molecule, fragment, predicted_terms(found, row), dipole, quadrupole)
        log.info("%s: %d of %d molecules", model_name, first + size, count)


def _centred(fragment: Fragment) -> Fragment:
    centre = centre_of_nuclear_charge(fragment.numbers, fragment.positions)
    # As many digits as the archives have.
    return replace(fragment, positions=np.round(fragment.positions - centre, 10))


def spice_labels(one: Labelled) -> dict[str, FloatArray]:
    """Return what :func:`rehearsal_records.write_group` asks for; second moments have no trace."""
    atoms = len(one.molecule)
    dipoles, quadrupoles = one.terms.dipoles, one.terms.quadrupoles
    return {
        "charges": one.terms.charges,
        "dipoles": np.zeros((atoms, 3)) if dipoles is None else dipoles,
        "second_moments": np.zeros((atoms, 3, 3)) if quadrupoles is None else quadrupoles / 3,
        "dipole": one.dipole,
        "second_moment": one.quadrupole / 3,
    }


def rank_in_split(identifier: str) -> str:
    """Return the rank by which a molecule gets into the test set."""
    return rank(SEED, TEST, identifier)


def species_rank(one: Labelled) -> str:
    """Return the same where molecules go by their canonical SMILES."""
    species = read_species(one.fragment.mapped, one.fragment.numbers.tolist())
    return rank_in_split(species.molecule)


def reference(rows: Sequence[Labelled], tests: set[str]) -> MoleculeTable:
    """Return what a run would compute of molecules, with the potential of ``tests``."""
    settings = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())["grids"]
    grids: dict[str, Any] = {name: settings[name] for name in GRIDS}
    return MoleculeTable.from_molecules(
        [row.molecule for row in rows],
        {
            "energy": [energy(row.molecule.atomic_numbers) for row in rows],
            "dipole": [row.dipole for row in rows],
            "quadrupole": [row.quadrupole for row in rows],
            "mulliken_charges": [row.terms.charges for row in rows],
        },
        {name: _on_grid(grid, rows, tests) for name, grid in grids.items()},
        {**METADATA, "grid_settings": grids},
    )


def _on_grid(grid: dict[str, Any], rows: Sequence[Labelled], tests: set[str]) -> GridValues:
    parts = []
    for row in rows:
        points = np.empty((0, 3))
        if row.molecule.id in tests:
            points = grid_points(grid, row.molecule.atomic_numbers, row.molecule.positions)
        parts.append((points, _potential(points, row)))
    return GridValues.from_ragged(parts)


def _potential(points: FloatArray, row: Labelled) -> FloatArray:
    if not len(points):
        return np.empty(0)
    return np.asarray(potential(points, row.molecule.positions, *row.terms))


if __name__ == "__main__":
    main()
