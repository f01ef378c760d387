"""Tables read back from Markdown."""

from pathlib import Path

import pandas as pd
import pytest

from mepflow.errors import InputError
from mepflow.page.page_tables import Cell, read_tables
from mepflow.tables.writing import Column, Part, id_text, write_markdown, write_table


def read_back(tmp_path: Path, texts: list[str], alignment="right"):
    frame = pd.DataFrame({"value": texts})
    columns = [Column("MAE of \\|μ\\| (D)", lambda row: row.value, alignment)]
    write_table(frame, columns, tmp_path / "t.csv", tmp_path / "t.md", title="|T|", note="A note.")
    (table,) = read_tables(tmp_path / "t.md")
    return table


def test_numbers_are_what_is_written(tmp_path: Path) -> None:
    texts = ["1.50", "-0.3", "4.6e-07", "–", "3.02 to 4.60", "12,345", "1.0", "< 0.01"]
    table = read_back(tmp_path, texts)
    assert table.headings == ["MAE of |μ| (D)"]
    assert table.numeric == [True]
    cells = [row[0] for row in table.rows]
    assert [cell.text for cell in cells] == texts
    assert [cell.number for cell in cells] == [1.5, -0.3, 4.6e-7, None, 3.02, 12345.0, 1.0, 0.01]


def test_texts_are_no_numbers(tmp_path: Path) -> None:
    smiles = id_text("C[C@H](N)F:0")
    table = read_back(tmp_path, ["2-chloropyridine:0", smiles], "left")
    assert [row[0] for row in table.rows] == [
        Cell("2-chloropyridine:0", None),
        Cell("C[C@H](N)F:0", None),
    ]


def test_parts_of_a_file_are_tables_of_their_own(tmp_path: Path) -> None:
    columns = [Column("Value", lambda row: f"{row.value}")]
    parts = [Part(title, pd.DataFrame({"value": [k]}), columns) for k, title in enumerate("ab")]
    write_markdown(parts, tmp_path / "t.md", title="Title")
    first, second = read_tables(tmp_path / "t.md")
    assert (first.title, second.title) == ("a", "b")
    assert (first.rows, second.rows) == ([[Cell("0", 0.0)]], [[Cell("1", 1.0)]])


def test_table_without_rows(tmp_path: Path) -> None:
    assert read_back(tmp_path, []).rows == []


@pytest.mark.parametrize("text", ["", "no table\n", "| a | b |\n|---|---|\n| 1 |\n"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.md"
    path.write_text(text)
    with pytest.raises(InputError, match=r"t\.md is not a table"):
        read_tables(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"t\.md does not exist"):
        read_tables(tmp_path / "t.md")
