"""Make resources/labels/xtb.extxyz.gz: moments and charges of GFN2-xTB for thousands of molecules.

Run from the repository's root, in the project's environment with ``tblite`` besides; it takes two
minutes of one core::

    pip install tblite==0.8.0
    OMP_NUM_THREADS=1 python tools/make_xtb_labels.py

The geometries are those of the label set *pretraining* (tools/make_pretraining_geometries.py); none
is relaxed by GFN2-xTB. A model that has learned these labels, which cost 20 ms a molecule, starts
the training on labels of density functional theory, of which there are fewer.
"""

import argparse
import gzip
import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from ase import Atoms
from ase.io import write
from ase.units import Bohr

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from make_pretraining_geometries import DECIMALS, NAME, PATH  # noqa: E402
from packed_matrix import matrix_of  # noqa: E402

from mepflow.archives.label_geometries import LabelGeometry, read_label_geometries  # noqa: E402
from mepflow.storage.files import atomic_path  # noqa: E402

log = logging.getLogger("make_xtb_labels")

OUTPUT: Final = ROOT / "resources" / "labels" / "xtb.extxyz.gz"


def labelled(geometry: LabelGeometry) -> Atoms:
    """Return a frame with the moments of GFN2-xTB about the origin, and its charges.

    Raises ``RuntimeError`` where the calculation does not converge.
    """
    from tblite.interface import Calculator  # only here: the help needs no tblite

    atoms = Atoms(geometry.atomic_numbers, geometry.positions_angstrom)
    atoms.info = {"smiles": geometry.texts["smiles"], "total_charge": geometry.charge}
    charge = float(geometry.charge)
    calculator = Calculator("GFN2-xTB", atoms.numbers, atoms.positions / Bohr, charge=charge)
    calculator.set("verbosity", 0)
    found = calculator.singlepoint()
    atoms.info["REF_dipole"] = np.round(found.get("dipole") * Bohr, DECIMALS)
    quadrupole = matrix_of(found.get("quadrupole")) * Bohr**2
    atoms.info["REF_quadrupole"] = np.round(quadrupole, DECIMALS)
    atoms.arrays["REF_charges"] = np.round(found.get("charges"), DECIMALS)
    atoms.info["id"] = geometry.id.replace(NAME, "xtb")
    return atoms


def frames() -> Iterator[Atoms]:
    """Yield the molecules with their labels; those that fail are named and left out."""
    for geometry in read_label_geometries(PATH):
        try:
            yield labelled(geometry)
        except RuntimeError as error:
            log.warning("%s: %s", geometry.id, error)


def main() -> None:
    """Write the file; nothing is left of an attempt that fails."""
    argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0]).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    text = io.StringIO()
    write(text, list(frames()), format="extxyz")
    with atomic_path(OUTPUT) as path:
        # Without a date inside, the same frames make the same file.
        path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
