import numpy as np
import pandas as pd

from mepflow.evaluation.differences import Quantity
from mepflow.tables.differences_table import write_difference_table

FRAME = pd.DataFrame({"id": ["a", "C#C.[Na+]"], "x": [1e-6, -2.5e-5], "y": [np.nan, np.nan]})


def test_markdown_shows_small_numbers_and_ids_that_are_smiles(tmp_path):
    quantities = [Quantity("x", "charge", "e", 1e-5), Quantity("y", "energy", "hartree", 1.0)]
    write_difference_table(FRAME, quantities, tmp_path / "t.csv", tmp_path / "t.md", title="T")
    text = (tmp_path / "t.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert rows[0][-2:] == ["Tolerance", "Above it"]
    size = ["2", "0", "1.3e-05", "2.4e-05", "2.5e-05", "`C#C.[Na+]`"]
    assert rows[2] == ["charge", "e", *size, "1e-05", "1"]
    assert rows[3] == ["energy", "hartree", "0", "2", "–", "–", "–", "–", "1", "0"]
    csv = pd.read_csv(tmp_path / "t.csv")
    assert csv["largest"][0] == 2.5e-5


def test_columns_of_a_tolerance_only_where_there_is_one(tmp_path):
    quantities = [Quantity("x", "charge", "e")]
    write_difference_table(FRAME, quantities, tmp_path / "t.csv", tmp_path / "t.md", title="T")
    assert "olerance" not in (tmp_path / "t.md").read_text(encoding="utf-8")
