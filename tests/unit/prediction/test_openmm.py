"""Charges of an SDF file in OpenMM: its electrostatic energy is Coulomb's of our own numbers."""

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from mepflow.__main__ import main
from mepflow.units import ANGSTROM_IN_BOHR, HARTREE_PER_E_IN_KJ_PER_MOL_E

openmm = pytest.importorskip("openmm")
NM_PER_ANGSTROM = 0.1


def test_the_energy_between_two_molecules(models: Path, tmp_path: Path) -> None:
    smiles = ["--smiles", "CCO ethanol", "--smiles", "CC(=O)[O-] acetate"]
    options = ["--model", str(models), "--charges", "resp", "--format", "sdf", "--no-cubes"]
    assert main(["predict", *smiles, *options, "--output", str(tmp_path)]) == 0
    charges, positions, ends = [], [], []
    for number, molecule in enumerate(
        Chem.SDMolSupplier(str(tmp_path / "molecules.sdf"), removeHs=False)
    ):
        charges += [atom.GetDoubleProp("PartialCharge") for atom in molecule.GetAtoms()]
        apart = np.array([0.0, 0.0, 5.0 * number])
        positions.append(molecule.GetConformer().GetPositions() + apart)
        ends.append(len(charges))
    places, first = np.concatenate(positions), ends[0]
    system, force = openmm.System(), openmm.NonbondedForce()
    for charge in charges:
        system.addParticle(12.0)
        force.addParticle(charge, 0.1, 0.0)
    for start, end in ((0, first), (first, len(charges))):  # nothing within a molecule
        for i in range(start, end):
            for j in range(i):
                if j >= start:
                    force.addException(i, j, 0.0, 0.1, 0.0)
    system.addForce(force)
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    context.setPositions(places * NM_PER_ANGSTROM)
    found = context.getState(getEnergy=True).getPotentialEnergy()._value
    distances = np.linalg.norm(places[:first, None] - places[first:], axis=-1) * ANGSTROM_IN_BOHR
    sums = np.array(charges[:first]) @ (1.0 / distances) @ np.array(charges[first:])
    # OpenMM's own constant of Coulomb's law agrees to some 1e-7.
    assert found == pytest.approx(sums * HARTREE_PER_E_IN_KJ_PER_MOL_E, rel=1e-6)
    assert abs(found) > 1.0
