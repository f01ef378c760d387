"""Made-up molecules by the hundred thousand: fragments of known geometry, joined by a single bond.

The fragments are the molecules of ``resources/labels/xtb.extxyz.gz``, each without a hydrogen atom
of a carbon atom. Two become one molecule by a bond between these carbon atoms, turned about it
until their other atoms are far enough from each other. So geometries are plausible, every molecule
has a SMILES that RDKit reads, and one takes less than a millisecond.
"""

import gzip
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from ase.io import iread
from rdkit import Chem, rdBase

FloatArray = npt.NDArray[np.float64]

SOURCE: Final = Path(__file__).resolve().parent.parent / "resources" / "labels" / "xtb.extxyz.gz"
BOND_ANGSTROM: Final = 1.5
CLOSEST_ANGSTROM: Final = 1.5
"""Least distance between atoms of two fragments that are not the joined ones."""
APART_ANGSTROM: Final = 2.8
"""Least distance between two molecules of a complex."""
_TURNS: Final = 12
_LONGEST_H_ANGSTROM: Final = 1.4
_OFF_AXIS: Final = np.array([0.3, 0.1, 0.2])
_CLOSURE: Final = "%90"
"""Ring closure of the bond between two fragments; no fragment has so many rings."""
_MAP: Final = re.compile(r":(\d+)\]")


@dataclass(frozen=True)
class Fragment:
    """A molecule without one hydrogen atom, or a whole one where ``site`` is None.

    Positions (n, 3) are in Å. ``smiles`` begins with the atom of the site; ``mapped`` does so too,
    with every hydrogen and the map number i for the atom in row i − 1. ``direction`` (3,) is the
    unit vector to the hydrogen atom that is left out.
    """

    numbers: npt.NDArray[np.uint8]
    positions: FloatArray
    smiles: str
    mapped: str
    total_charge: int
    site: int | None = None
    direction: FloatArray | None = None

    @property
    def heavy_atoms(self) -> int:
        """Return how many atoms are no hydrogen."""
        return int((self.numbers > 1).sum())


def read_fragments(path: Path = SOURCE, most: int | None = None) -> list[Fragment]:
    """Return a fragment of every molecule of a file that has a hydrogen atom at a carbon atom.

    Molecules whose atoms are not in the order of their SMILES are left out. With ``most`` only so
    many molecules of the file are looked at.
    """
    fragments = []
    text = io.StringIO(gzip.decompress(path.read_bytes()).decode())  # ASE goes back and forth in it
    with rdBase.BlockLogs():
        for atoms in iread(text, index=slice(most), format="extxyz"):
            molecule = Chem.AddHs(Chem.MolFromSmiles(atoms.info["smiles"]))
            numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
            if numbers == atoms.numbers.tolist():
                Chem.RemoveStereochemistry(molecule)
                fragments += _open(molecule, atoms.positions)
    return fragments


def _open(molecule: Chem.Mol, positions: FloatArray) -> list[Fragment]:
    """Return the fragment without the last hydrogen atom of a carbon atom, if there is one."""
    for atom in reversed(molecule.GetAtoms()):
        carbon = atom.GetNeighbors()[0] if atom.GetAtomicNum() == 1 else None
        if carbon is None or carbon.GetAtomicNum() != 6 or carbon.GetFormalCharge():
            continue
        arm = positions[atom.GetIdx()] - positions[carbon.GetIdx()]
        length = float(np.linalg.norm(arm))
        if length <= _LONGEST_H_ANGSTROM:
            return [_without(molecule, positions, atom.GetIdx(), carbon.GetIdx(), arm / length)]
    return []


def _without(
    molecule: Chem.Mol, positions: FloatArray, hydrogen: int, site: int, direction: FloatArray
) -> Fragment:
    rest = Chem.RWMol(molecule)
    rest.RemoveAtom(hydrogen)
    site -= site > hydrogen
    plain = Chem.MolToSmiles(Chem.RemoveHs(molecule), rootedAtAtom=site)
    return Fragment(
        np.array([atom.GetAtomicNum() for atom in rest.GetAtoms()], dtype=np.uint8),
        np.delete(positions, hydrogen, axis=0),
        plain,
        _mapped(rest, site),
        Chem.GetFormalCharge(molecule),
        site,
        direction,
    )


