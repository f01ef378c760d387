"""The last words of a run."""

from pathlib import Path
from typing import Any

from mepflow.summary import summary


def config(folder: Path) -> dict[str, Any]:
    return {"results": str(folder), "datasets": {"qm9": {"headline_grid": "mk"}}}


def test_headline_numbers_and_folders(tmp_path: Path) -> None:
    table = tmp_path / "qm9" / "tables" / "mep.csv"
    table.parent.mkdir(parents=True)
    table.write_text(
        "kind,representation,grid,median_rmse_kcal_per_mol_e\n"
        "model,AC-D,mk,3.1234\nbaseline,fitted-charges,mk,0.7\nmodel,AC-D,shell,9.0\n"
    )
    text = summary(config(tmp_path))
    assert "AC-D              3.12 kcal/mol/e" in text
    assert "fitted-charges    0.70 kcal/mol/e" in text
    assert "9.00" not in text
    assert f"{tmp_path}/qm9/figures" in text


def test_a_partial_run_has_no_summary(tmp_path: Path) -> None:
    assert summary(config(tmp_path)) == ""
