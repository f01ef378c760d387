"""The embedded archive in SPICE's layout, the potentials beside it, and the default run's split."""

from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from mepflow.archives.label_columns import LARGEST_STEP, POSITION_DIGITS
from mepflow.archives.label_file import read_labels
from mepflow.archives.label_set import LabelSet
from mepflow.archives.spice_table import read_archive
from mepflow.elements import symbol
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.properties import potential_on_points
from mepflow.qm.scf import run_scf
from mepflow.selection.filters import select_candidates
from mepflow.selection.splits import make_splits
from mepflow.units import BOHR_IN_ANGSTROM

ROOT = Path(__file__).parents[2]


def rows_of(name: str) -> Any:
    return yaml.safe_load((ROOT / "config" / name).read_text())


ARCHIVE = rows_of("archives.yaml")["spice-embedded"]
DATASET = rows_of("config.yaml")["datasets"]["spice"]


@lru_cache
def labels() -> LabelSet:
    return read_labels(ROOT / ARCHIVE["potentials"])


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> MoleculeTable:
    """Return what the default run's filters keep before anything is computed."""
    folder = tmp_path_factory.mktemp("spice")
    table, rejected, kept = (folder / name for name in ("a.h5", "a.csv", "kept.h5"))
    read_archive(ROOT / ARCHIVE["path"], table, rejected, ARCHIVE["records"], "all")
    none = {"subsets": None, "max_atoms": None}
    outputs = (kept, folder / "verdicts.csv", folder / "funnel.csv")
    select_candidates(table, rejected, None, none | DATASET["filters"], *outputs)
    return MoleculeTable.load(kept)


def test_there_is_a_potential_of_every_structure_that_the_filters_keep(
    candidates: MoleculeTable,
) -> None:
    assert sorted(labels().ids) == sorted(candidates.ids)
    assert set(labels().potentials) == {"mk", "chelpg"}
    for held in labels().potentials.values():
        assert (np.diff(held.point_offsets) > 0).all()
        assert (held.step > 0).all()
        assert held.step.max() <= LARGEST_STEP


def test_both_files_are_of_the_same_calculations(candidates: MoleculeTable) -> None:
    for row, key in enumerate(candidates.ids):
        index = labels().ids.index(key)
        molecule = candidates.molecule(row)
        np.testing.assert_array_equal(molecule.atomic_numbers, labels().of("atomic_numbers", index))
        whole = np.rint(molecule.positions * BOHR_IN_ANGSTROM * 10.0**POSITION_DIGITS)
        np.testing.assert_array_equal(whole, labels().of("positions", index))
        assert candidates.property_of("archive_energy", row) == labels().of("energy", index)
        dipole = candidates.property_of("archive_dipole", row)
        np.testing.assert_allclose(dipole, labels().of("dipole", index), atol=2e-5)
        charges = candidates.property_of("archive_mbis_charges", row)
        if np.isfinite(charges).all():
            np.testing.assert_array_equal(charges, labels().of("mbis_charges", index))


def test_the_level_and_the_grids_are_those_of_the_default_run() -> None:
    definitions = rows_of("definitions.yaml")
    name = DATASET["level_of_theory"]
    level = LevelOfTheory.from_row(name, definitions["levels_of_theory"][name])
    assert labels().levels == [vars(level)]
    assert labels().grids == {grid: definitions["grids"][grid] for grid in ("mk", "chelpg")}


@pytest.mark.parametrize("key", ["acetonitrile:0", "chloroethene:0"])
def test_small_potentials_come_out_again(candidates: MoleculeTable, key: str) -> None:
    """From the archive's positions, within a step of the stored values."""
    index = labels().ids.index(key)
    molecule: Molecule = candidates.molecule(candidates.ids.index(key))
    mean_field = run_scf(molecule, LevelOfTheory(**labels().levels[0])).mean_field
    for grid, held in labels().potentials.items():
        points, stored = labels().potential(grid, index)
        found = potential_on_points(mean_field, points)
        np.testing.assert_allclose(found, stored, rtol=0, atol=held.step[index])


def sets_of_elements(candidates: MoleculeTable, seed: int) -> dict[str, Counter[str]]:
    """Return for each set in how many molecules an element is."""
    split = {**DATASET["split"], "seed": seed}
    molecules = candidates.texts["molecule"]
    splits = make_splits(candidates.ids, **split, molecules=molecules).set_index("id")["split"]
    elements = [
        {symbol(int(number)) for number in candidates.molecule(row).atomic_numbers}
        for row in range(len(candidates))
    ]
    frame = pd.DataFrame(
        {"molecule": molecules, "split": splits[candidates.ids].to_numpy(), "elements": elements}
    ).drop_duplicates("molecule")
    return {
        str(name): Counter(element for found in part["elements"] for element in found)
        for name, part in frame.groupby("split")
    }


def has_every_element(sets: dict[str, Counter[str]]) -> bool:
    fewest = {"test": 3, "train": 6, "validation": 1}
    elements = DATASET["filters"]["elements"]
    return all(sets[name][e] >= least for name, least in fewest.items() for e in elements)


def test_the_seed_is_the_first_with_every_element_in_all_sets(candidates: MoleculeTable) -> None:
    fitting = [
        seed
        for seed in range(1, DATASET["split"]["seed"] + 1)
        if has_every_element(sets_of_elements(candidates, seed))
    ]
    assert fitting == [DATASET["split"]["seed"]]
    other = rows_of("potentials.yaml")["datasets"]["spice"]
    for key in ("conformers", "filters", "split"):
        assert other[key] == DATASET[key]
