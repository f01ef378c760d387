"""From SMILES to one geometry: conformers, GFN2-xTB minimum, displacement, and the bonds' check.

Minima of lowest energy among conformers; harmonic normal modes by differences of gradients.
Displaced along them, each mode has the Gaussian distribution of a quantum harmonic oscillator at a
temperature T: its variance in mass-weighted units is ħ/(2ω) coth(ħω/2kT) (atomic units here).
"""

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.calculators.calculator import CalculatorError
from ase.optimize import BFGS
from ase.units import kB
from label_molecules import TORSION
from rdkit import Chem
from rdkit.Chem import AllChem, rdMolTransforms
from tblite.ase import TBLite

from mepflow import units
from mepflow.geometry.bonds import bonds
from mepflow.geometry.radii import bondi_radii

FloatArray = npt.NDArray[np.float64]

CONFORMERS: Final = 6
RELAXED_CONFORMERS: Final = 3
COARSE_EV_PER_ANGSTROM: Final = 0.1
FINE_EV_PER_ANGSTROM: Final = 0.01
STEPS: Final = 500
MMFF_STEPS: Final = 2000
KELVIN: Final = (300.0, 500.0)
TURN_DEGREES: Final = (20.0, 180.0)
LOWEST_WAVENUMBER: Final = 60.0
"""Softer modes, in cm⁻¹, count as this stiff: no harmonic displacement along them makes sense."""
DIFFERENCE_ANGSTROM: Final = 0.005
SAME_ENERGY_KCAL_PER_MOL: Final = 0.05
"""Conformers whose MMFF energies differ by less count as one."""
CLOSEST_SHARE: Final = 0.65
FEWEST_BONDS_BETWEEN: Final = 4
"""After a turn, atoms so many bonds apart, or more, are at least that multiple of the sum of their
van der Waals radii apart."""
ATTEMPTS: Final = 8


class Rejected(Exception):  # noqa: N818
    """A molecule has no geometry with the bonds of its SMILES; the message says why."""


def geometry(smiles: str, kind: str, environment: str) -> tuple[list[int], FloatArray]:
    """Return atomic numbers and positions (n, 3) in Å of a molecule, deterministic in the SMILES.

    ``kind`` is ``minimum``, ``displaced_modes`` or ``displaced_torsion``; ``environment``, that of
    the relaxation, ``gas`` or ``water``. Raises :class:`Rejected`.
    """
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    digest = hashlib.sha256(smiles.encode()).digest()
    generator = np.random.default_rng(list(digest))
    atoms = lowest_minimum(molecule, environment, int.from_bytes(digest[:3], "big"))
    if kind == "displaced_modes":
        positions = displaced_along_modes(molecule, atoms, generator)
    elif kind == "displaced_torsion":
        positions = turned_about_a_bond(molecule, atoms.get_positions(), generator)
    else:
        positions = atoms.get_positions()
    numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
    return numbers, positions - positions.mean(axis=0)


def lowest_minimum(molecule: Chem.Mol, environment: str, seed: int) -> Atoms:
    """Return the relaxed conformer of lowest energy.

    All conformers are relaxed coarsely, then in the order of their energies to the end, until one
    has the bonds of ``molecule``.
    """
    started, reasons = [], []
    for start in conformers(molecule, seed):
        atoms = xtb_atoms(molecule, start, environment)
        reason = relax(molecule, atoms, COARSE_EV_PER_ANGSTROM)
        if reason:
            reasons.append(reason)
        else:
            started.append(atoms)
    for atoms in sorted(started, key=lambda atoms: float(atoms.get_potential_energy())):
        reason = relax(molecule, atoms, FINE_EV_PER_ANGSTROM)
        if not reason:
            return atoms
        reasons.append(reason)
    raise Rejected(reasons[0])


def relax(molecule: Chem.Mol, atoms: Atoms, largest_force: float) -> str:
    """Move ``atoms`` to a minimum of GFN2-xTB; say what went wrong, or nothing."""
    try:
        converged = BFGS(atoms, logfile=None).run(fmax=largest_force, steps=STEPS)
    except (RuntimeError, CalculatorError) as error:
        return f"GFN2-xTB failed: {str(error).splitlines()[0]}"
    change = changed_bonds(molecule, atoms.get_positions())
    if change:
        return f"bonds changed in the relaxation: {change}"
    return "" if converged else "the relaxation did not converge"


def conformers(molecule: Chem.Mol, seed: int) -> list[FloatArray]:
    """Return positions (n, 3) in Å of the best few ETKDG conformers, by MMFF where it can."""
    found = Chem.Mol(molecule)
    parameters = AllChem.ETKDGv3()
    parameters.randomSeed = seed
    keys = list(AllChem.EmbedMultipleConfs(found, CONFORMERS, parameters))
    if not keys:
        parameters.useRandomCoords = True
        keys = list(AllChem.EmbedMultipleConfs(found, CONFORMERS, parameters))
    if not keys:
        raise Rejected("RDKit embeds no conformer")
    if AllChem.MMFFHasAllMoleculeParams(found):
        energies = [e for _, e in AllChem.MMFFOptimizeMoleculeConfs(found, maxIters=MMFF_STEPS)]
        order = np.argsort(energies, kind="stable")
        distinct: list[int] = []
        for k in order:
            if all(
                abs(energies[k] - energies[other]) > SAME_ENERGY_KCAL_PER_MOL for other in distinct
            ):
                distinct.append(int(k))
        keys = [keys[k] for k in distinct]
    return [found.GetConformer(k).GetPositions() for k in keys[:RELAXED_CONFORMERS]]


