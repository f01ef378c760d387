"""Conformers of a molecule: a GFN2-xTB minimum and snapshots of short Langevin runs."""

from typing import Final

import numpy as np
import numpy.typing as npt
from ase import Atoms, units
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import thermalize_momenta
from ase.optimize import BFGS
from embedded_spice_molecules import SEVERAL, Entry
from rdkit import Chem
from rdkit.Chem import AllChem, rdDetermineBonds
from scipy.spatial.transform import Rotation

from mepflow.archives.label_columns import POSITION_DIGITS
from mepflow.units import ANGSTROM_IN_BOHR

FloatArray = npt.NDArray[np.float64]

SNAPSHOT_KELVIN: Final = (300.0, 500.0)
TIME_STEP_FS: Final = 0.5
STEPS: Final = 500
FRICTION_PER_FS: Final = 0.02
DIMER_GAP_ANGSTROM: Final = 2.5
ORIGIN_SPREAD_BOHR: Final = 1.0


def build(smiles: str) -> Chem.Mol:
    """Return the molecule of ``smiles`` with hydrogens, fragment after fragment, mapped 1…N."""
    molecule = Chem.Mol()
    for part in smiles.split("."):
        molecule = Chem.CombineMols(molecule, Chem.AddHs(Chem.MolFromSmiles(part)))
    for atom in molecule.GetAtoms():
        atom.SetAtomMapNum(atom.GetIdx() + 1)
    return molecule


def embed(smiles: str, seed: int) -> FloatArray:
    """Return positions (n, 3) in Å of an ETKDG conformer; fragments stand side by side in x."""
    placed: list[FloatArray] = []
    edge = 0.0
    for part in smiles.split("."):
        fragment = Chem.AddHs(Chem.MolFromSmiles(part))
        if AllChem.EmbedMolecule(fragment, randomSeed=seed) != 0:
            raise RuntimeError(f"no conformer of {part}")
        positions = fragment.GetConformer().GetPositions()
        positions[:, 0] += edge - positions[:, 0].min()
        edge = positions[:, 0].max() + DIMER_GAP_ANGSTROM
        placed.append(positions)
    return np.concatenate(placed)


def xtb_atoms(molecule: Chem.Mol, positions: FloatArray) -> Atoms:
    """Return ASE's atoms of a closed-shell molecule with the GFN2-xTB calculator."""
    from tblite.ase import TBLite  # only here: --help needs no tblite

    symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
    charge = Chem.GetFormalCharge(molecule)
    atoms = Atoms(symbols, positions)
    atoms.calc = TBLite(method="GFN2-xTB", charge=charge, multiplicity=1, verbosity=0)
    return atoms


def geometries(entry: Entry) -> FloatArray:
    """Return positions (m, n, 3) in Å: a GFN2-xTB minimum, and of some snapshots at 300 and 500 K.

    Each geometry starts from a conformer of its own, and is turned and shifted at random, since
    the frames of the original mean nothing either. The decimals are those of sets of labels.
    """
    molecule = build(entry.smiles)
    generator = np.random.default_rng(list(entry.name.encode()))
    frames = []
    for kelvin in (0.0, *(SNAPSHOT_KELVIN if entry.name in SEVERAL else ())):
        atoms = xtb_atoms(molecule, embed(entry.smiles, int(generator.integers(1, 10**6))))
        if not BFGS(atoms, logfile=None).run(fmax=0.005, steps=1000):
            raise RuntimeError(f"the geometry of {entry.name} did not converge")
        if kelvin:
            snapshot(atoms, kelvin, generator)
        require_same_bonds(molecule, atoms, entry.name)
        centred = atoms.get_positions() - atoms.get_positions().mean(axis=0)
        turned = Rotation.random(rng=generator).apply(centred)
        frames.append(turned + generator.normal(0, ORIGIN_SPREAD_BOHR / ANGSTROM_IN_BOHR, 3))
    return np.round(np.array(frames), POSITION_DIGITS)


def snapshot(atoms: Atoms, kelvin: float, generator: np.random.Generator) -> None:
    """Move ``atoms`` along a short Langevin run at ``kelvin``."""
    thermalize_momenta(atoms, kelvin, rng=generator)
    run = Langevin(
        atoms,
        TIME_STEP_FS * units.fs,
        temperature_K=kelvin,
        friction=FRICTION_PER_FS / units.fs,
        rng=generator,
        fixcm=False,
    )
    run.run(STEPS)


def require_same_bonds(molecule: Chem.Mol, atoms: Atoms, name: str) -> None:
    """Raise ``RuntimeError`` if distances alone give other bonds than the SMILES."""
    lines = [f"{a.symbol} {a.x:.6f} {a.y:.6f} {a.z:.6f}" for a in atoms]
    seen = Chem.MolFromXYZBlock("\n".join([str(len(atoms)), "", *lines]))
    rdDetermineBonds.DetermineConnectivity(seen, useVdw=False)
    found, wanted = (
        {frozenset((b.GetBeginAtomIdx(), b.GetEndAtomIdx())) for b in m.GetBonds()}
        for m in (seen, molecule)
    )
    if found != wanted:
        raise RuntimeError(f"the bonds of {name} changed")
