"""The table of aromatic and planar molecules: each class has its own molecules and their errors."""

import numpy as np
import pandas as pd
import pytest

from mepflow.errors import InputError
from mepflow.evaluation.breakdown import SINGLE_VALUES
from mepflow.evaluation.mep_errors import COLUMNS, WITH_PENETRATION
from mepflow.evaluation.planarity import AROMATIC, OTHER, PLANAR
from mepflow.evaluation.sources import Source
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.tables.aromatics_table import aromatics_table, write_aromatics_table

SMILES = ["c1ccsc1"] * 7 + ["C=CC=C"] * 2 + ["CC"]
IDS = [f"m{k}" for k in range(len(SMILES))]


@pytest.fixture
def files(tmp_path):
    """Errors 1, 2, … of AC-D in two seeds that differ by 2, and a reference with three classes."""
    square = 2.0 * np.array([[1.0, 0, 0], [0, 1.0, 0], [-1.0, 0, 0], [0, -1.0, 0]])
    molecules = [
        Molecule(key, np.full(2 if s == "CC" else 4, 6, np.uint8), square[: 2 if s == "CC" else 4],
                 0, s)
        for key, s in zip(IDS, SMILES, strict=True)
    ]  # fmt: skip
    MoleculeTable.from_molecules(molecules).save(tmp_path / "reference.h5")
    sources = []
    for seed in (1, 2):
        errors = pd.DataFrame({name: [1.0] * len(IDS) for name in COLUMNS})
        errors = errors.assign(id=IDS, molecule=IDS, grid="mk")
        errors["rmse_kcal_per_mol_e"] = np.arange(1.0, len(IDS) + 1.0) + 2.0 * (seed - 1)
        errors[WITH_PENETRATION] = errors["rmse_kcal_per_mol_e"] / 2.0
        errors.loc[errors["id"] == "m9", WITH_PENETRATION] = np.nan
        errors.to_csv(tmp_path / f"{seed}.csv", index=False)
        sources.append(Source("AC-D", seed, tmp_path / f"{seed}.csv"))
    return sources, tmp_path / "reference.h5"


def test_medians_and_intervals_are_those_of_the_class(files) -> None:
    table = aromatics_table(*files, "mk").set_index("class")
    median = "median_rmse_kcal_per_mol_e"
    assert table[median].to_dict() == {AROMATIC: 5.0, PLANAR: 9.5, OTHER: 11.0}
    assert table["n_molecules"].to_dict() == {AROMATIC: 7, PLANAR: 2, OTHER: 1}
    assert 2.0 <= table.loc[AROMATIC, "median_rmse_low_kcal_per_mol_e"] < 5.0
    assert table[SINGLE_VALUES].to_dict() == {AROMATIC: "", PLANAR: "9 10", OTHER: "11"}
    with_penetration = table[f"median_{WITH_PENETRATION}"]
    assert with_penetration[AROMATIC] == 2.5
    assert np.isnan(with_penetration[OTHER])


def test_the_markdown_has_a_column_for_each_class(files, tmp_path) -> None:
    write_aromatics_table(*files, "mk", tmp_path / "t.csv", tmp_path / "t.md")
    text = (tmp_path / "t.md").read_text()
    assert "## Points alone" in text
    assert "## With penetration" in text
    for heading in ("aromatic (7)", "planar, not aromatic (2)", "other (1)"):
        assert heading in text


def test_a_grid_without_errors_is_refused(files) -> None:
    with pytest.raises(InputError, match="on grid 'shell'"):
        aromatics_table(*files, "shell")
