"""Groups in SPICE's format with made-up numbers that fit together, and files of them."""

from pathlib import Path

import h5py
import numpy as np

UNITS = {
    "conformations": "bohr",
    "dft_total_energy": "hartree",
    "dft_total_gradient": "hartree/bohr",
    "scf_dipole": "elementary_charge*bohr",
    "scf_quadrupole": "elementary_charge*bohr^2",
    "mbis_charges": "elementary_charge",
    "mbis_dipoles": "elementary_charge*bohr",
    "mbis_quadrupoles": "elementary_charge*bohr^2",
}
WATER = "[H:2][O:1][H:3]"
AMMONIUM = "[N+:1]([H:2])([H:3])([H:4])[H:5]"
ELEMENTS = {WATER: [8, 1, 1], AMMONIUM: [7, 1, 1, 1, 1]}
TETRAHEDRON = [[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]


def make_group(smiles=WATER, conformers=4, charge=0.0, seed=1, shift=(0.0, 0.0, 0.0)):
    """Return a group's datasets: point multipoles on the atoms, and the moments that they have.

    ``shift`` moves the frame of the coordinates; everything else is the same molecule.
    """
    rng = np.random.default_rng(seed)
    numbers = ELEMENTS[smiles]
    atoms = len(numbers)
    positions = 1.2 * np.array(TETRAHEDRON[:atoms]) + 0.1 * rng.normal(size=(conformers, atoms, 3))
    positions = positions + np.array(shift)
    charges = rng.normal(size=(conformers, atoms))
    charges += (charge - charges.sum(axis=1, keepdims=True)) / atoms
    dipoles = 0.3 * rng.normal(size=(conformers, atoms, 3))
    moments = 0.3 * rng.normal(size=(conformers, atoms, 3, 3))
    moments = moments + moments.swapaxes(2, 3)
    mixed = np.einsum("mai,maj->mij", positions, dipoles)
    return {
        "subset": ["made up"],
        "smiles": [smiles],
        "atomic_numbers": np.array(numbers, dtype=np.int16),
        "conformations": positions,
        "dft_total_energy": -76.0 + rng.normal(size=conformers),
        "dft_total_gradient": 0.05 * rng.normal(size=(conformers, atoms, 3)),
        "mbis_charges": charges[:, :, None],
        "mbis_dipoles": dipoles,
        "mbis_quadrupoles": moments,
        "mbis_octupoles": rng.normal(size=(conformers, atoms, 3, 3, 3)),
        "scf_dipole": np.einsum("ma,mai->mi", charges, positions) + dipoles.sum(axis=1),
        "scf_quadrupole": np.einsum("ma,mai,maj->mij", charges, positions, positions)
        + mixed
        + mixed.swapaxes(1, 2)
        + moments.sum(axis=1),
    }


def write_spice(path: Path, groups, units=UNITS, **options) -> Path:
    """Write groups: a name and its datasets each; a function is called with the HDF5 group."""
    with h5py.File(path, "w", **options) as file:
        for name, content in groups.items():
            group = file.create_group(name)
            for dataset, values in content.items():
                if callable(values):
                    values(group)
                    continue
                group[dataset] = values
                if dataset in units:
                    group[dataset].attrs["units"] = units[dataset]
    return path
