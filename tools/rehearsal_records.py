"""How made-up molecules stand in archives of QM9's and SPICE's layout.

The labels are a model's: they are plausible, agree with each other and mean nothing.
"""

import io
import tarfile
from collections.abc import Mapping
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt
from rehearsal_fragments import Fragment

from mepflow.archives.qm9 import gdb_id
from mepflow.elements import symbol
from mepflow.units import ANGSTROM_IN_BOHR, E_BOHR_IN_DEBYE

FloatArray = npt.NDArray[np.float64]

ATOM_HARTREE: Final = {1: -0.6, 6: -38.1, 7: -54.7, 8: -75.2, 9: -99.8, 15: -341.4, 16: -398.2}
"""Rough energies of atoms; others count as :data:`_OTHER_HARTREE` per unit of nuclear charge."""
_OTHER_HARTREE: Final = -30.0
_ZERO_POINT_HARTREE: Final = 0.0085
"""Per atom."""
SUBSET: Final = "made up"


def energy(numbers: npt.NDArray[np.uint8]) -> float:
    """Return a rough total energy in hartree."""
    return sum(ATOM_HARTREE.get(z, _OTHER_HARTREE * z) for z in numbers.tolist())


def qm9_record(
    number: int, fragment: Fragment, charges: FloatArray, dipole: FloatArray, swapped: str
) -> bytes:
    """Return the text of the record ``gdb number``, as :mod:`mepflow.archives.qm9` describes it.

    ``charges`` (n,) in e and ``dipole`` (3,) in e·bohr are the labels; ``swapped`` is another
    SMILES of the same molecule, which stands as that of the relaxed geometry.
    """
    atoms = len(fragment.numbers)
    zero_point = _ZERO_POINT_HARTREE * atoms
    total = energy(fragment.numbers) + zero_point
    norm = float(np.linalg.norm(dipole)) * E_BOHR_IN_DEBYE
    numbers = (
        *("157.7118", "1.3", "1.1", f"{norm:.4f}", f"{5.0 * atoms:.2f}", "-0.25", "0.03", "0.28"),
        *(f"{60.0 * atoms:.4f}", f"{zero_point:.6f}"),
        *(f"{total + shift:.6f}" for shift in (0.0, 0.007, 0.008, -0.03)),
        f"{1.7 * atoms:.3f}",
    )
    lines = [str(atoms), "\t".join([f"gdb {number}", *numbers, ""])]
    rows = zip(fragment.numbers.tolist(), fragment.positions, charges, strict=True)
    lines += [
        f"{symbol(z)}\t{x:.10f}\t{y:.10f}\t{w:.10f}\t{charge:.6f}" for z, (x, y, w), charge in rows
    ]
    lines.append("\t".join(f"{value:.4f}" for value in np.linspace(100, 3100, 3 * atoms - 6)))
    lines.append(f"{fragment.smiles}\t{swapped}\t")
    inchi = f"InChI=1S/made-up-{number}"
    lines.append(f"{inchi}\t{inchi}")
    return ("\n".join(lines) + "\n").encode()


def add_record(archive: tarfile.TarFile, number: int, content: bytes) -> None:
    """Append a record to an archive, under its name there."""
    member = tarfile.TarInfo(f"dsgdb9nsd_{gdb_id(number).removeprefix('gdb_')}.xyz")
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def write_group(
    file: h5py.File, name: str, fragment: Fragment, labels: Mapping[str, FloatArray]
) -> None:
    """Write a group as :mod:`mepflow.archives.spice` describes it, with two conformers.

    ``labels`` are atomic charges, dipoles and second moments, and the molecular dipole and second
    moment about the origin of the coordinates, in atomic units. The second conformer is the mirror
    image in the plane x = 0, a little higher in energy: all its labels follow exactly.
    """
    group = file.create_group(name)
    group.create_dataset("smiles", data=[fragment.mapped], dtype=_TEXT)
    group.create_dataset("subset", data=[SUBSET], dtype=_TEXT)
    group["atomic_numbers"] = fragment.numbers.astype(np.int16)
    lowest = energy(fragment.numbers)
    _write(group, "dft_total_energy", np.array([lowest, lowest + 0.002]), "hartree")
    positions = fragment.positions * ANGSTROM_IN_BOHR
    gradient = 0.01 * np.sin(10.0 * positions)
    unit = "elementary_charge"
    both: dict[str, tuple[FloatArray, str]] = {
        "conformations": (_with_mirror(positions), "bohr"),
        "dft_total_gradient": (_with_mirror(gradient), "hartree/bohr"),
        "scf_dipole": (_with_mirror(labels["dipole"]), f"{unit}*bohr"),
        "scf_quadrupole": (_with_mirror(labels["second_moment"], 2), f"{unit}*bohr^2"),
        "mbis_charges": (np.stack(2 * [labels["charges"][:, None]]), unit),
        "mbis_dipoles": (_with_mirror(labels["dipoles"]), f"{unit}*bohr"),
        "mbis_quadrupoles": (_with_mirror(labels["second_moments"], 2), f"{unit}*bohr^2"),
    }
    for quantity, (values, of) in both.items():
        _write(group, quantity, values.astype(np.float32 if "mbis" in quantity else float), of)


_TEXT: Final = h5py.string_dtype()
_MIRROR: Final = np.array([-1.0, 1.0, 1.0])


def _with_mirror(values: FloatArray, rank: int = 1) -> FloatArray:
    """Return vectors, or matrices for rank 2, and their mirror images, stacked."""
    factor = _MIRROR if rank == 1 else np.outer(_MIRROR, _MIRROR)
    return np.stack([values, values * factor])


def _write(group: h5py.Group, name: str, values: npt.NDArray[Any], unit: str) -> None:
    dataset = group.create_dataset(name, data=values)
    dataset.attrs["units"] = unit