def _mapped(molecule: Chem.Mol, root: int) -> str:
    for atom in molecule.GetAtoms():
        atom.SetAtomMapNum(atom.GetIdx() + 1)
        atom.SetNoImplicit(True)
    return str(Chem.MolToSmiles(molecule, rootedAtAtom=root))


def joined(one: Fragment, other: Fragment, rng: np.random.Generator) -> Fragment | None:
    """Return two fragments as one molecule, or None where they are in each other's way."""
    placed = _placed(one, other, rng)
    if placed is None:
        return None
    shift = len(one.numbers)
    return Fragment(
        np.concatenate([one.numbers, other.numbers]),
        np.concatenate([one.positions, placed]),
        _bonded(one.smiles, other.smiles, 1),
        _bonded(one.mapped, _shifted(other.mapped, shift), None),
        one.total_charge + other.total_charge,
    )


def beside(one: Fragment, other: Fragment, rng: np.random.Generator) -> Fragment:
    """Return two molecules as a complex: the second is moved out until it touches the first."""
    step = rng.normal(size=3)
    step /= np.linalg.norm(step)
    start = other.positions - other.positions.mean(axis=0) + one.positions.mean(axis=0)
    distance = 0.0
    while _closest(one.positions, start + distance * step) < APART_ANGSTROM:
        distance += 0.5
    return Fragment(
        np.concatenate([one.numbers, other.numbers]),
        np.concatenate([one.positions, start + distance * step]),
        f"{one.smiles}.{other.smiles}",
        f"{one.mapped}.{_shifted(other.mapped, len(one.numbers))}",
        one.total_charge + other.total_charge,
    )


def _bonded(one: str, other: str, symbol: int | None) -> str:
    """Return the SMILES of a bond between the first atoms of two, of so many characters each."""
    first, second = (symbol or text.index("]") + 1 for text in (one, other))
    return f"{one[:first]}-{_CLOSURE}{one[first:]}.{other[:second]}{_CLOSURE}{other[second:]}"


def _shifted(mapped: str, shift: int) -> str:
    return _MAP.sub(lambda match: f":{int(match[1]) + shift}]", mapped)


def _placed(one: Fragment, other: Fragment, rng: np.random.Generator) -> FloatArray | None:
    """Return the positions of ``other`` at the site of ``one``, turned to where there is room."""
    if one.direction is None or other.direction is None:
        raise ValueError("a whole molecule has no site to join")
    aligned = (other.positions - other.positions[other.site]) @ _rotation(
        other.direction, -one.direction
    ).T
    start = one.positions[one.site] + BOND_ANGSTROM * one.direction
    offset = rng.uniform(0, 2 * np.pi)
    for turn in range(_TURNS):
        angle = offset + 2 * np.pi * turn / _TURNS
        placed = start + aligned @ _about(one.direction, angle).T
        others = np.delete(one.positions, one.site, axis=0)
        if _closest(others, np.delete(placed, other.site, axis=0)) > CLOSEST_ANGSTROM:
            return placed
    return None


def _closest(some: FloatArray, others: FloatArray) -> float:
    distances = np.linalg.norm(some[:, None] - others[None], axis=2)
    return float(distances.min(initial=np.inf))


def _about(axis: FloatArray, angle: float) -> FloatArray:
    """Return the rotation by an angle about a unit vector (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _rotation(start: FloatArray, end: FloatArray) -> FloatArray:
    """Return the rotation that takes one unit vector to another."""
    axis = np.cross(start, end)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:
        axis, sine = np.cross(start, np.roll(start, 1) + _OFF_AXIS), 0.0
    axis /= np.linalg.norm(axis)
    return _about(axis, float(np.arctan2(sine, start @ end)))


def of_elements(fragments: Sequence[Fragment], numbers: Sequence[int]) -> list[Fragment]:
    """Return the neutral fragments of these elements alone."""
    return [
        one for one in fragments if not one.total_charge and np.isin(one.numbers, numbers).all()
    ]
