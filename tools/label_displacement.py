"""Geometries away from a minimum: thermal displacements along normal modes, turns about bonds.

Along normal modes, each mode has the Gaussian distribution of a quantum harmonic oscillator at a
temperature T: its variance in mass-weighted coordinates is ħ/(2ω) coth(ħω/2kT) (L. D. Landau,
E. M. Lifshitz, Statistical Physics, § 30). A displacement that changes bonds, or brings atoms too
near to each other, is drawn again, after a few times a smaller one.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase.units import kB
from label_list import TURNABLE
from normal_modes import coordinate_masses, normal_modes
from rdkit import Chem
from rdkit.Chem import rdMolTransforms

from mepflow import units
from mepflow.geometry.bonds import bonds
from mepflow.geometry.radii import bondi_radii

FloatArray = npt.NDArray[np.float64]

KELVIN: Final = (300.0, 500.0)
TURN_DEGREES: Final = (20.0, 180.0)
LOWEST_WAVENUMBER: Final = 60.0
"""Softer modes, in cm⁻¹, count as this stiff: no harmonic displacement along them makes sense."""
CLOSEST_SHARE: Final = 0.65
FEWEST_BONDS_BETWEEN: Final = 4
"""After a turn, atoms so many bonds apart, or more, are at least that multiple of the sum of their
van der Waals radii apart."""
SCALES: Final = tuple(np.repeat((1.0, 0.7, 0.5), 8))
"""What the displacements of one molecule are multiplied by, one after another."""


class Rejected(Exception):  # noqa: N818
    """A molecule has no geometry with the bonds of its SMILES; the message says why."""


def displaced_along_modes(
    molecule: Chem.Mol, atoms: Any, generator: np.random.Generator
) -> FloatArray:
    """Return positions (n, 3) in Å drawn from the harmonic distribution at a random temperature.

    ``atoms`` are ASE's at the minimum, with a calculator. Raises :class:`Rejected`.
    """
    values, vectors = normal_modes(atoms)
    change = ""
    for scale in SCALES:
        spread = scale * thermal_spread(values, float(generator.uniform(*KELVIN)))
        step = vectors @ (spread * generator.normal(size=len(spread)))
        step = step / np.sqrt(coordinate_masses(atoms)) * units.BOHR_IN_ANGSTROM
        positions = np.asarray(atoms.get_positions() + step.reshape(-1, 3))
        change = changed_bonds(molecule, positions)
        if not change:
            return positions
    raise Rejected(f"bonds changed in {len(SCALES)} displacements along normal modes: {change}")


def thermal_spread(squared_frequencies: FloatArray, kelvin: float) -> FloatArray:
    """Return the standard deviations (m,) of mass-weighted normal coordinates, atomic units."""
    lowest = LOWEST_WAVENUMBER * units.WAVENUMBER_IN_HARTREE
    frequencies = np.maximum(np.sqrt(np.abs(squared_frequencies)), lowest)
    thermal = kelvin * kB / units.HARTREE_IN_EV
    return np.asarray(np.sqrt(1 / (2 * frequencies) / np.tanh(frequencies / (2 * thermal))))


def turned_about_a_bond(
    molecule: Chem.Mol, positions: FloatArray, generator: np.random.Generator
) -> FloatArray:
    """Return positions (n, 3) in Å with one side of a bond, chosen at random, turned about it.

    The angle is uniform within the module's limits, either way. Raises :class:`Rejected`.
    """
    turnable = molecule.GetSubstructMatches(TURNABLE)
    for scale in SCALES:
        placed = _with_positions(molecule, positions)
        second, third = turnable[generator.integers(len(turnable))]
        first, fourth = _neighbour(molecule, second, third), _neighbour(molecule, third, second)
        angle = rdMolTransforms.GetDihedralDeg(placed.GetConformer(), first, second, third, fourth)
        angle += scale * generator.choice((-1.0, 1.0)) * generator.uniform(*TURN_DEGREES)
        rdMolTransforms.SetDihedralDeg(
            placed.GetConformer(), first, second, third, fourth, float(angle)
        )
        found = np.asarray(placed.GetConformer().GetPositions())
        if not changed_bonds(molecule, found) and not atoms_clash(molecule, found):
            return found
    raise Rejected(f"atoms clash in {len(SCALES)} turns about bonds")


def changed_bonds(molecule: Chem.Mol, positions: FloatArray) -> str:
    """Say which bonds of ``molecule`` distances lack or have besides; empty where they agree."""
    numbers = np.array([atom.GetAtomicNum() for atom in molecule.GetAtoms()], dtype=np.uint8)
    wanted = {tuple(sorted((b.GetBeginAtomIdx(), b.GetEndAtomIdx()))) for b in molecule.GetBonds()}
    found = set(bonds(numbers, positions))
    changes = [("lost", wanted - found), ("new", found - wanted)]
    return ", ".join(
        f"{what} {molecule.GetAtomWithIdx(a).GetSymbol()}–{molecule.GetAtomWithIdx(b).GetSymbol()}"
        for what, pairs in changes
        for a, b in sorted(pairs)
    )


def atoms_clash(molecule: Chem.Mol, positions: FloatArray) -> bool:
    """Tell whether atoms several bonds apart are nearer than their van der Waals radii allow."""
    numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
    radii = bondi_radii(numbers) * units.BOHR_IN_ANGSTROM
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    far = Chem.GetDistanceMatrix(molecule) >= FEWEST_BONDS_BETWEEN
    return bool((far & (distances < CLOSEST_SHARE * (radii[:, None] + radii[None]))).any())


def _with_positions(molecule: Chem.Mol, positions: FloatArray) -> Chem.Mol:
    placed = Chem.Mol(molecule)
    placed.RemoveAllConformers()
    conformer = Chem.Conformer(molecule.GetNumAtoms())
    conformer.SetPositions(np.ascontiguousarray(positions))
    placed.AddConformer(conformer)
    return placed


def _neighbour(molecule: Chem.Mol, atom: int, other: int) -> int:
    """Return a neighbour of ``atom`` that is not ``other``: the heaviest, of these the first."""
    neighbours = [n for n in molecule.GetAtomWithIdx(atom).GetNeighbors() if n.GetIdx() != other]
    return int(max(neighbours, key=lambda n: (n.GetAtomicNum(), -n.GetIdx())).GetIdx())
