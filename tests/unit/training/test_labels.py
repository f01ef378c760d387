"""Labels of a training: which fields they are, missing ones, and those of a batch."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mepflow.errors import InputError
from mepflow.models.device_data import DeviceDataset
from mepflow.models.variants import Variant
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import components
from mepflow.training.labels import LabelledSet, label_fields, labels_on, require_labels

SOURCE = Path("ref.h5")
RNG = np.random.default_rng(5)


def learning(*targets: str, scheme: str = "mulliken") -> Variant:
    row: dict[str, Any] = {
        "atomic_terms": ["charges"],
        "loss_weights": dict.fromkeys(targets, 1.0),
        "quadrupole_from": "charges",
    }
    return Variant.from_row("X", row | ({"charges_like": scheme} if "charges" in targets else {}))


def labelled_set(table: MoleculeTable, variant: Variant) -> LabelledSet:
    fields = label_fields(table, variant, SOURCE)
    labels = labels_on("cpu", torch.float64, table, fields, fields)
    return LabelledSet(DeviceDataset.from_table(table, (1, 6, 8), 3.0, dtype=torch.float64), labels)


def test_labels_of_molecules_are_those_of_the_rows(table: MoleculeTable) -> None:
    labels = labelled_set(table, learning("dipole_norm")).batch(np.array([7, 3, 7])).labels
    dipole = table.properties["dipole"][[7, 3, 7]]
    assert torch.equal(labels["dipole"].values, torch.from_numpy(dipole))
    expected = components(table.properties["quadrupole"][[7, 3, 7]])
    np.testing.assert_array_equal(labels["quadrupole"].values, expected)
    norm = np.linalg.norm(dipole, axis=1)
    np.testing.assert_allclose(labels["dipole_norm"].values[:, 0], norm, rtol=1e-15)
    assert all(found.known is None for found in labels.values())


def test_labels_of_atoms_are_those_of_the_molecules_atoms(table: MoleculeTable) -> None:
    charges = RNG.normal(size=len(table.positions))
    gaps = table.atoms(3)
    charges[gaps] = np.nan
    table = table.with_properties(mulliken_charges=charges)
    batch = labelled_set(table, learning("dipole", "charges")).batch(np.array([7, 3, 0]))
    expected = np.concatenate([charges[table.atoms(row)] for row in (7, 3, 0)])
    values, known = batch.labels["charges"]
    assert known is not None
    np.testing.assert_array_equal(known, np.isfinite(expected))
    np.testing.assert_array_equal(values[:, 0], np.nan_to_num(expected))
    assert batch.labels["dipole"].known is None


def test_the_first_field_that_any_molecule_has_is_taken(table: MoleculeTable) -> None:
    charges = np.ones(len(table.positions))
    nothing = np.full(len(charges), np.nan)
    variant = learning("charges", "dipole_norm")
    for computed, field in ((charges, "mulliken_charges"), (nothing, "archive_mulliken_charges")):
        found = label_fields(
            table.with_properties(mulliken_charges=computed, archive_mulliken_charges=charges),
            variant,
            SOURCE,
        )
        assert found["charges"] == field
        assert found["dipole_norm"] == "dipole"


def test_lengths_alone_can_be_learned(table: MoleculeTable) -> None:
    lengths = np.linalg.norm(table.properties["dipole"], axis=1)
    table = replace(table, properties={"archive_dipole_norm": lengths})
    variant = learning("dipole_norm")
    assert label_fields(table, variant, SOURCE) == {"dipole_norm": "archive_dipole_norm"}
    labels = labelled_set(table, variant).batch(np.array([4, 2])).labels
    np.testing.assert_array_equal(labels["dipole_norm"].values[:, 0], lengths[[4, 2]])


def test_a_target_without_any_label_is_refused(table: MoleculeTable) -> None:
    with pytest.raises(InputError, match=r"^ref\.h5 has no mulliken_charges or archive_mulliken"):
        label_fields(table, learning("charges"), SOURCE)
    nothing = np.full(len(table.positions), np.nan)
    empty = table.with_properties(archive_mbis_charges=nothing)
    with pytest.raises(InputError, match="has no molecule to train with that has archive_mbis"):
        label_fields(empty, learning("charges", scheme="mbis"), SOURCE)
    del table.properties["quadrupole"]
    assert label_fields(table, learning("dipole"), SOURCE) == {"dipole": "dipole"}
    with pytest.raises(InputError, match="has no quadrupole, which X learns"):
        label_fields(table, learning("dipole", "quadrupole"), SOURCE)


def test_missing_labels_are_counted_in_the_log(
    table: MoleculeTable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    charges = np.ones(len(table.positions))
    charges[table.atoms(5)] = np.nan
    charges[table.atoms(9).start] = np.nan  # one atom of six: the others count
    table = table.with_properties(mulliken_charges=charges)
    table.properties["dipole"][[2, 3], 1] = np.nan
    variant = learning("dipole", "charges")
    require_labels(table, "train", label_fields(table, variant, SOURCE), variant, SOURCE)
    assert [record.getMessage() for record in caplog.records] == [
        "train: 2 of 18 molecules have no dipole",
        "train: 1 of 18 molecules have no mulliken_charges",
    ]


def test_a_molecule_without_any_wanted_label_is_named(table: MoleculeTable) -> None:
    table.properties["dipole"][5, 1] = np.nan
    table.properties["quadrupole"][5, 0, 1] = np.nan
    for targets, said in (
        (("dipole",), "no dipole"),
        (("dipole", "quadrupole"), "no dipole and no quadrupole"),
    ):
        variant = learning(*targets)
        with pytest.raises(InputError, match=rf"^ref\.h5: molecule m05 has {said} for X to learn"):
            require_labels(table, "train", label_fields(table, variant, SOURCE), variant, SOURCE)


def test_an_infinite_label_is_no_missing_one(table: MoleculeTable) -> None:
    charges = np.ones(len(table.positions))
    charges[table.atoms(7)] = np.inf
    table = table.with_properties(mulliken_charges=charges)
    variant = learning("charges", "quadrupole")
    with pytest.raises(InputError, match="the mulliken_charges of molecule m07 is infinite"):
        require_labels(table, "train", label_fields(table, variant, SOURCE), variant, SOURCE)


def test_a_split_without_any_label_of_a_target_is_refused(table: MoleculeTable) -> None:
    charges = np.ones(len(table.positions))
    charges[table.atoms(4).start :] = np.nan
    table = table.with_properties(mulliken_charges=charges)
    variant = learning("dipole", "charges")
    fields = label_fields(table, variant, SOURCE)
    with pytest.raises(InputError, match="no molecule of the split validation has a label in mull"):
        require_labels(table.select(range(4, 18)), "validation", fields, variant, SOURCE)
