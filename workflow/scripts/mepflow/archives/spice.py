"""SPICE: many conformers per molecule, one HDF5 group for each molecule.

Eastman et al., Sci. Data 10, 11 (2023); ωB97M-D3(BJ)/def2-TZVPPD, Psi4. For N atoms and M
conformers a group holds:

========================  ==============  ========================================================
``smiles``, ``subset``    (1,)            text; the SMILES has every hydrogen, and map number i for
                                          the atom in row i − 1
``atomic_numbers``        (N,)            integers
``conformations``         (M, N, 3)       bohr
``dft_total_energy``      (M,)            hartree
``dft_total_gradient``    (M, N, 3)       hartree/bohr
``scf_dipole``            (M, 3)          e·bohr, about the origin of the coordinates
``scf_quadrupole``        (M, 3, 3)       e·bohr², raw second moment about the same origin
``mbis_charges``          (M, N, 1)       e
``mbis_dipoles``          (M, N, 3)       e·bohr
``mbis_quadrupoles``      (M, N, 3, 3)    e·bohr², raw second moments, each about its atom
========================  ==============  ========================================================

Other datasets are not read. Groups can be empty, and ``mbis_*``, the gradient, the subset and the
attributes ``units`` can be absent (the first two also as empty lists); a unit that is given must be
the one above. The total charge is only in the SMILES. Of the energies ``dft_total_energy`` is the
one that counts: a formation energy alone will not do, for it is none of our fields.

Only the rows of the conformers that are asked for are read, so the time goes with what is taken
and not with the size of the archive. A group that breaks the format is rejected by name with the
reason; it never ends the reading of the others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import h5py
import numpy as np

from mepflow.archives.hdf5 import SafeGroup, check_unit, read_all, read_rows
from mepflow.archives.rejected_records import LARGEST_NUMBER, RecordError, Rejected, check_geometry
from mepflow.archives.species import Species, read_species
from mepflow.molecules import FloatArray, IntArray
from mepflow.multipoles import centre_of_nuclear_charge, from_second_moment, shift_origin
from mepflow.units import BOHR_IN_ANGSTROM

Selection = Literal["lowest", "all"] | int
"""Conformers of a molecule: the one of lowest energy, all of them, or the k of lowest energy."""

ATOM_LIMIT: Final = 1000
CONFORMER_LIMIT: Final = 100_000
ROW_LIMIT: Final = 1_000_000
"""Most atoms of a group, all conformers together; those of SPICE have some 5,000."""
_LAST_ELEMENT: Final = 118
_ASYMMETRY_LIMIT: Final = 1e-3
"""Largest difference of a second moment from its transpose, in e·bohr²."""


@dataclass(frozen=True, slots=True)
class _Quantity:
    """A dataset with one row per conformer: the row's shape (after the atoms', if any), unit."""

    per_atom: bool
    shape: tuple[int, ...]
    unit: str
    is_required: bool = False


_QUANTITIES: Final[dict[str, _Quantity]] = {
    "conformations": _Quantity(True, (3,), "bohr", is_required=True),
    "scf_dipole": _Quantity(False, (3,), "elementary_charge*bohr", is_required=True),
    "scf_quadrupole": _Quantity(False, (3, 3), "elementary_charge*bohr^2", is_required=True),
    "dft_total_gradient": _Quantity(True, (3,), "hartree/bohr"),
    "mbis_charges": _Quantity(True, (), "elementary_charge"),
    "mbis_dipoles": _Quantity(True, (3,), "elementary_charge*bohr"),
    "mbis_quadrupoles": _Quantity(True, (3, 3), "elementary_charge*bohr^2"),
}
_REQUIRED: Final = (
    "smiles",
    "atomic_numbers",
    "dft_total_energy",
    *(name for name, quantity in _QUANTITIES.items() if quantity.is_required),
)


@dataclass(frozen=True, slots=True)
class Conformer:
    """One conformer in atomic units, with Θ' and the dipole about the centre of nuclear charge.

    ``number`` counts from 0 in its group. Positions (n, 3) are in the archive's frame. The largest
    force and the MBIS charges (n,), dipoles (n, 3) and Θ' (n, 3, 3) are nan where they are absent,
    and so is the gradient (n, 3), which is None where it is not wanted.
    """

    number: int
    energy: float
    positions: FloatArray
    dipole: FloatArray
    quadrupole: FloatArray
    largest_force: float
    mbis_charges: FloatArray
    mbis_dipoles: FloatArray
    mbis_quadrupoles: FloatArray
    gradient: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A molecule with the conformers that were asked for, in the order of their numbers.

    ``left_out`` has the reason of every conformer that another one was taken for.
    """

    name: str
    subset: str
    species: Species
    atomic_numbers: IntArray
    conformers: list[Conformer]
    left_out: dict[int, str] = field(default_factory=dict)


