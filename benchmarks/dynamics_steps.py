"""Measure a step of a dynamics against the number of replicas, and of atoms.

Run from the repository's root, in the project's environment::

    python benchmarks/dynamics_steps.py
    python benchmarks/dynamics_steps.py --figure steps.png

Energies, forces and dipoles of the models of the study dynamics with random weights (a network of
atoms and pairs; energies from a density; the same without the density), of ethanol and of thiophene
oligomers built by RDKit; times are of the processor, of one thread. The figure shows time against
the number of atoms.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import yaml
from rdkit import Chem
from rdkit.Chem import AllChem

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.densities.density_energy_model import DensityEnergyModel  # noqa: E402
from mepflow.densities.density_energy_network import (  # noqa: E402
    DENSITY_AND_GEOMETRY,
    GEOMETRY,
)
from mepflow.densities.density_model import DensityModel  # noqa: E402
from mepflow.densities.density_network import DensityNetworkSettings  # noqa: E402
from mepflow.densities.pyscf_basis import auxiliary_basis, coulomb_matrix  # noqa: E402
from mepflow.densities.whitening import whitening  # noqa: E402
from mepflow.dynamics.density_forces import DensityForces  # noqa: E402
from mepflow.dynamics.force_functions import ForceFunction  # noqa: E402
from mepflow.dynamics.model_forces import ModelForces  # noqa: E402
from mepflow.models.energy_model import EnergyModel  # noqa: E402
from mepflow.models.energy_units import EnergyUnits  # noqa: E402
from mepflow.models.variants import Variant  # noqa: E402
from mepflow.molecules import Molecule  # noqa: E402
from mepflow.nn.networks import network_settings  # noqa: E402
from mepflow.plots.style import BLUE, GREY, PAGE_WIDTH, VERMILION, drawing  # noqa: E402
from mepflow.units import ANGSTROM_IN_BOHR  # noqa: E402

REPLICAS: Final = (1, 4, 8, 16, 32)
UNITS: Final = (1, 2, 4, 8, 12)
STEPS: Final = 10


Surfaces = dict[str, Callable[[Molecule], ForceFunction]]


def main() -> None:
    """Measure and print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--figure", type=Path, help="where time against atoms is drawn")
    options = parser.parse_args()
    surfaces: Surfaces = {
        "AC-AD-EFMD": lambda molecule: ModelForces([model()], molecule),
        "density-energy": lambda molecule: on_density(DENSITY_AND_GEOMETRY, molecule),
        "geometry-energy": lambda molecule: on_density(GEOMETRY, molecule),
    }
    ethanol = built("CCO")
    oligomers = {units: built(chain(units)) for units in UNITS}
    times: dict[str, list[float]] = {}
    for name, surface in surfaces.items():
        for replicas in REPLICAS:
            report(f"{name}, ethanol, {replicas} replicas", surface(ethanol), ethanol, replicas)
        times[name] = [
            report(f"{name}, thiophene, {units} units, {len(one)} atoms", surface(one), one, 1)
            for units, one in oligomers.items()
        ]
    if options.figure is not None:
        draw([len(one) for one in oligomers.values()], times, options.figure)


def draw(atoms: Sequence[int], times: Mapping[str, Sequence[float]], path: Path) -> None:
    """Draw the times of a step in ms of every surface against the number of atoms."""
    with drawing(PAGE_WIDTH / 2.0, 2.8, [path]) as figure:
        axes = figure.subplots()
        for (name, values), colour in zip(times.items(), (GREY, VERMILION, BLUE), strict=True):
            axes.loglog(atoms, values, marker="o", color=colour, label=name)
        axes.set_xlabel("atoms")
        axes.set_ylabel("time of a step (ms)")
        axes.legend()


def chain(units: int) -> str:
    """Return the SMILES of a chain of thiophenes, bonded in the places 2 and 5."""
    if units == 1:
        return "c1cccs1"
    return "s1cccc1-" + "c1ccc(s1)-" * (units - 2) + "c1cccs1"


def report(name: str, surface: ForceFunction, molecule: Molecule, replicas: int) -> float:
    """Print the time of an evaluation, per replica, and return it in ms."""
    milliseconds = 1000.0 * evaluation_time(surface, molecule, replicas)
    sys.stdout.write(f"{name}: {milliseconds:.1f} ms, {milliseconds / replicas:.2f} a replica\n")
    sys.stdout.flush()
    return milliseconds


def evaluation_time(surface: ForceFunction, molecule: Molecule, replicas: int) -> float:
    """Return the CPU seconds of energies, forces and dipoles, after a call that does not count."""
    noise = np.random.default_rng(1).normal(0.0, 0.05, (replicas, len(molecule), 3))
    positions = molecule.positions + noise
    surface(positions)
    start = time.process_time()
    for _ in range(STEPS):
        surface(positions)
    return (time.process_time() - start) / STEPS


def on_density(inputs: str, molecule: Molecule) -> DensityForces:
    """Return a surface of the study's networks on a density, with random weights."""
    rows = read("definitions.yaml")["density_networks"]
    numbers = np.array([1, 6, 8, 16])
    basis = auxiliary_basis(read("definitions.yaml")["densities"]["auxiliary_basis"], numbers)
    origin = np.zeros((1, 3))
    coulomb = {z: coulomb_matrix(basis.name, np.array([z]), origin) for z in basis.shells}
    nothing = {z: np.zeros(len(matrix)) for z, matrix in coulomb.items()}
    small = DensityNetworkSettings.from_row(rows["density-small"])
    density = DensityModel.new(small, basis, nothing, whitening(basis, coulomb), 7.0, {})
    settings = DensityNetworkSettings.from_row(rows["density-energy"])
    made = DensityEnergyModel.new(density, settings, inputs, EnergyUnits(), 7.0, {})
    made.network.float()
    made.density.network.float()
    return DensityForces([made], molecule)


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
