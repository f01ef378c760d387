"""The catalogue of properties and texts that a table of molecules may hold."""

from dataclasses import dataclass
from typing import Final, Literal

from mepflow.multipoles import ORIGIN


@dataclass(frozen=True)
class Field:
    """A property that a table may hold: rows, shape of one row, unit and meaning."""

    per: Literal["molecule", "atom"]
    shape: tuple[int, ...]
    units: str
    description: str


FIELDS: Final[dict[str, Field]] = {
    # What we compute, or a model predicts.
    "energy": Field("molecule", (), "hartree", "total electronic energy with nuclear repulsion"),
    "dipole": Field("molecule", (3,), "e*bohr", f"dipole about the {ORIGIN}"),
    "quadrupole": Field(
        "molecule", (3, 3), "e*bohr^2", f"traceless quadrupole Theta' about the {ORIGIN}"
    ),
    "origin": Field("molecule", (3,), "bohr", f"the multipoles' origin: {ORIGIN}"),
    "homo": Field("molecule", (), "hartree", "highest occupied orbital energy"),
    "lumo": Field("molecule", (), "hartree", "lowest unoccupied orbital energy"),
    "electronic_spatial_extent": Field("molecule", (), "bohr^2", f"<r^2> about the {ORIGIN}"),
    "mulliken_charges": Field("atom", (), "e", "Mulliken atomic charges"),
    "gradient": Field("atom", (3,), "hartree/bohr", "gradient of the energy"),
    "atomic_charges": Field("atom", (), "e", "atomic charges of a model or a fit"),
    "atomic_dipoles": Field("atom", (3,), "e*bohr", "atomic dipoles of a model or a fit"),
    "atomic_quadrupoles": Field("atom", (3, 3), "e*bohr^2", "traceless atomic quadrupoles Theta'"),
    "forces": Field("atom", (3,), "hartree/bohr", "forces of a model"),
    "scf_converged": Field("molecule", (), "1", "1 where the SCF converged, else 0"),
    "scf_cycles": Field("molecule", (), "1", "SCF iterations, all attempts together"),
    "wall_time": Field("molecule", (), "s", "wall time of the reference calculation"),
    # What an archive says.
    "archive_dipole_norm": Field("molecule", (), "e*bohr", "length of the archive's dipole"),
    "archive_energy": Field("molecule", (), "hartree", "the archive's electronic energy"),
    "archive_homo": Field("molecule", (), "hartree", "the archive's HOMO energy"),
    "archive_lumo": Field("molecule", (), "hartree", "the archive's LUMO energy"),
    "archive_spatial_extent": Field("molecule", (), "bohr^2", "the archive's <r^2>"),
    "archive_polarizability": Field("molecule", (), "bohr^3", "the archive's polarizability"),
    "archive_mulliken_charges": Field("atom", (), "e", "the archive's Mulliken charges"),
    "archive_conformer": Field(
        "molecule", (), "1", "number of the conformer in its record, from 0"
    ),
    "archive_radical_electrons": Field(
        "molecule",
        (),
        "1",
        "unpaired electrons: those of the SMILES, or 1 where their number is odd",
    ),
    "archive_largest_force": Field(
        "molecule", (), "hartree/bohr", "largest component of the archive's gradient"
    ),
    "archive_gradient": Field(
        "atom", (3,), "hartree/bohr", "the archive's gradient of the energy, nan if absent"
    ),
    "archive_dipole": Field("molecule", (3,), "e*bohr", f"the archive's dipole about the {ORIGIN}"),
    "archive_quadrupole": Field(
        "molecule", (3, 3), "e*bohr^2", f"the archive's Theta' about the {ORIGIN}"
    ),
    "archive_mbis_charges": Field("atom", (), "e", "the archive's MBIS charges, nan if absent"),
    "archive_mbis_dipoles": Field(
        "atom", (3,), "e*bohr", "the archive's MBIS atomic dipoles, nan if absent"
    ),
    "archive_mbis_quadrupoles": Field(
        "atom", (3, 3), "e*bohr^2", "traceless Theta' of the archive's MBIS atoms, nan if absent"
    ),
}


TEXTS: Final[dict[str, str]] = {
    "archive_smiles": "SMILES that the archive's geometry was built from",
    "archive_inchi": "InChI that the archive's geometry was built from",
    "relaxed_inchi": "InChI of the archive's relaxed geometry",
    "archive_group": "name of the archive's group that the conformer is from",
    "archive_subset": "the archive's subset",
    "archive_split": "the archive's own set of the molecule: train, validation or test",
    "molecule": "what conformers and duplicates of a molecule have in common: canonical SMILES",
    "failure": "why the reference calculation failed, empty where it did not",
}