def read_groups(
    file: h5py.File, links: Mapping[bytes, bool], selection: Selection, gradients: bool = False
) -> Iterator[Group | Rejected]:
    """Yield every group of an open archive, those rejected too.

    ``links`` is what :func:`~mepflow.archives.hdf5.root_links` returned. Of conformers with equal
    energies the one with the lower number comes first. With ``gradients`` conformers keep theirs.
    """
    for encoded, is_inside in links.items():
        name, is_text = _printable(encoded)
        try:
            if not is_text:
                raise RecordError("its name is not printable text")
            if not is_inside:
                raise RecordError("it is a link to another place, which is not followed")
            yield _group(SafeGroup(file, encoded), name, selection, gradients)
        except RecordError as error:
            yield Rejected(name, name, str(error))


def _printable(encoded: bytes) -> tuple[str, bool]:
    """Return a name that any file or terminal can take, and whether it is the whole name."""
    name = encoded.decode("utf-8", "backslashreplace")
    if name.isprintable() and name.encode() == encoded:
        return name, True
    return ascii(name)[1:-1], False


def _group(group: SafeGroup, name: str, selection: Selection, gradients: bool) -> Group:
    if not len(group):
        raise RecordError("it is empty")
    if missing := [dataset for dataset in _REQUIRED if dataset not in group]:
        raise RecordError(f"it has no {', '.join(missing)}")
    atomic_numbers = _atomic_numbers(group)
    energies = _energies(group)
    if len(energies) * len(atomic_numbers) > ROW_LIMIT:
        raise RecordError(f"it holds {len(energies)} conformers of {len(atomic_numbers)} atoms")
    datasets = {
        dataset: _dataset(group, dataset, len(energies), len(atomic_numbers))
        for dataset, quantity in _QUANTITIES.items()
        if dataset in group
        # An empty list is how h5py writes a quantity that is absent.
        and (quantity.is_required or group.dataset(dataset).shape != (0,))
    }
    species = read_species(group.text("smiles"), atomic_numbers.tolist())
    subset = group.text("subset") if "subset" in group else ""
    molecule = _Molecule(atomic_numbers, energies, datasets, species.total_charge, gradients)
    conformers, left_out = _select(molecule, selection)
    if not conformers:
        number, reason = min(left_out.items())
        raise RecordError(
            f"none of its {len(energies)} conformers is usable, number {number} because {reason}"
        )
    return Group(name, subset, species, atomic_numbers, conformers, left_out)


def _atomic_numbers(group: SafeGroup) -> IntArray:
    dataset = group.dataset("atomic_numbers", "iu")
    if len(dataset.shape) > 1 or not 0 < dataset.size <= ATOM_LIMIT:
        raise RecordError(
            f"atomic_numbers has the shape {dataset.shape}, not that of 1 to {ATOM_LIMIT} atoms"
        )
    values = read_all(dataset, "atomic_numbers").ravel()
    if wrong := values[(values < 1) | (values > _LAST_ELEMENT)].tolist():
        raise RecordError(f"it holds the atomic number {wrong[0]}, which is no element's")
    return values.astype(np.int64)


def _energies(group: SafeGroup) -> FloatArray:
    dataset = group.dataset("dft_total_energy")
    if len(dataset.shape) > 1 or dataset.size > CONFORMER_LIMIT:
        raise RecordError(
            f"dft_total_energy has the shape {dataset.shape}, not that of up to {CONFORMER_LIMIT}"
            " conformers"
        )
    if not dataset.size:
        raise RecordError("it holds no conformer")
    check_unit(dataset, "hartree", "dft_total_energy")
    return read_all(dataset, "dft_total_energy").ravel().astype(float)


