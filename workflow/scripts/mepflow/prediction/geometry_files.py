"""Geometries with the predicted charges: PQR, and extended XYZ."""

from collections.abc import Iterable
from pathlib import Path

from ase import Atoms
from ase.data import chemical_symbols
from ase.io import extxyz

from mepflow.geometry.radii import bondi_radii
from mepflow.multipoles import components
from mepflow.prediction.result import Prediction
from mepflow.storage.files import atomic_path
from mepflow.units import BOHR_IN_ANGSTROM


def write_pqr(path: Path, prediction: Prediction) -> None:
    """Write positions (Å), charges (e) and Bondi radii (Å) as a PQR file.

    Words are divided by spaces, as PDB2PQR and APBS have it: ``ATOM number name MOL 1 x y z q r``.
    """
    molecule = prediction.molecule
    radii = bondi_radii(molecule.atomic_numbers) * BOHR_IN_ANGSTROM
    positions = molecule.positions * BOHR_IN_ANGSTROM
    lines = [f"REMARK   1 {molecule.id}: charges (e) by mepflow, Bondi radii (angstrom)"]
    if prediction.atomic_dipoles is not None:
        lines.append("REMARK   1 the atomic dipoles, a part of the model, are in atoms.csv alone")
    rows = zip(molecule.atomic_numbers, positions, prediction.charges, radii, strict=True)
    for atom, (number, (x, y, z), charge, radius) in enumerate(rows, 1):
        name = f"{chemical_symbols[number]}{atom}"
        lines.append(
            f"ATOM  {atom:5d} {name:<5s} MOL     1 {x:12.6f} {y:12.6f} {z:12.6f} "
            f"{charge:10.6f} {radius:7.4f}"
        )
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join([*lines, "TER", "END\n"]), encoding="ascii")


def write_extxyz(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write all molecules as frames of one extended XYZ file.

    Positions are in Å. Columns ``charges`` (e) and ``dipole`` of the comment (e·Å) are in ASE's
    units and found by ``get_charges`` and ``get_dipole_moment`` there; whatever else is in atomic
    units has its unit in its name.
    """
    frames = [_frame(prediction) for prediction in predictions]
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        extxyz.write_xyz(file, frames)


def _frame(prediction: Prediction) -> Atoms:
    molecule = prediction.molecule
    atoms = Atoms(molecule.atomic_numbers, molecule.positions * BOHR_IN_ANGSTROM)
    atoms.info = {
        "name": molecule.id,
        "total_charge": molecule.total_charge,
        "dipole_e_bohr": prediction.dipole,
        "theta_prime_xx_yy_zz_xy_xz_yz_e_bohr2": components(prediction.quadrupole),
        "origin_bohr": prediction.origin,
    }
    # ASE takes arrays and entries of these names for the results of a calculator.
    atoms.info["dipole"] = prediction.dipole * BOHR_IN_ANGSTROM
    atoms.arrays["charges"] = prediction.charges
    if len(prediction.model_charges) > 1:
        atoms.arrays["charge_spread_e"] = prediction.charges_spread
    if prediction.atomic_dipoles is not None:
        atoms.arrays["atomic_dipoles_e_bohr"] = prediction.atomic_dipoles
    return atoms
