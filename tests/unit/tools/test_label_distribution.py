"""The distributions of the label sets, and the card that shows them."""

from pathlib import Path

import label_distribution
import numpy as np
import pytest
from label_distribution import CARD, counts, draw, read_sets, table, with_tables
from label_list import FOLDER

from mepflow.archives.label_geometries import LabelGeometry


def molecule(symbols: list[int], kind: str, groups: tuple[str, ...]) -> LabelGeometry:
    texts = dict.fromkeys(("id", "name", "smiles", "environment"), "x")
    texts |= {"kind": kind, "split": "train", "geometry": "minimum"}
    positions = np.zeros((len(symbols), 3))
    return LabelGeometry(texts, 0, groups, np.array(symbols, dtype=np.uint8), positions)


SETS = {
    "organic": [
        molecule([6, 6, 1], "neutral", ("alkene", "C-F")),
        molecule([6, 7, 8, 1, 1], "cation", ("alkene",)),
        molecule([6, 17, 35], "neutral", ()),
    ],
    "bench": [molecule([6, 8, 1], "neutral", ("ketone",))],
}


def test_a_molecule_counts_for_everything_it_holds() -> None:
    organic = SETS["organic"]
    assert counts(organic, "heavy atoms")[3] == 2
    assert counts(organic, "kind") == {"neutral": 2, "cation": 1, "anion": 0, "zwitterion": 0}
    elements = counts(organic, "element")
    assert (elements["H"], elements["C"], elements["Cl"], elements["P"]) == (2, 3, 1, 0)
    groups = counts(organic, "functional group")
    assert (groups["alkene"], groups["C-F"], groups["nitro"]) == (2, 1, 0)


def test_a_table_has_numbers_and_shares_of_each_set() -> None:
    lines = table(SETS, "kind").splitlines()
    assert lines[0] == "| kind | organic | % | bench | % |"
    assert lines[2:] == ["| neutral | 2 | 66.7 | 1 | 100.0 |", "| cation | 1 | 33.3 | 0 | 0.0 |"]


def test_a_group_that_the_list_lacks_is_named() -> None:
    with pytest.raises(SystemExit, match=r"functional group: the list of values lacks .*'alkan'"):
        counts([molecule([6], "neutral", ("alkan",))], "functional group")


def test_only_the_tables_of_a_card_change() -> None:
    card = f"before\n{label_distribution.START}old{label_distribution.END}\nafter\n"
    text = with_tables(card, SETS)
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert table(SETS, "element") in text
    assert with_tables(text, SETS) == text


def test_the_card_shows_the_molecules_that_are_there() -> None:
    card = (FOLDER / CARD).read_text()
    assert with_tables(card, read_sets(FOLDER)) == card


def test_the_figure_is_the_same_for_the_same_molecules(tmp_path: Path) -> None:
    draw(SETS, tmp_path / "a.png")
    draw(SETS, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