def _dataset(group: SafeGroup, name: str, n_conformers: int, n_atoms: int) -> h5py.Dataset:
    """Open one of the quantities; its shape and unit are as they should be."""
    dataset = group.dataset(name)
    quantity = _QUANTITIES[name]
    expected = (n_conformers, *((n_atoms,) if quantity.per_atom else ()), *quantity.shape)
    is_scalar_per_atom = quantity.per_atom and not quantity.shape
    if dataset.shape != expected and not (is_scalar_per_atom and dataset.shape == (*expected, 1)):
        raise RecordError(f"{name} has the shape {dataset.shape} instead of {expected}")
    check_unit(dataset, quantity.unit, name)
    return dataset


@dataclass(frozen=True, slots=True)
class _Molecule:
    """A group whose datasets are open and have the right shapes."""

    atomic_numbers: IntArray
    energies: FloatArray
    datasets: dict[str, h5py.Dataset]
    total_charge: int
    keeps_gradients: bool

    def rows(self, name: str, numbers: IntArray) -> FloatArray:
        """Return a quantity of these conformers, nan where it is absent or not finite."""
        quantity = _QUANTITIES[name]
        atoms = (len(self.atomic_numbers),) if quantity.per_atom else ()
        shape = (len(numbers), *atoms, *quantity.shape)
        if name not in self.datasets:
            return np.full(shape, np.nan)
        values = read_rows(self.datasets[name], numbers, name).reshape(shape)
        is_plausible = (np.abs(values) <= LARGEST_NUMBER).reshape(len(numbers), -1).all(axis=1)
        values[~is_plausible] = np.nan
        return values


def _select(molecule: _Molecule, selection: Selection) -> tuple[list[Conformer], dict[int, str]]:
    """Return the conformers that were asked for, and the reasons of those left out."""
    energies = molecule.energies
    is_usable = np.abs(energies) <= LARGEST_NUMBER
    reason = "its energy is not finite or not plausible"
    left_out = dict.fromkeys(np.flatnonzero(~is_usable).tolist(), reason)
    order = np.flatnonzero(is_usable)
    wanted = len(order)
    if selection != "all":
        order = order[np.argsort(energies[order], kind="stable")]
        wanted = 1 if selection == "lowest" else selection
    kept: list[Conformer] = []
    while len(kept) < wanted and len(order):
        batch, order = np.split(order, [wanted - len(kept)])
        for number, outcome in _conformers(molecule, np.sort(batch)).items():
            if isinstance(outcome, Conformer):
                kept.append(outcome)
            else:
                left_out[number] = outcome
    return sorted(kept, key=lambda conformer: conformer.number), left_out


def _conformers(molecule: _Molecule, numbers: IntArray) -> dict[int, Conformer | str]:
    """Read the conformers of these numbers; a text says what is wrong with one."""
    positions, dipoles, moments = (
        molecule.rows(name, numbers) for name in ("conformations", "scf_dipole", "scf_quadrupole")
    )
    gradients = molecule.rows("dft_total_gradient", numbers)
    charges = molecule.rows("mbis_charges", numbers)
    atomic_dipoles = molecule.rows("mbis_dipoles", numbers)
    atomic_quadrupoles = from_second_moment(molecule.rows("mbis_quadrupoles", numbers))
    found: dict[int, Conformer | str] = {}
    for row, number in enumerate(numbers.tolist()):
        try:
            _check(positions[row], dipoles[row], moments[row])
        except RecordError as error:
            found[number] = str(error)
            continue
        centre = centre_of_nuclear_charge(molecule.atomic_numbers, positions[row])
        found[number] = Conformer(
            number,
            float(molecule.energies[number]),
            positions[row],
            *shift_origin(
                from_second_moment(moments[row]), dipoles[row], molecule.total_charge, centre
            ),
            float(np.abs(gradients[row]).max()),
            charges[row],
            atomic_dipoles[row],
            atomic_quadrupoles[row],
            gradients[row] if molecule.keeps_gradients else None,
        )
    return found


def _check(positions: FloatArray, dipole: FloatArray, moment: FloatArray) -> None:
    for name, values in (
        ("conformations", positions),
        ("scf_dipole", dipole),
        ("scf_quadrupole", moment),
    ):
        if np.isnan(values).any():
            raise RecordError(f"{name} holds a number that is not finite or not plausible")
    if np.abs(moment - moment.T).max() > _ASYMMETRY_LIMIT * max(1.0, np.abs(moment).max()):
        raise RecordError("scf_quadrupole is not symmetric")
    check_geometry(positions * BOHR_IN_ANGSTROM)
