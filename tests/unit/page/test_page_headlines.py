"""The first numbers of the page."""

from pathlib import Path

import pandas as pd
import pytest
from page_case import dataset_files

from mepflow.errors import InputError
from mepflow.evaluation.paired_differences import COLUMNS
from mepflow.page.headlines import headline, split_sizes

SETTINGS = {"headline_grid": "mk"}
FILES = dataset_files("qm9")
NAN = float("nan")
MODELS = [
    # Best on the test molecules is AC-Q, on the validation molecules AC-DQ.
    ("mk", "AC-D", "model", 22, 8, 1, 3.8, 3.0, 4.6, 0.3, 1.2),
    ("mk", "AC-Q", "model", 22, 8, 1, 2.3, 2.0, 3.1, 0.4, 0.3),
    ("mk", "AC-DQ", "model", 22, 8, 1, 2.5, 2.2, 2.9, 0.2, 0.3),
    ("mk", "AC-AD-D", "model", 22, 8, 1, 9.0, 8.0, 10.0, 0.5, 0.9),
]
BASELINES = [
    ("mk", "mulliken", "baseline", 22, 8, 1, 2.1, 1.9, 6.0, NAN, 0.3),
    ("mk", "fitted-charges", "baseline", 22, 8, 1, 0.9, 0.8, 1.0, NAN, 0.1),
    ("chelpg", "AC-D", "model", 22, 8, 1, 0.1, 0.1, 0.1, 0.3, 0.1),
]
PAIRS = [
    ("AC-D", "AC-Q", 8, 1.5, 1.0, 2.0, 1),
    ("AC-D", "AC-DQ", 8, 1.25, -0.5, 3.0, 2),
    ("AC-D", "AC-AD-D", 8, -5.0, -6.0, -4.0, 8),
    ("AC-Q", "AC-DQ", 8, -0.5, -0.75, -0.25, 7),
    ("AC-Q", "AC-AD-D", 8, -6.0, -7.0, -5.0, 8),
    ("AC-DQ", "AC-AD-D", 8, -6.0, -7.0, -5.0, 8),
]


def write(folder: Path, rows, pairs=PAIRS) -> Path:
    names = ["grid", "representation", "kind", "n_structures", "n_molecules", "n_seeds"]
    ends = {
        "median": "median_rmse_kcal_per_mol_e",
        "low": "median_rmse_low_kcal_per_mol_e",
        "high": "median_rmse_high_kcal_per_mol_e",
    }
    frame = pd.DataFrame(rows, columns=[*names, *ends, "validation_error", "median_relative_rmse"])
    (folder / "qm9/tables").mkdir(parents=True)
    frame.rename(columns=ends).to_csv(folder / FILES.table, index=False)
    pd.DataFrame(pairs, columns=list(COLUMNS)).to_csv(folder / FILES.differences, index=False)
    splits = [("a:0", "train"), ("a:1", "train"), ("b", "validation"), ("c", "test"), ("d", "test")]
    frame = pd.DataFrame(splits, columns=["id", "split"]).assign(showcase=0)
    frame.to_csv(folder / FILES.splits, index=False)
    verdicts = [("a:0", "kept", ""), ("a:1", "kept", ""), ("b", "kept", ""), ("c", "kept", "")]
    verdicts += [("d", "rejected", "scf_not_converged"), ("e", "rejected", "charged")]
    frame = pd.DataFrame(verdicts, columns=["id", "verdict", "reason"]).assign(detail="")
    frame.to_csv(folder / FILES.verdicts, index=False)
    return folder


def test_the_validation_molecules_choose_and_the_test_molecules_judge(tmp_path: Path) -> None:
    folder = write(tmp_path, [*MODELS, *BASELINES])
    found = headline(FILES, SETTINGS, ["AC-D", "AC-Q"], folder)
    assert (found.n_structures, found.n_molecules, found.n_models) == (22, 8, 4)
    sizes = split_sizes(folder / FILES.verdicts, folder / FILES.splits)
    assert sizes == {"train": 2, "validation": 1, "test": 1}
    assert (found.chosen.label, found.chosen.median) == ("AC-DQ", 2.5)
    assert found.preferred == ["AC-DQ", "AC-D", "AC-Q", "AC-AD-D"]
    assert [(bar.label, bar.role) for bar in found.bars] == [
        ("Fitted charges", "floor"),
        ("Mulliken charges", "baseline"),
        ("AC-Q", "model"),
        ("AC-DQ", "chosen"),
        ("AC-D", "model"),
    ]
    assert found.end == 6.0
    assert found.has_floors


def test_findings_are_paired_differences_in_words(tmp_path: Path) -> None:
    folder = write(tmp_path, [*MODELS, *BASELINES])
    assert headline(FILES, SETTINGS, ["AC-D", "AC-Q", "AC-AD-D"], folder).findings == [
        "AC-Q has a smaller error than AC-D, by 1.5 [1.0, 2.0] kcal/mol/e.",
        "AC-Q has a smaller error than AC-AD-D, by 6.0 [5.0, 7.0] kcal/mol/e.",
        "AC-DQ was chosen on the validation molecules. Its error is smaller than that of 1 of the 3"
        " others; larger than that of AC-Q; not told apart from that of AC-D.",
        "Worse than no model (V = 0), in the median: AC-D.",
    ]
    (_, second, *_) = headline(FILES, SETTINGS, ["AC-AD-D", "AC-D", "AC-DQ"], folder).findings
    assert second == (
        "AC-DQ and AC-D are not told apart: their errors differ by −1.2 [−3.0, 0.5] kcal/mol/e."
    )


def test_single_structure_has_no_interval(tmp_path: Path) -> None:
    folder = write(tmp_path, [("mk", "AC-D", "model", 1, 1, 1, 3.8, NAN, NAN, 0.3, 0.2)], [])
    found = headline(FILES, SETTINGS, ["AC-D"], folder)
    assert (found.chosen.low, found.chosen.median, found.chosen.high) == (3.8, 3.8, 3.8)
    assert (found.findings, found.n_molecules) == ([], 1)
    assert not found.has_floors


def test_tables_without_the_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        headline(FILES, SETTINGS, [], tmp_path)
    folder = write(tmp_path, BASELINES[:2])
    with pytest.raises(InputError, match="no model on the grid 'mk'"):
        headline(FILES, SETTINGS, [], folder)
    (folder / FILES.table).write_text("grid,kind\n")
    with pytest.raises(InputError, match="no column representation"):
        headline(FILES, SETTINGS, [], folder)
