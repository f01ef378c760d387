"""Geometries to train the embedded model with: QM9's, SPICE's small molecules, and our own.

=============  ====================================================================================
qm9            relaxed geometries of QM9 (B3LYP), a number of each size, taken by a hash of their id
des            SPICE's small molecules: one of the conformers, far from their minima
fluorinated    QM9's smallest with fluorine in place of one to three hydrogens of carbon; MMFF
drawn          functional groups that the others lack, from the SMILES in the recipe; MMFF
=============  ====================================================================================

A molecule is known by its SMILES without stereochemistry (:mod:`mepflow.selection.identity`); for
QM9's the bonds are perceived from the geometry. None that is in the test set is taken, and no
molecule twice within a source. The others' files are the ones of a folder with ``qm9/*.npz``
(ragged geometries in Å by ``atom_offsets``) and ``spice/des-monomers.hdf5`` (SPICE's inputs, in
nm).
"""

import hashlib
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import AllChem, rdDetermineBonds

from mepflow import units
from mepflow.elements import ATOMIC_NUMBERS, SYMBOLS
from mepflow.molecules import Molecule
from mepflow.selection.identity import canonical_smiles

FloatArray = npt.NDArray[np.float64]
log = logging.getLogger(__name__)

QM9_FILES: Final = ("reference_small.npz", "geometries_mp2_dipoles.npz")
DES_FILE: Final = "des-monomers.hdf5"
ELEMENTS: Final = frozenset({"H", "C", "N", "O", "F"})
MOST_FLUORINES: Final = 3
EMBEDDING_SEED: Final = 20
_RELAXATION_STEPS: Final = 2000


@dataclass(frozen=True)
class Geometry:
    """Elements, positions (n, 3) in Å and SMILES (canonical, no stereochemistry), with an id."""

    id: str
    symbols: tuple[str, ...]
    positions: FloatArray
    smiles: str

    @property
    def heavy_atoms(self) -> int:
        """Return the number of atoms other than hydrogen."""
        return sum(symbol != "H" for symbol in self.symbols)

    def to_molecule(self) -> Molecule:
        """Return the neutral molecule, in bohr."""
        numbers = np.array([ATOMIC_NUMBERS[symbol] for symbol in self.symbols], dtype=np.uint8)
        positions = np.asarray(self.positions, dtype=float) * units.ANGSTROM_IN_BOHR
        return Molecule(self.id, numbers, positions, 0, self.smiles)


def gather(
    folder: Path, recipe: Mapping[str, Any], test: Collection[str], known: Collection[str]
) -> list[Geometry]:
    """Return the geometries of a recipe, small molecules first: of all, the smallest.

    ``test`` are canonical SMILES of molecules that must not be among them, ``known`` those that
    are trained on anyway, at their minima: of them only conformers far from it are taken.
    """
    qm9 = read_qm9(folder / "qm9", recipe["qm9"]["molecules_of_heavy_atoms"])
    sources: dict[str, Iterable[Geometry]] = {
        "qm9": qm9,
        "des": read_des(folder / "spice" / DES_FILE, recipe["des"]["most_heavy_atoms"]),
        "fluorinated": fluorinated(qm9, recipe["fluorinated"]["most_heavy_atoms"]),
        "drawn": drawn(recipe["drawn"]["smiles"].split()),
    }
    gathered = []
    for name, found in sources.items():
        excluded = {*test} if name == "des" else {*test, *known}
        chosen = sorted(_distinct(found, excluded), key=_order)[: recipe[name].get("molecules")]
        log.info("%s: %d molecules", name, len(chosen))
        gathered += chosen
    return sorted(gathered, key=_order)[: recipe["molecules"]]


def read_qm9(folder: Path, counts: Mapping[int, int]) -> list[Geometry]:
    """Return ``counts[n]`` molecules of n heavy atoms, the first by the hash of their id."""
    offered: dict[int, dict[str, Any]] = {n: {} for n in counts}
    for name in QM9_FILES:
        with np.load(folder / name, allow_pickle=False) as file:
            columns = [file[key] for key in ("atom_offsets", "gdb_index")]
            numbers, positions = file["atomic_numbers"], file["positions_angstrom"]
        for start, end, index in zip(columns[0][:-1], columns[0][1:], columns[1], strict=True):
            heavy = int((numbers[start:end] > 1).sum())
            if heavy in offered:
                offered[heavy][f"qm9_{index:06d}"] = (numbers[start:end], positions[start:end])
    found = []
    for heavy, molecules in offered.items():
        for key in sorted(molecules, key=_rank)[: counts[heavy]]:
            symbols = tuple(SYMBOLS[z] for z in molecules[key][0])
            smiles = perceived_smiles(symbols, molecules[key][1])
            if smiles is not None:
                found.append(Geometry(key, symbols, molecules[key][1], smiles))
    return found


