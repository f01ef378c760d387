"""From SMILES to one geometry: conformers, the lowest minimum of GFN2-xTB, and its displacement."""

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.calculators.calculator import CalculatorError
from ase.optimize import BFGS
from label_displacement import (
    Rejected,
    changed_bonds,
    displaced_along_modes,
    turned_about_a_bond,
)
from label_list import MODES, TORSION, WATER
from rdkit import Chem
from rdkit.Chem import AllChem

FloatArray = npt.NDArray[np.float64]

CONFORMERS: Final = 6
RELAXED_CONFORMERS: Final = 3
COARSE_EV_PER_ANGSTROM: Final = 0.1
FINE_EV_PER_ANGSTROM: Final = 0.01
STEPS: Final = 500
MMFF_STEPS: Final = 2000
SAME_ENERGY_KCAL_PER_MOL: Final = 0.05
"""Conformers whose MMFF energies differ by less count as one."""


def geometry(smiles: str, kind: str, environment: str) -> tuple[list[int], FloatArray]:
    """Return atomic numbers and positions (n, 3) in Å of a molecule, deterministic in the SMILES.

    ``kind`` and ``environment`` (of the relaxation) are those of :mod:`label_list`. Raises
    :class:`Rejected`.
    """
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    digest = hashlib.sha256(smiles.encode()).digest()
    generator = np.random.default_rng(list(digest))
    atoms = lowest_minimum(molecule, environment, int.from_bytes(digest[:3], "big"))
    if kind == MODES:
        positions = displaced_along_modes(molecule, atoms, generator)
    elif kind == TORSION:
        positions = turned_about_a_bond(molecule, atoms.get_positions(), generator)
    else:
        positions = atoms.get_positions()
    numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
    return numbers, positions - positions.mean(axis=0)


def lowest_minimum(molecule: Chem.Mol, environment: str, seed: int) -> Atoms:
    """Return the relaxed conformer of lowest energy.

    All conformers are relaxed coarsely, then in the order of their energies to the end, until one
    has the bonds of ``molecule``. Raises :class:`Rejected`.
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
        optimised = AllChem.MMFFOptimizeMoleculeConfs(found, maxIters=MMFF_STEPS)
        keys = [keys[k] for k in _distinct([energy for _, energy in optimised])]
    return [found.GetConformer(k).GetPositions() for k in keys[:RELAXED_CONFORMERS]]


def _distinct(energies: list[float]) -> list[int]:
    """Return the indices of distinct energies, the lowest first."""
    kept: list[int] = []
    for k in np.argsort(energies, kind="stable"):
        if not kept or energies[k] - energies[kept[-1]] > SAME_ENERGY_KCAL_PER_MOL:
            kept.append(int(k))
    return kept


def xtb_atoms(molecule: Chem.Mol, positions: FloatArray, environment: str) -> Atoms:
    """Return ASE's atoms of a closed-shell molecule with the GFN2-xTB calculator."""
    from tblite.ase import TBLite  # only here: what else the module does needs no tblite

    atoms = Atoms([atom.GetSymbol() for atom in molecule.GetAtoms()], positions)
    atoms.calc = TBLite(
        method="GFN2-xTB",
        charge=Chem.GetFormalCharge(molecule),
        multiplicity=1,
        verbosity=0,
        solvation=("alpb", "water") if environment == WATER else None,
    )
    return atoms
