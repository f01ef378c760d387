"""Geometries of one molecule away from its minimum: thermal displacements and free torsions.

Modes above 300 cm⁻¹ have the distribution of :mod:`label_displacement` at a temperature that is
drawn for each geometry; softer ones are torsions, for which no harmonic displacement makes sense.
These are turned rigidly instead, by any angle: the hydroxyl group by a whole turn, the methyl group
by a third of one, after which it repeats itself.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.optimize import BFGS
from label_displacement import thermal_spread
from label_list import TURNABLE
from normal_modes import coordinate_masses, normal_modes
from pyscf import gto, scf
from rdkit import Chem
from rdkit.Chem import AllChem, rdMolTransforms

from mepflow import units

FloatArray = npt.NDArray[np.float64]

SMILES: Final = "CCO"
"""Atoms in this order: methyl C, C, O, three hydrogens of the methyl group, two, and that of O."""
BASIS: Final = "def2-svp"
KELVIN: Final = (100.0, 700.0)
LOWEST_WAVENUMBER: Final = 300.0
LARGEST_FORCE: Final = 0.005
"""Of the relaxation, in eV/Å."""
METHYL_PERIOD: Final = 120.0
TORSIONS: Final = (((0, 1, 2, 8), 360.0), ((2, 1, 0, 3), 120.0))
"""Of ethanol: four atoms of each, and the period in degrees."""
DECIMALS: Final = 6


class HartreeFock(Calculator):
    """ASE's calculator of RHF with fitted integrals: no grid, so a second per gradient."""

    implemented_properties = ("energy", "forces")

    def calculate(
        self,
        atoms: Any = None,
        properties: Any = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        """Compute the energy in eV and the forces in eV/Å."""
        super().calculate(atoms, properties, system_changes)
        pairs = zip(self.atoms.get_chemical_symbols(), self.atoms.get_positions(), strict=True)
        mol = gto.M(atom=list(pairs), basis=BASIS, verbose=0)
        mean_field = scf.RHF(mol).density_fit().run(conv_tol=1e-10)
        gradient = mean_field.nuc_grad_method().kernel()
        factor = units.HARTREE_IN_EV * units.ANGSTROM_IN_BOHR
        self.results = {
            "energy": mean_field.e_tot * units.HARTREE_IN_EV,
            "forces": -factor * gradient,
        }


def relaxed(seed: int, smiles: str = SMILES) -> tuple[Chem.Mol, Atoms]:
    """Return a molecule and ASE's atoms of it at the minimum next to RDKit's geometry."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=seed)
    AllChem.MMFFOptimizeMolecule(molecule)
    symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
    atoms = Atoms(symbols, molecule.GetConformer().GetPositions(), calculator=HartreeFock())
    if not BFGS(atoms, logfile=None).run(fmax=LARGEST_FORCE, steps=200):
        raise RuntimeError("the relaxation did not converge")
    return molecule, atoms


def sampled(molecule: Chem.Mol, atoms: Atoms, count: int, seed: int) -> list[FloatArray]:
    """Return positions (n, 3) in Å of ``count`` geometries about the minimum ``atoms``."""
    values, vectors = normal_modes(atoms)
    stiff = values > (LOWEST_WAVENUMBER * units.WAVENUMBER_IN_HARTREE) ** 2
    values, vectors = values[stiff], vectors[:, stiff]
    masses = coordinate_masses(atoms)
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        spread = thermal_spread(values, float(generator.uniform(*KELVIN)))
        step = vectors @ (spread * generator.normal(size=len(spread)))
        moved = atoms.get_positions().ravel() + step / np.sqrt(masses) * units.BOHR_IN_ANGSTROM
        found.append(turned(molecule, moved.reshape(-1, 3), generator))
    return found


def torsions(molecule: Chem.Mol) -> list[tuple[tuple[int, int, int, int], float]]:
    """Return four atoms of each bond that is turned, and the period in degrees.

    These are single bonds outside rings between atoms with other neighbours; a methyl group repeats
    itself after a third of a turn.
    """
    if Chem.MolToSmiles(Chem.RemoveHs(molecule)) == SMILES:
        return list(TORSIONS)
    found = []
    for second, third in molecule.GetSubstructMatches(TURNABLE):
        ends = (
            _other_neighbour(molecule, second, third),
            _other_neighbour(molecule, third, second),
        )
        is_methyl = any(_is_methyl(molecule.GetAtomWithIdx(atom)) for atom in (second, third))
        period = METHYL_PERIOD if is_methyl else 360.0
        found.append(((ends[0], second, third, ends[1]), period))
    return found


def _other_neighbour(molecule: Chem.Mol, atom: int, excluded: int) -> int:
    neighbours = molecule.GetAtomWithIdx(atom).GetNeighbors()
    return next(int(one.GetIdx()) for one in neighbours if one.GetIdx() != excluded)


def _is_methyl(atom: Chem.Atom) -> bool:
    return bool(atom.GetSymbol() == "C" and atom.GetTotalNumHs(includeNeighbors=True) == 3)


def turned(molecule: Chem.Mol, positions: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Return positions with every torsion turned by a random angle, about their mean, rounded."""
    placed = Chem.Mol(molecule)
    conformer = placed.GetConformer()
    conformer.SetPositions(np.ascontiguousarray(positions))
    for atoms, period in torsions(molecule):
        angle = rdMolTransforms.GetDihedralDeg(conformer, *atoms) + generator.uniform(0.0, period)
        rdMolTransforms.SetDihedralDeg(conformer, *atoms, float(angle))
    found = np.asarray(conformer.GetPositions())
    return np.asarray(np.round(found - found.mean(axis=0), DECIMALS))
