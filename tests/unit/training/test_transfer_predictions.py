"""Predictions for molecules of another data set: what a model can be asked about."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mepflow.errors import InputError
from mepflow.evaluation.mep_errors import COLUMNS, evaluate_mep
from mepflow.evaluation.multipole_errors import evaluate_multipoles
from mepflow.models.predict import own_kind, predict
from mepflow.models.variants import Variant
from mepflow.molecules import GridValues, MoleculeTable
from mepflow.selection.splits import rows_in_split
from mepflow.training.run import train


@pytest.fixture
def trained(
    paths: dict[str, Path], network: dict[str, Any], training: dict[str, Any], variant: Variant
) -> dict[str, Path]:
    train(**paths, variant=variant, network=network, training={**training, "steps": 10}, seed=4)
    return paths


def foreign_data(table: MoleculeTable, charged: set[int], with_sulphur: set[int]) -> MoleculeTable:
    """Return the table as another data set: some molecules charged, some with a sulphur atom."""
    for row in charged:
        table.total_charge[row] = -1
    for row in with_sulphur:
        table.atomic_numbers[table.atoms(row)][-1] = 16
    empty = (np.empty((0, 3)), np.empty(0))
    values = (np.full((2, 3), 30.0) + np.eye(3)[:2], np.zeros(2))
    grid = GridValues.from_ragged([values] * 4 + [empty] * 14)
    return MoleculeTable.from_molecules(
        [table.molecule(row) for row in range(18)],
        {name: list(table.properties[name]) for name in ("dipole", "quadrupole")},
        {"mk": grid},
    )


def run_predict(paths: dict[str, Path], **options: Any) -> Path:
    output = paths["model_path"].with_name("predictions.h5")
    table = MoleculeTable.load(paths["reference"])
    molecules = table.select(rows_in_split(table.ids, paths["splits"], "test"))
    predict(paths["model_path"], molecules, output, source=paths["reference"], **options)
    return output


def known_file(paths: dict[str, Path], *ids: str) -> Path:
    path = paths["model_path"].with_name("known.csv")
    path.write_text("\n".join(["id", *ids, ""]))
    return path


def test_neutral_molecules_of_known_elements_are_a_models_kind(table: MoleculeTable) -> None:
    foreign = foreign_data(table, charged={3, 5}, with_sulphur={0, 5, 17})
    assert own_kind(foreign, (1, 6, 8)) == [row for row in range(18) if row not in {0, 3, 5, 17}]
    assert 0 in own_kind(foreign, (1, 6, 8, 16))


def test_other_molecules_are_left_out_and_counted(
    trained: dict[str, Path], table: MoleculeTable, caplog: pytest.LogCaptureFixture
) -> None:
    expected = MoleculeTable.load(run_predict(trained)).properties["dipole"][2]
    foreign_data(table, charged={0}, with_sulphur={1, 3}).save(trained["reference"])
    with pytest.raises(InputError, match="contains S"):
        run_predict(trained)
    with caplog.at_level(logging.INFO):
        found = MoleculeTable.load(run_predict(trained, known=known_file(trained)))
    assert found.ids == ["m02"]
    np.testing.assert_allclose(found.properties["dipole"][0], expected, atol=1e-6)
    assert "1 of 4 molecules are of the model's kind: 2 hold an element" in caplog.text
    assert "1 others are charged" in caplog.text


def test_molecules_that_the_model_learned_from_are_left_out(
    trained: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        path = run_predict(trained, known=known_file(trained, "m01", "m07"))
    assert MoleculeTable.load(path).ids == ["m00", "m02", "m03"]
    assert "3 of 4 molecules are new to the model" in caplog.text
    with pytest.raises(InputError, match=r"none\.csv does not exist"):
        run_predict(trained, known=path.with_name("none.csv"))


def test_where_nothing_is_left_the_results_are_empty(
    trained: dict[str, Path], table: MoleculeTable, caplog: pytest.LogCaptureFixture
) -> None:
    foreign_data(table, charged={0, 1}, with_sulphur={2, 3}).save(trained["reference"])
    with caplog.at_level(logging.INFO):
        predictions = run_predict(trained, known=known_file(trained))
    assert "nothing is left to predict" in caplog.text
    output = predictions.with_suffix(".csv")
    evaluate_mep(predictions, trained["reference"], output, may_be_empty=True)
    assert output.read_text() == ",".join(COLUMNS) + "\n"
    evaluate_multipoles(predictions, trained["reference"], output, may_be_empty=True)
    assert pd.read_csv(output).empty
    with pytest.raises(InputError, match="holds no molecules"):
        evaluate_mep(predictions, trained["reference"], output)
