"""Measure a step of a dynamics against the number of replicas, and of atoms.

Run from the repository's root, in the project's environment::

    python benchmarks/dynamics_steps.py

Energies, forces and dipoles of the network ``small`` of the study dynamics with random weights, of
ethanol and of thiophene oligomers built by RDKit; times are of the processor, of one thread.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import yaml
from rdkit import Chem
from rdkit.Chem import AllChem

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.dynamics.model_forces import ModelForces  # noqa: E402
from mepflow.models.energy_model import EnergyModel  # noqa: E402
from mepflow.models.variants import Variant  # noqa: E402
from mepflow.molecules import Molecule  # noqa: E402
from mepflow.nn.networks import network_settings  # noqa: E402
from mepflow.units import ANGSTROM_IN_BOHR  # noqa: E402

REPLICAS: Final = (1, 4, 8, 16, 32)
UNITS: Final = (1, 2, 4, 8, 12)
STEPS: Final = 10


def main() -> None:
    """Measure and print a line for each case."""
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    ethanol = built("CCO")
    for replicas in REPLICAS:
        report(f"ethanol, {replicas} replicas", ethanol, replicas)
    for units in UNITS:
        oligomer = built(chain(units))
        report(f"thiophene, {units} units, {len(oligomer)} atoms", oligomer, 1)


def chain(units: int) -> str:
    """Return the SMILES of a chain of thiophenes, bonded in the places 2 and 5."""
    if units == 1:
        return "c1cccs1"
    return "s1cccc1-" + "c1ccc(s1)-" * (units - 2) + "c1cccs1"


def report(name: str, molecule: Molecule, replicas: int) -> None:
    """Print the time of an evaluation, per replica."""
    milliseconds = 1000.0 * evaluation_time(molecule, replicas)
    sys.stdout.write(f"{name}: {milliseconds:.1f} ms, {milliseconds / replicas:.2f} a replica\n")


def evaluation_time(molecule: Molecule, replicas: int) -> float:
    """Return the CPU seconds of energies, forces and dipoles, after a call that does not count."""
    surface = ModelForces([model()], molecule)
    noise = np.random.default_rng(1).normal(0.0, 0.05, (replicas, len(molecule), 3))
    positions = molecule.positions + noise
    surface(positions)
    start = time.process_time()
    for _ in range(STEPS):
        surface(positions)
    return (time.process_time() - start) / STEPS


def model() -> EnergyModel:
    """Return the model of the study with random weights."""
    row = dict(read("studies/dynamics.yaml")["variants"]["AC-AD-EFMD"])
    row.pop("training")
    variant = Variant.from_row("AC-AD-EFMD", row)
    network = read("definitions.yaml")["networks"]["small"]
    settings = network | {"elements": (1, 6, 8, 16), "outputs": variant.outputs}
    return EnergyModel(network_settings(settings), variant)


def built(smiles: str) -> Molecule:
    """Return a molecule as RDKit builds it."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    numbers = np.array([atom.GetAtomicNum() for atom in molecule.GetAtoms()], dtype=np.uint8)
    return Molecule(smiles, numbers, molecule.GetConformer().GetPositions() * ANGSTROM_IN_BOHR)


def read(name: str) -> dict[str, Any]:
    """Return a file of ``config``."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "config" / name).read_text())
    return content


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