def xtb_atoms(molecule: Chem.Mol, positions: FloatArray, environment: str) -> Atoms:
    """Return ASE's atoms of a closed-shell molecule with the GFN2-xTB calculator."""
    atoms = Atoms([atom.GetSymbol() for atom in molecule.GetAtoms()], positions)
    solvation = ("alpb", "water") if environment == "water" else None
    atoms.calc = TBLite(
        method="GFN2-xTB",
        charge=Chem.GetFormalCharge(molecule),
        multiplicity=1,
        verbosity=0,
        solvation=solvation,
    )
    return atoms


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


def displaced_along_modes(
    molecule: Chem.Mol, atoms: Atoms, generator: np.random.Generator
) -> FloatArray:
    """Return positions (n, 3) in Å drawn from the harmonic distribution at a random temperature.

    A draw whose bonds are not those of the molecule is drawn again, a few times.
    """
    start = atoms.get_positions()
    masses = np.repeat(atoms.get_masses() * units.DALTON_IN_ELECTRON_MASS, 3)
    values, vectors = normal_modes(atoms, masses)
    lowest = LOWEST_WAVENUMBER * units.WAVENUMBER_IN_HARTREE
    frequencies = np.maximum(np.sqrt(np.abs(values)), lowest)
    for _ in range(ATTEMPTS):
        thermal = generator.uniform(*KELVIN) * kB / units.HARTREE_IN_EV
        spread = np.sqrt(1 / (2 * frequencies) / np.tanh(frequencies / (2 * thermal)))
        step = vectors @ (spread * generator.normal(size=len(spread))) / np.sqrt(masses)
        positions = start + step.reshape(-1, 3) * units.BOHR_IN_ANGSTROM
        change = changed_bonds(molecule, positions)
        if not change:
            return np.asarray(positions)
    raise Rejected(f"bonds changed in {ATTEMPTS} displacements along normal modes: {change}")


def normal_modes(atoms: Atoms, masses: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return squared frequencies (m,) and mass-weighted modes (3n, m) at a minimum, a.u."""
    start = atoms.get_positions()
    hessian = np.empty((start.size, start.size))
    for row in range(start.size):
        gradients = []
        for sign in (1, -1):
            moved = start.copy()
            moved.reshape(-1)[row] += sign * DIFFERENCE_ANGSTROM
            atoms.set_positions(moved)
            gradients.append(-atoms.get_forces().ravel())
        hessian[row] = (gradients[0] - gradients[1]) / (2 * DIFFERENCE_ANGSTROM)
    atoms.set_positions(start)
    hessian *= units.BOHR_IN_ANGSTROM**2 / units.HARTREE_IN_EV
    basis = vibrational_basis(start, masses)
    weighted = (hessian + hessian.T) / 2 / np.sqrt(np.outer(masses, masses))
    values, vectors = np.linalg.eigh(basis.T @ weighted @ basis)
    return values, basis @ vectors


def vibrational_basis(positions: FloatArray, masses: FloatArray) -> FloatArray:
    """Return an orthonormal basis (3n, 3n − 6 or 5) free of translations and rotations."""
    centred = positions - (masses[::3] @ positions) / masses[::3].sum()
    motions = [np.tile(axis, len(positions)) for axis in np.eye(3)]
    motions += [np.cross(axis, centred).ravel() for axis in np.eye(3)]
    external = np.sqrt(masses)[:, None] * np.array(motions).T
    left, singular, _ = np.linalg.svd(external, full_matrices=True)
    rank = int((singular > 1e-3 * singular.max()).sum())
    return np.asarray(left[:, rank:])


def turned_about_a_bond(
    molecule: Chem.Mol, positions: FloatArray, generator: np.random.Generator
) -> FloatArray:
    """Return positions (n, 3) in Å with one side of a bond, chosen at random, turned about it.

    The angle is uniform within the module's limits, either way. A turn that brings atoms too near
    to each other is drawn again, a few times.
    """
    turnable = molecule.GetSubstructMatches(TORSION)
    for _ in range(ATTEMPTS):
        placed = _with_positions(molecule, positions)
        conformer = placed.GetConformer()
        second, third = turnable[generator.integers(len(turnable))]
        first, fourth = _neighbour(molecule, second, third), _neighbour(molecule, third, second)
        angle = rdMolTransforms.GetDihedralDeg(conformer, first, second, third, fourth)
        angle += generator.choice((-1.0, 1.0)) * generator.uniform(*TURN_DEGREES)
        rdMolTransforms.SetDihedralDeg(conformer, first, second, third, fourth, float(angle))
        found = conformer.GetPositions()
        if not changed_bonds(molecule, found) and not atoms_clash(molecule, found):
            return np.asarray(found)
    raise Rejected(f"atoms clash in {ATTEMPTS} turns about bonds")


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


def atoms_clash(molecule: Chem.Mol, positions: FloatArray) -> bool:
    """Tell whether two atoms four or more bonds apart are nearer than van der Waals radii allow."""
    numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
    radii = bondi_radii(numbers) * units.BOHR_IN_ANGSTROM
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    far = Chem.GetDistanceMatrix(molecule) >= FEWEST_BONDS_BETWEEN
    return bool((far & (distances < CLOSEST_SHARE * (radii[:, None] + radii[None]))).any())
