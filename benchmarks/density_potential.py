"""Measure the potential of an electron density in closed form beside the integrals of PySCF.

Run from the repository's root, in the project's environment::

    python benchmarks/density_potential.py

Ethanol, the first geometry of ``resources/embedded/ethanol-pbe.h5``, at 2,000 points around it.
The fitted density has 335 functions (def2-universal-jkfit): its potential in closed form, of NumPy
and of torch, and by PySCF's two-centre integrals with point charges. The orbitals' density has 72
functions (def2-SVP): PySCF's ``int1e_grids`` and the sum over pairs, as a reference calculation
does it. Times are of the processor, of one thread, and take turns.
"""

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from measuring import Row, machine, side_by_side, write_rows
from pyscf import gto

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.archives.label_columns import FITTING_BASIS, POSITION_DIGITS  # noqa: E402
from mepflow.archives.label_file import read_labels  # noqa: E402
from mepflow.densities.density_functions import electronic_potential  # noqa: E402
from mepflow.densities.pyscf_basis import auxiliary_basis, fitting_molecule  # noqa: E402
from mepflow.qm.properties import _electronic_potential  # noqa: E402
from mepflow.units import ANGSTROM_IN_BOHR  # noqa: E402

POINTS: Final = 2000
REPETITIONS: Final = 7
ORBITALS: Final = "def2-svp"
FUNCTIONS: Final = 335


def main() -> None:
    """Measure, check that both ways agree, and write the result."""
    labels = read_labels(ROOT / "resources" / "embedded" / "ethanol-pbe.h5")
    numbers = labels.columns["atomic_numbers"][:9].astype(np.int64)
    positions = labels.columns["positions"][:9] * 10.0**-POSITION_DIGITS * ANGSTROM_IN_BOHR
    coefficients = labels.columns["density_coefficients"][:FUNCTIONS].astype(float)
    points = np.random.default_rng(1).normal(size=(POINTS, 3))
    points *= 9.0 / np.linalg.norm(points, axis=1, keepdims=True)
    basis = auxiliary_basis(FITTING_BASIS, numbers)
    atoms: tuple[Any, ...] = (positions, coefficients, points)
    tensors = tuple(map(torch.as_tensor, atoms))
    auxiliary = fitting_molecule(FITTING_BASIS, numbers, positions)
    orbitals = fitting_molecule(ORBITALS, numbers, positions)
    density = np.eye(orbitals.nao)
    charges = gto.fakemol_for_charges(points)
    ways = {
        "numpy": lambda: electronic_potential(basis, numbers, *atoms),
        "torch": lambda: electronic_potential(basis, numbers, *tensors),
        "two-centre": lambda: gto.intor_cross("int2c2e", charges, auxiliary) @ coefficients,
        "int1e_grids": lambda: _electronic_potential(orbitals, density, points),
    }
    difference = float(np.abs(ways["numpy"]() - ways["two-centre"]()).max())
    seconds = {name: timing.cpu_s for name, timing in side_by_side(ways, REPETITIONS).items()}
    what = f"potential of a density at {POINTS:,} points, ethanol"
    integrals = seconds["int1e_grids"]
    rows = [
        Row(f"{what}, {name}", seconds[key], "s", plain=integrals, note=note)
        for key, name, note in (
            (
                "numpy",
                "closed form, NumPy",
                f"from PySCF's integrals by {difference:.0e} hartree/e",
            ),
            ("torch", "closed form, PyTorch", "can be differentiated"),
            ("two-centre", "PySCF's int2c2e", "plain: int1e_grids of the orbitals' density"),
        )
    ]
    write_rows("density_potential", rows, {"machine": machine(), "seconds": seconds})


if __name__ == "__main__":
    main()
