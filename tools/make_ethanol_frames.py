"""Make resources/embedded/ethanol.extxyz.gz: ethanol at 500 K with energies and forces.

Run from the repository's root, in the project's environment with ``tblite`` besides; it takes
minutes on one core::

    pip install tblite==0.8.0
    OMP_NUM_THREADS=1 python tools/make_ethanol_frames.py

Langevin dynamics on the surface of GFN2-xTB, whose frames, 20 fs apart, hold the energy, forces,
dipole, traceless quadrupole (Buckingham's form) and charges of the same method.
"""

import gzip
import io
import sys
from pathlib import Path
from typing import Final

import numpy as np
from ase import Atoms, units
from ase.build import molecule
from ase.io import write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import thermalize_momenta
from ase.units import Bohr
from tblite.ase import TBLite
from tblite.interface import Calculator

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from packed_matrix import matrix_of  # noqa: E402

from mepflow.storage.files import atomic_path  # noqa: E402

OUTPUT: Final = ROOT / "resources" / "embedded" / "ethanol.extxyz.gz"
FRAMES: Final = 880
STEPS_BETWEEN, STEPS_BEFORE = 40, 4000
STEP_FS, TEMPERATURE_K, FRICTION_PER_FS, SEED = 0.5, 500.0, 0.01, 1


def trajectory() -> list[Atoms]:
    """Return frames of a dynamics of ethanol, after its equilibration."""
    atoms = molecule("CH3CH2OH")
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    rng = np.random.default_rng(SEED)
    thermalize_momenta(atoms, TEMPERATURE_K, rng=rng)
    dynamics = Langevin(
        atoms,
        STEP_FS * units.fs,
        temperature_K=TEMPERATURE_K,
        friction=FRICTION_PER_FS / units.fs,
        rng=rng,
    )
    dynamics.run(STEPS_BEFORE)
    frames = []
    for _ in range(FRAMES):
        dynamics.run(STEPS_BETWEEN)
        frames.append(Atoms(atoms.numbers, atoms.positions - atoms.get_center_of_mass()))
    return frames


def labelled(frame: Atoms, number: int) -> Atoms:
    """Return a frame with rounded positions and the labels of just these, about its origin."""
    positions = np.round(frame.positions, 6)
    calculator = Calculator("GFN2-xTB", frame.numbers, positions / Bohr)
    calculator.set("verbosity", 0)
    calculator.set("accuracy", 0.01)
    found = calculator.singlepoint()
    atoms = Atoms(frame.numbers, positions)
    atoms.info = {
        "id": f"ethanol-{number:03d}",
        "smiles": "CCO",
        "REF_energy": round(float(found.get("energy")) * units.Hartree, 6),
        "REF_dipole": np.round(found.get("dipole") * Bohr, 6),
        "REF_quadrupole": np.round(matrix_of(found.get("quadrupole")) * Bohr**2, 6),
    }
    forces = -found.get("gradient") * units.Hartree / Bohr
    atoms.arrays["REF_forces"] = np.round(forces, 6)
    atoms.arrays["REF_charges"] = np.round(found.get("charges"), 6)
    return atoms


def main() -> None:
    """Write the file; nothing is left of an attempt that fails."""
    frames = [labelled(frame, number) for number, frame in enumerate(trajectory())]
    text = io.StringIO()
    write(text, frames, format="extxyz")
    with atomic_path(OUTPUT) as path:
        # Without a date inside, the same frames make the same file.
        path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
