"""Energies of free atoms at a level of theory, for the key ``energy_references`` of a training.

    python tools/free_atom_energies.py wb97m-d3bj-def2-tzvppd-quick H C N O

Each is of an unrestricted calculation with the spin of the atom's ground state, by Hund's rule; the
density is not made spherical.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import yaml
from pyscf import dft, gto

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.errors import ConfigError  # noqa: E402
from mepflow.qm.levels import LevelOfTheory  # noqa: E402

UNPAIRED: Final = {"H": 1, "Li": 1, "B": 1, "C": 2, "N": 3, "O": 2, "F": 1, "Na": 1, "Mg": 0,
                   "Si": 2, "P": 3, "S": 2, "Cl": 1, "K": 1, "Ca": 0, "Br": 1, "I": 1}  # fmt: skip
"""Unpaired electrons of the ground state."""


def free_atom_energy(element: str, level: LevelOfTheory) -> float:
    """Return the energy in hartree.

    Raises :class:`ConfigError` where the SCF does not converge, or d functions are Cartesian and f
    functions pure.
    """
    if level.mixes_cartesian_and_pure:
        raise ConfigError(
            f"{level.name} mixes Cartesian and pure functions: there is no UKS of it."
        )
    mol = gto.M(
        atom=[(element, (0.0, 0.0, 0.0))],
        basis=level.basis_functions([element]),
        ecp=level.core_potentials([element]),
        spin=UNPAIRED[element],
        verbose=0,
    )
    atom = dft.UKS(mol, xc=level.functional)
    atom.grids.level, atom.conv_tol = level.grid_level, level.convergence_hartree
    if level.dispersion is not None:
        atom.disp = level.dispersion
    if level.density_fitting is not None:
        atom = atom.density_fit(auxbasis=level.density_fitting)
    atom.kernel()
    if not atom.converged:
        atom = atom.newton()
        atom.kernel(atom.mo_coeff, atom.mo_occ)
    if not atom.converged:
        raise ConfigError(f"The atom {element} does not converge at {level.name}.")
    return float(atom.e_tot)


def main() -> None:
    """Print the energies as a row of YAML."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("level")
    parser.add_argument("elements", nargs="+", choices=UNPAIRED)
    arguments = parser.parse_args()
    levels = yaml.safe_load((ROOT / "config/definitions.yaml").read_text())["levels_of_theory"]
    level = LevelOfTheory.from_row(arguments.level, levels[arguments.level])
    energies = {name: round(free_atom_energy(name, level), 6) for name in arguments.elements}
    sys.stdout.write(yaml.safe_dump({"energy_references": energies}, default_flow_style=None))


if __name__ == "__main__":
    main()
