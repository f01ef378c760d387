"""Make the harmonic modes of trans-ethanol at PBE/def2-SVP that the study dynamics compares with.

Run from the repository's root, in the project's environment; it took 7 minutes of a processor::

    OMP_NUM_THREADS=1 nice python tools/make_ethanol_modes.py

It writes ``resources/embedded/ethanol-pbe-modes.json``. The level is that of the labels of
``ethanol-pbe.h5`` on a finer integration grid, which second derivatives need.
"""

import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.qm.blas import choose_kernels  # noqa: E402

choose_kernels()

import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
import yaml  # noqa: E402
from ase import Atoms  # noqa: E402
from ase.optimize import BFGS  # noqa: E402
from ethanol_geometries import LARGEST_FORCE, SMILES, TORSIONS, HartreeFock  # noqa: E402
from rdkit import Chem  # noqa: E402
from rdkit.Chem import AllChem, rdMolTransforms  # noqa: E402

from mepflow.dynamics.force_functions import Evaluated  # noqa: E402
from mepflow.dynamics.harmonic_file import write_modes  # noqa: E402
from mepflow.dynamics.harmonic_modes import harmonic_modes, minimum  # noqa: E402
from mepflow.molecules import Molecule  # noqa: E402
from mepflow.multipoles import centre_of_nuclear_charge  # noqa: E402
from mepflow.qm.energy_gradient import energy_gradient  # noqa: E402
from mepflow.qm.levels import LevelOfTheory  # noqa: E402
from mepflow.qm.properties import molecular_properties  # noqa: E402
from mepflow.qm.scf import run_scf  # noqa: E402
from mepflow.units import ANGSTROM_IN_BOHR  # noqa: E402

log = logging.getLogger("make_ethanol_modes")
FloatArray = npt.NDArray[np.float64]

OUTPUT: Final = ROOT / "resources" / "embedded" / "ethanol-pbe-modes.json"
LEVEL: Final = "pbe-def2-svp-quick"
GRID_LEVEL: Final = 2
DISPLACEMENT_BOHR: Final = 0.02
SEED: Final = 1


class Dft:
    """The surface of a level of theory."""

    def __init__(self, molecule: Molecule, level: LevelOfTheory, description: str) -> None:
        self._molecule, self._level, self.description = molecule, level, description

    def __call__(self, positions: FloatArray) -> Evaluated:
        """Return energies, forces and dipoles at positions (R, n, 3) in bohr."""
        found = [self._of_one(place) for place in positions]
        return Evaluated(*(np.array(values) for values in zip(*found, strict=True)))

    def force_spread(self, positions: FloatArray) -> None:
        """Return nothing: there is one surface."""

    def _of_one(self, positions: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        molecule = replace(self._molecule, positions=positions)
        result = run_scf(molecule, self._level)
        if not result.converged:
            raise RuntimeError("the SCF did not converge")
        gradient, _ = energy_gradient(result.mean_field)
        origin = centre_of_nuclear_charge(molecule.atomic_numbers, positions)
        values = molecular_properties(result.mean_field, origin)
        log.info("energy %.8f, largest gradient %.6f", values["energy"], np.abs(gradient).max())
        return float(values["energy"]), -gradient, np.asarray(values["dipole"])


def start() -> Molecule:
    """Return trans-ethanol at the minimum of Hartree-Fock, which is near and quick to find."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(SMILES))
    AllChem.EmbedMolecule(molecule, randomSeed=SEED)
    AllChem.MMFFOptimizeMolecule(molecule)
    rdMolTransforms.SetDihedralDeg(molecule.GetConformer(), *TORSIONS[0][0], 180.0)
    symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
    positions = molecule.GetConformer().GetPositions()
    atoms = Atoms(symbols, positions, calculator=HartreeFock())
    BFGS(atoms, logfile=None).run(fmax=LARGEST_FORCE, steps=100)
    numbers = atoms.get_atomic_numbers().astype(np.uint8)
    return Molecule("ethanol", numbers, atoms.get_positions() * ANGSTROM_IN_BOHR)


def main() -> int:
    """Make the file."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    rows: dict[str, Any] = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())
    row = rows["levels_of_theory"][LEVEL] | {"grid_level": GRID_LEVEL}
    molecule = start()
    surface = Dft(molecule, LevelOfTheory.from_row(LEVEL, row), "PBE/def2-SVP")
    places = minimum(molecule, surface, LARGEST_FORCE)
    modes = harmonic_modes(molecule.atomic_numbers, places, surface, DISPLACEMENT_BOHR)
    write_modes(OUTPUT, modes)
    log.info("%s: %s", OUTPUT, np.round(modes.wavenumbers).tolist())
    return 0


if __name__ == "__main__":
    sys.exit(main())
