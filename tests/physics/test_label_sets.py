"""The label sets agree with themselves, with a calculation from scratch, and with their split."""

import json
from collections import Counter, defaultdict
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import yaml
from pyscf import df, gto
from rdkit import Chem

from mepflow.archives.label_columns import FITTING_BASIS, LARGEST_STEP
from mepflow.archives.label_file import read_labels
from mepflow.archives.label_set import LabelSet
from mepflow.multipoles import (
    centre_of_nuclear_charge,
    dipole_terms,
    from_components,
    from_second_moment,
)
from mepflow.qm.density_coefficients import coefficients_moments, coefficients_potential
from mepflow.qm.label_calculation import LabelSettings, label_record
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.properties import potential_on_points
from mepflow.qm.scf import run_scf
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

FOLDER = Path(__file__).parents[2] / "resources" / "labels"
SETS = ("organic", "bench")
PRETRAINING = "pretraining"
each_set = pytest.mark.parametrize("name", SETS)
each_file = pytest.mark.parametrize("name", [*SETS, PRETRAINING])
SAMPLE = 12
"""Molecules of which what takes time is checked, spread over the set."""


@lru_cache
def labels_of(name: str) -> LabelSet:
    return read_labels(FOLDER / f"{name}.h5")


def sample(labels: LabelSet) -> list[int]:
    return sorted(set(np.linspace(0, len(labels) - 1, SAMPLE).astype(int).tolist()))


def fitting_functions(labels: LabelSet, index: int) -> gto.Mole:
    molecule = labels.molecule(index)
    atoms = [(int(z), r) for z, r in zip(molecule.atomic_numbers, molecule.positions, strict=True)]
    charge = molecule.total_charge
    mol = gto.M(atom=atoms, unit="Bohr", charge=charge, basis="sto-3g", verbose=0)
    return df.addons.make_auxmol(mol, FITTING_BASIS)


@pytest.mark.parametrize("name", ["organic", PRETRAINING])
def test_the_archive_says_how_many_molecules_it_has(name: str) -> None:
    row = yaml.safe_load((FOLDER.parents[1] / "config" / "archives.yaml").read_text())[name]
    assert row["records"] == len(labels_of(name))


@each_set
def test_mbis_multipoles_give_those_of_the_molecule(name: str) -> None:
    labels = labels_of(name)
    for index in range(len(labels)):
        molecule = labels.molecule(index)
        origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
        r = molecule.positions - origin
        charges, dipoles = (labels.of(f"mbis_{part}", index) for part in ("charges", "dipoles"))
        second = from_components(labels.of("mbis_second_moments", index).astype(float))
        assert charges.sum() == pytest.approx(molecule.total_charge, abs=1e-3)
        dipole = dipole_terms(charges, r, dipoles).sum(axis=0)
        np.testing.assert_allclose(dipole, labels.of("dipole", index), atol=2e-3)
        mixed = r[:, :, None] * dipoles[:, None]
        moment = charges[:, None, None] * r[:, :, None] * r[:, None] + mixed + second
        moment += mixed.transpose(0, 2, 1)
        expected = from_components(labels.of("quadrupole", index))
        np.testing.assert_allclose(from_second_moment(moment.sum(axis=0)), expected, atol=2e-2)


@each_set
def test_charges_add_up_and_electrons_are_paired(name: str) -> None:
    labels = labels_of(name)
    for index in range(len(labels)):
        total = int(labels.of("charge", index))
        for kind in ("mulliken", "lowdin", "hirshfeld"):
            charges = labels.of(f"{kind}_charges", index)
            assert charges.sum() == pytest.approx(total, abs=1e-3), labels.ids[index]
        assert (int(labels.of("atomic_numbers", index).sum()) - total) % 2 == 0
        smiles = Chem.MolFromSmiles(labels.texts["smiles"][index])
        assert Chem.GetFormalCharge(smiles) == total
        atoms = Counter(atom.GetAtomicNum() for atom in Chem.AddHs(smiles).GetAtoms())
        assert atoms == Counter(labels.of("atomic_numbers", index).tolist())


@each_set
def test_forces_on_all_atoms_cancel(name: str) -> None:
    """Up to what the integration grid, which moves with the atoms, leaves."""
    labels = labels_of(name)
    for index in range(len(labels)):
        gradient = labels.of("gradient", index)
        np.testing.assert_allclose(gradient.sum(axis=0), 0.0, atol=2e-3)
        assert np.abs(gradient).max() > 1e-4


@each_set
def test_density_coefficients_give_the_molecules_moments(name: str) -> None:
    labels = labels_of(name)
    for index in sample(labels):
        molecule = labels.molecule(index)
        auxiliary = fitting_functions(labels, index)
        coefficients = labels.of("density_coefficients", index).astype(float)
        origin = centre_of_nuclear_charge(molecule.atomic_numbers, molecule.positions)
        electrons, first, _ = coefficients_moments(auxiliary, coefficients, origin)
        numbers = molecule.atomic_numbers.astype(float)
        assert electrons == pytest.approx(numbers.sum() - molecule.total_charge, abs=1e-4)
        dipole = numbers @ (molecule.positions - origin) - first
        np.testing.assert_allclose(dipole, labels.of("dipole", index), atol=0.05)


