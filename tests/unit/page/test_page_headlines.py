"""The first numbers of the page."""

from pathlib import Path

import pandas as pd
import pytest

from mepflow.errors import InputError
from mepflow.page.headlines import headline

SETTINGS = {"headline_grid": "mk"}


def write(path: Path, rows) -> Path:
    names = ["grid", "representation", "kind", "n_structures", "median", "low", "high"]
    frame = pd.DataFrame(rows, columns=names)
    ends = {
        "median": "median_rmse_kcal_per_mol_e",
        "low": "median_rmse_low_kcal_per_mol_e",
        "high": "median_rmse_high_kcal_per_mol_e",
    }
    frame.rename(columns=ends).to_csv(path, index=False)
    return path


def test_best_model_stands_among_the_baselines(tmp_path: Path) -> None:
    table = write(
        tmp_path / "mep.csv",
        [
            ("mk", "AC-D", "model", 22, 3.8, 3.0, 4.6),
            ("mk", "AC-Q", "model", 22, 2.5, 2.0, 3.1),
            ("mk", "mulliken", "baseline", 22, 2.1, 1.9, 6.0),
            ("mk", "fitted-charges", "baseline", 22, 0.9, 0.8, 1.0),
            ("chelpg", "AC-D", "model", 22, 0.1, 0.1, 0.1),
        ],
    )
    found = headline("qm9", SETTINGS, table)
    assert (found.grid, found.n_structures, found.n_models) == ("MK", 22, 2)
    assert (found.best.label, found.best.median) == ("AC-Q", 2.5)
    assert [(bar.label, bar.role) for bar in found.bars] == [
        ("Fitted charges", "floor"),
        ("Mulliken charges", "baseline"),
        ("AC-Q", "model"),
    ]
    assert found.end == 6.0


def test_single_structure_has_no_interval(tmp_path: Path) -> None:
    nan = float("nan")
    table = write(tmp_path / "mep.csv", [("mk", "AC-D", "model", 1, 3.8, nan, nan)])
    best = headline("qm9", SETTINGS, table).best
    assert (best.low, best.median, best.high) == (3.8, 3.8, 3.8)


def test_tables_without_the_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        headline("qm9", SETTINGS, tmp_path / "mep.csv")
    table = write(tmp_path / "mep.csv", [("mk", "mulliken", "baseline", 22, 2.1, 1.9, 6.0)])
    with pytest.raises(InputError, match="no model on the grid 'mk'"):
        headline("qm9", SETTINGS, table)
    table.write_text("grid,kind\n")
    with pytest.raises(InputError, match="no column representation"):
        headline("qm9", SETTINGS, table)
