from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mepflow.errors import InputError
from mepflow.models.predict import predict
from mepflow.models.variants import Variant
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge, dipole_terms, quadrupole_terms
from mepflow.selection.splits import rows_in_split
from mepflow.training.run import train


@pytest.fixture
def trained(
    paths: dict[str, Path], network: dict[str, Any], training: dict[str, Any], variant: Variant
) -> dict[str, Path]:
    train(**paths, variant=variant, network=network, training=training, seed=4)
    return paths


def run_predict(paths: dict[str, Path], split: str = "test", **changes: Any) -> MoleculeTable:
    output = paths["model_path"].with_name("predictions.h5")
    table = MoleculeTable.load(paths["reference"])
    molecules = table.select(rows_in_split(table.ids, paths["splits"], split))
    predict(paths["model_path"], molecules, output, source=paths["reference"], **changes)
    return MoleculeTable.load(output)


def test_predictions_are_a_table_of_the_test_molecules(trained: dict[str, Path]) -> None:
    predicted = run_predict(trained)
    assert predicted.ids == ["m00", "m01", "m02", "m03"]
    assert predicted.metadata == {"name": "AC-AD-DQ-c", "seed": 4}
    assert set(predicted.properties) == {"atomic_charges", "atomic_dipoles", "dipole", "quadrupole"}
    reference = MoleculeTable.load(trained["reference"]).select(range(4))
    np.testing.assert_array_equal(predicted.positions, reference.positions)
    for index in range(4):
        molecule = predicted.molecule(index)
        r = molecule.positions - centre_of_nuclear_charge(
            molecule.atomic_numbers, molecule.positions
        )
        terms = (
            predicted.property_of("atomic_charges", index),
            r,
            predicted.property_of("atomic_dipoles", index),
        )
        dipole = predicted.property_of("dipole", index)
        np.testing.assert_allclose(dipole, dipole_terms(*terms).sum(axis=0), rtol=0, atol=1e-6)
        quadrupole = predicted.property_of("quadrupole", index)
        expected = quadrupole_terms(*terms).sum(axis=0)
        np.testing.assert_allclose(quadrupole, expected, rtol=0, atol=1e-5)


def test_another_split_can_be_asked_for(trained: dict[str, Path]) -> None:
    assert run_predict(trained, split="validation", device="cpu").ids == [
        "m04",
        "m05",
        "m06",
        "m07",
    ]


def test_the_reference_needs_no_labels(trained: dict[str, Path], table: MoleculeTable) -> None:
    before = run_predict(trained)
    bare = MoleculeTable.from_molecules([table.molecule(index) for index in range(18)])
    bare.save(trained["reference"])
    after = run_predict(trained)
    np.testing.assert_array_equal(after.properties["dipole"], before.properties["dipole"])


def test_an_unknown_element_is_named(trained: dict[str, Path], table: MoleculeTable) -> None:
    table.atomic_numbers[table.atoms(3)][0] = 16
    table.save(trained["reference"])
    with pytest.raises(InputError, match=r"molecule m03 contains S, .*\(it knows H, C, O\)"):
        run_predict(trained)