@each_set
def test_density_coefficients_give_the_potential(name: str) -> None:
    labels = labels_of(name)
    for index in sample(labels):
        molecule = labels.molecule(index)
        points, potential = labels.potential("mk", index)
        coefficients = labels.of("density_coefficients", index).astype(float)
        distances = np.linalg.norm(points[:, None] - molecule.positions, axis=-1)
        made = (molecule.atomic_numbers / distances).sum(axis=1)
        made -= coefficients_potential(fitting_functions(labels, index), coefficients, points)
        error = np.sqrt(np.mean((made - potential) ** 2)) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
        assert 0 < error < 0.5, labels.ids[index]


@each_file
def test_potentials_are_stored_finely(name: str) -> None:
    labels = labels_of(name)
    for held in labels.potentials.values():
        assert (held.step > 0).all()
        assert held.step.max() <= LARGEST_STEP


def smallest(labels: LabelSet) -> int:
    return int(np.argmin(labels.columns["functions"]))


def test_the_smallest_organic_molecule_comes_out_again() -> None:
    labels = labels_of("organic")
    index = smallest(labels)
    settings = LabelSettings(LevelOfTheory(**labels.levels[0]), labels.grids)
    record = label_record(labels.molecule(index), settings)
    assert record["energy"] == pytest.approx(labels.of("energy", index), abs=1e-7)
    np.testing.assert_allclose(record["dipole"], labels.of("dipole", index), atol=2e-5)
    for column in ("gradient", "mbis_charges", "mbis_dipoles", "lowdin_charges"):
        np.testing.assert_allclose(record[column], labels.of(column, index), atol=2e-5)
    for grid in labels.potentials:
        require_same_potential(record[f"mep/{grid}"], labels, grid, index)


def test_the_smallest_molecule_of_pretraining_comes_out_again() -> None:
    labels = labels_of(PRETRAINING)
    index = smallest(labels)
    level = LevelOfTheory(**labels.levels[0])
    settings = LabelSettings(level, labels.grids, moments_alone=True)
    record = label_record(labels.molecule(index), settings)
    assert record["energy"] == pytest.approx(labels.of("energy", index), abs=1e-6)
    np.testing.assert_allclose(record["dipole"], labels.of("dipole", index), atol=1e-4)
    stored = labels.stored_potential("mk", index)
    np.testing.assert_allclose(record["mep/mk"], stored.values(), atol=0.51 * stored.step + 2e-5)


def test_the_second_level_of_the_smallest_bench_molecule_comes_out_again() -> None:
    labels = labels_of("bench")
    index = smallest(labels)
    points, _ = labels.potential("hf_mk", index)
    mean_field = run_scf(labels.molecule(index), LevelOfTheory(**labels.levels[1])).mean_field
    assert mean_field.e_tot == pytest.approx(labels.of("hf_energy", index), abs=1e-8)
    require_same_potential(potential_on_points(mean_field, points), labels, "hf_mk", index)


def require_same_potential(
    potential: npt.NDArray[np.float64], labels: LabelSet, grid: str, index: int
) -> None:
    stored = labels.stored_potential(grid, index)
    np.testing.assert_allclose(potential, stored.values(), atol=0.51 * stored.step + 2e-6)


def test_a_molecule_is_in_one_set_and_one_split_only() -> None:
    splits = defaultdict(set)
    for name in SETS:
        texts = labels_of(name).texts
        for smiles, split in zip(texts["smiles"], texts["split"], strict=True):
            canonical = Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False)
            splits[canonical].add(split)
    for smiles in labels_of(PRETRAINING).texts["smiles"]:
        splits[Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False)].add("train")
    assert {smiles: found for smiles, found in splits.items() if len(found) > 1} == {}
    assert set(labels_of("bench").texts["split"]) == {"bench"}
    assert {"train", "validation", "test"} >= set(labels_of("organic").texts["split"])


@each_file
def test_no_molecule_is_there_twice(name: str) -> None:
    labels = labels_of(name)
    assert len(set(labels.ids)) == len(labels)
    canonical = [
        Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False)
        for smiles in labels.texts["smiles"]
    ]
    assert [smiles for smiles, count in Counter(canonical).items() if count > 1] == []


@each_file
def test_texts_are_of_the_known_kinds(name: str) -> None:
    texts = labels_of(name).texts
    assert set(texts["kind"]) <= {"neutral", "cation", "anion", "zwitterion"}
    displaced = {"displaced_modes", "displaced_torsion", "displaced_atoms"}
    assert set(texts["geometry"]) <= {"minimum", *displaced}
    assert set(texts["environment"]) <= {"gas", "water"}
    assert all(isinstance(json.loads(groups), list) for groups in texts["groups"])