def perceived_smiles(symbols: Collection[str], positions: FloatArray) -> str | None:
    """Return the SMILES whose bonds follow from a geometry in Å, or None where none can be told."""
    rows = [f"{s} {x:.8f} {y:.8f} {z:.8f}" for s, (x, y, z) in zip(symbols, positions, strict=True)]
    molecule = Chem.MolFromXYZBlock("\n".join([str(len(rows)), "", *rows]))
    try:
        rdDetermineBonds.DetermineBonds(molecule, charge=0)
    except ValueError:
        return None
    return canonical_smiles(Chem.MolToSmiles(molecule))


def read_des(path: Path, most_heavy_atoms: int) -> Iterator[Geometry]:
    """Yield one conformer of each neutral molecule of SPICE's inputs, chosen by its name's hash."""
    with h5py.File(path) as file:
        for name, group in file.items():
            mapped = Chem.MolFromSmiles(group["smiles"].asstr()[0], _KEEP_HYDROGENS)
            if Chem.GetFormalCharge(mapped) or mapped.GetNumHeavyAtoms() > most_heavy_atoms:
                continue
            atoms = sorted(mapped.GetAtoms(), key=lambda atom: atom.GetAtomMapNum())
            conformers = group["conformations"]
            chosen = int(_rank(name), 16) % len(conformers)
            smiles = canonical_smiles(Chem.MolToSmiles(mapped))
            if smiles is not None and "." not in smiles:
                positions = np.asarray(conformers[chosen], dtype=float) * 10.0
                symbols = tuple(atom.GetSymbol() for atom in atoms)
                yield Geometry(f"des_{name}_{chosen}", symbols, positions, smiles)


def fluorinated(molecules: Iterable[Geometry], most_heavy_atoms: int) -> Iterator[Geometry]:
    """Yield fluorine derivatives, one of each molecule: which hydrogens go follows from its id."""
    for molecule in molecules:
        parent = Chem.AddHs(Chem.MolFromSmiles(molecule.smiles))
        hydrogens = [
            atom.GetIdx()
            for atom in parent.GetAtoms()
            if atom.GetAtomicNum() == 1 and atom.GetNeighbors()[0].GetSymbol() == "C"
        ]
        generator = np.random.default_rng(int(_rank(molecule.id), 16) % 2**32)
        count = int(generator.integers(1, MOST_FLUORINES + 1))
        if len(hydrogens) < count or molecule.heavy_atoms + count > most_heavy_atoms:
            continue
        for index in generator.choice(hydrogens, count, replace=False):
            parent.GetAtomWithIdx(int(index)).SetAtomicNum(9)
        Chem.SanitizeMol(parent)
        geometry = conformer(f"fluorinated_{molecule.id}", Chem.MolToSmiles(parent))
        if geometry is not None:
            yield geometry


def drawn(smiles: Iterable[str]) -> Iterator[Geometry]:
    """Yield a conformer of each SMILES."""
    for text in smiles:
        geometry = conformer(f"drawn_{text}", text)
        if geometry is None:
            raise SystemExit(f"no conformer of {text}")
        yield geometry


def conformer(name: str, smiles: str) -> Geometry | None:
    """Return a conformer, embedded by RDKit and relaxed with MMFF, or None where that fails."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    if AllChem.EmbedMolecule(molecule, randomSeed=EMBEDDING_SEED) != 0:
        return None
    if not AllChem.MMFFHasAllMoleculeParams(molecule):
        return None
    if AllChem.MMFFOptimizeMolecule(molecule, maxIters=_RELAXATION_STEPS) != 0:
        return None
    known = canonical_smiles(smiles)
    if known is None:
        return None
    symbols = tuple(atom.GetSymbol() for atom in molecule.GetAtoms())
    return Geometry(name, symbols, molecule.GetConformer().GetPositions(), known)


def _distinct(found: Iterable[Geometry], excluded: Collection[str]) -> Iterator[Geometry]:
    seen = set(excluded)
    for geometry in found:
        if geometry.smiles not in seen and set(geometry.symbols) <= ELEMENTS:
            seen.add(geometry.smiles)
            yield geometry


def _order(geometry: Geometry) -> tuple[int, str]:
    return geometry.heavy_atoms, _rank(geometry.id)


def _rank(name: str) -> str:
    """Return a pseudo-random rank that depends on the name alone."""
    return hashlib.sha256(name.encode()).hexdigest()


def _parser_with_hydrogens() -> Chem.SmilesParserParams:
    parameters = Chem.SmilesParserParams()
    parameters.removeHs = False
    return parameters


_KEEP_HYDROGENS: Final = _parser_with_hydrogens()
