import numpy as np
import pandas as pd
import pytest

from mepflow.errors import InputError
from mepflow.evaluation.mep_errors import COLUMNS as MEP_COLUMNS
from mepflow.evaluation.mep_errors import WITH_PENETRATION
from mepflow.evaluation.multipole_errors import COLUMNS as MULTIPOLE_COLUMNS
from mepflow.evaluation.sources import Source
from mepflow.naming import reason_label
from mepflow.selection.verdicts import REASONS, summarise
from mepflow.tables.filters_table import shortened, write_filter_table
from mepflow.tables.mep_table import KCAL_PER_MOL_E_IN_MILLIVOLT, mep_table, write_mep_table
from mepflow.tables.multipoles_table import multipole_table, write_multipole_table
from mepflow.tables.writing import Column, id_text, seeds_text, write_table


def cells(markdown):
    """Return the cells of a Markdown file's lines, without the line below the first heading."""
    lines = [line for line in markdown.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [rows[0], *rows[2:]]


@pytest.fixture
def sources(tmp_path):
    """Errors of three molecules on two grids: two seeds of a model, and a baseline."""
    made = []
    for name, seed, scale in (("AC-D", 1, 1.0), ("AC-D", 2, 3.0), ("mulliken", None, 5.0)):
        rows = [
            (f"m{k}", f"m{k}", grid, 10, scale * (k + 1), scale * k, 0.1 * scale, 1 - 0.1 * scale)
            for grid in ("chelpg", "mk")
            for k in range(3)
        ]
        path = tmp_path / f"{name}-{seed}.csv"
        pd.DataFrame(rows, columns=list(MEP_COLUMNS)).to_csv(path, index=False)
        made.append(Source(name, seed, path))
    return made


def test_table_is_written_whole_as_csv_and_chosen_as_aligned_markdown(tmp_path):
    frame = pd.DataFrame({"name": ["a", "long name"], "value_e": [1.23456, 10.0], "hidden": [1, 2]})
    columns = (
        Column("Name", lambda row: row.name, "left"),
        Column("Value (e)", lambda row: f"{row.value_e:.2f}"),
    )
    text = {"title": "Values", "note": "In e."}
    write_table(frame, columns, tmp_path / "t.csv", tmp_path / "t.md", **text)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "t.csv"), frame)
    assert (tmp_path / "t.md").read_text() == (
        "# Values\n\nIn e.\n\n"
        "| Name      |   Value (e) |\n"
        "|:----------|------------:|\n"
        "| a         |        1.23 |\n"
        "| long name |       10.00 |\n"
    )


def test_mep_table_has_the_headline_grid_first_and_the_given_order(sources):
    table = mep_table(sources, "mk")
    assert list(table["grid"]) == ["mk", "mk", "chelpg", "chelpg"]
    assert list(table["representation"]) == ["AC-D", "mulliken"] * 2
    assert list(table["kind"]) == ["model", "baseline"] * 2


def test_mep_table_averages_seeds_then_takes_the_median_over_molecules(sources):
    row = mep_table(sources, "mk").iloc[0]
    assert row["median_rmse_kcal_per_mol_e"] == pytest.approx(4.0)  # of 2, 4, 6
    assert row["mean_rmse_kcal_per_mol_e"] == pytest.approx(4.0)
    assert row["median_mae_kcal_per_mol_e"] == pytest.approx(2.0)
    assert row["median_relative_rmse"] == pytest.approx(0.2)
    assert row["median_r2"] == pytest.approx(0.8)
    assert row["median_rmse_seed_deviation_kcal_per_mol_e"] == pytest.approx(np.std([2, 6], ddof=1))
    assert np.isnan(row["median_rmse_low_kcal_per_mol_e"])  # three molecules have no interval
    assert (row["n_structures"], row["n_seeds"]) == (3, 2)


@pytest.mark.parametrize(
    ("counts", "text"), [([1, 1], "1 seed"), ([3, 3], "3 seeds"), ([1, 3], "1 to 3 seeds")]
)
def test_seeds_are_counted_in_words(counts, text):
    assert seeds_text(pd.Series(counts)) == text


def test_conformers_are_counted_and_drawn_with_their_molecule(sources):
    for source in sources:
        frame = pd.read_csv(source.path)
        more = pd.concat([frame.assign(id=f"n{k}", molecule=f"n{k}") for k in range(6)])
        two = pd.concat([more, more.assign(id=more["id"] + ":1", rmse_kcal_per_mol_e=9.0)])
        two.drop_duplicates(["id", "grid"]).to_csv(source.path, index=False)
    row = mep_table(sources, "mk").iloc[0]
    assert (row["n_structures"], row["n_molecules"]) == (12, 6)
    ends = row[["median_rmse_low_kcal_per_mol_e", "median_rmse_high_kcal_per_mol_e"]]
    assert list(ends) == pytest.approx([5.5, 5.5])  # every molecule has 2 and 9


def test_millivolts_are_those_of_codata(sources):
    assert pytest.approx(27211.386 / 627.5095, rel=1e-6) == KCAL_PER_MOL_E_IN_MILLIVOLT
    row = mep_table(sources, "mk").iloc[0]
    assert row["median_rmse_millivolt"] == pytest.approx(4.0 * 43.3641, rel=1e-5)


@pytest.fixture
def logs(tmp_path):
    """Logs of the two seeds; the kept step, that of the smallest loss, is not the last one."""
    made = []
    for seed, dipole in ((1, 0.5), (2, 0.125)):
        frame = pd.DataFrame(
            {
                "validation_loss": [3.0, 1.0, 2.0],
                "validation_dipole_rmse_e_bohr": [9.0, dipole, 0.01],
                "validation_quadrupole_rmse_e_bohr2": [9.0, 2.0, 0.01],
                "validation_quadrupole_mae_e_bohr2": [9.0, 7.0, 0.01],
            }
        )
        path = tmp_path / f"log-{seed}.csv"
        frame.to_csv(path, index=False)
        made.append(Source("AC-D", seed, path))
    return made


def write_mep(sources, logs, folder):
    """Write the MEP table and return its Markdown."""
    files = {
        "csv": folder / "mep.csv",
        "differences": folder / "mep_differences.csv",
        "markdown": folder / "mep.md",
    }
    write_mep_table(sources, logs, "mk", **files)
    return files["markdown"]


def test_mep_markdown_says_its_units_and_names_baselines(sources, logs, tmp_path):
    markdown = write_mep(sources, logs, tmp_path)
    heading, first, second, *_ = cells(markdown)
    text = markdown.read_text(encoding="utf-8")
    assert "kcal/mol/e" in text
    assert "## Merz–Kollman shells (MK): 3 structures, 2 seeds\n" in text
    assert first[:2] == ["AC-D", "4.00"]
    assert second[:2] == ["Mulliken charges", "10.00"]
    assert "SD of the median over seeds" in heading
    table = pd.read_csv(tmp_path / "mep.csv")
    assert len(table) == 4
    # √(0.5 · 2) = 1 and √(0.125 · 2) = 0.5
    assert table["validation_error"].tolist()[::2] == pytest.approx([0.75, 0.75])
    assert table["validation_error"].isna().tolist() == [False, True] * 2


def test_mep_markdown_compares_with_the_chosen_variant(sources, logs, tmp_path):
    heading, first, second, *_ = cells(write_mep(sources, logs, tmp_path))
    place = heading.index("Difference to AC-D, paired")
    assert first[place] == "chosen"
    # 5, 10, 15 less 2, 4, 6
    assert second[place].startswith("+6.00")
    pairs = pd.read_csv(tmp_path / "mep_differences.csv")
    assert len(pairs) == 1
    assert pairs["mean_difference_kcal_per_mol_e"].tolist() == pytest.approx([-6.0])
    assert pairs[["n_molecules", "n_smaller"]].to_numpy().tolist() == [[3, 3]]


def test_rows_about_different_molecules_are_refused(sources):
    frame = pd.read_csv(sources[2].path)
    frame[frame["id"] != "m1"].to_csv(sources[2].path, index=False)
    with pytest.raises(InputError, match="AC-D and mulliken were evaluated on different molecules"):
        mep_table(sources, "mk")


@pytest.fixture
def with_fewer(sources, tmp_path):
    """The same with a baseline that has no value of m2, the molecule with the largest errors."""
    frame = pd.read_csv(sources[2].path)
    path = tmp_path / "mbis-charges.csv"
    frame[frame["id"] != "m2"].to_csv(path, index=False)
    return [*sources, Source("mbis-charges", None, path)]


def test_a_baseline_with_fewer_molecules_says_so_and_is_compared_on_those(with_fewer):
    table = mep_table(with_fewer, "mk").set_index(["grid", "representation"]).loc["mk"]
    assert table["n_structures"].to_dict() == {"AC-D": 3, "mulliken": 3, "mbis-charges": 2}
    assert (table["n_shared_structures"] == 2).all()
    medians = table[["median_rmse_kcal_per_mol_e", "median_rmse_shared_kcal_per_mol_e"]]
    assert medians.loc["AC-D"].tolist() == pytest.approx([4.0, 3.0])  # of 2, 4, 6 and of 2, 4
    assert medians.loc["mulliken"].tolist() == pytest.approx([10.0, 7.5])
    assert medians.loc["mbis-charges"].tolist() == pytest.approx([7.5, 7.5])


def test_the_shared_columns_are_shown_where_a_row_has_fewer_molecules(
    sources, logs, with_fewer, tmp_path
):
    heading, *_ = cells(write_mep(sources, logs, tmp_path))
    assert not any("shared" in name for name in heading)
    heading, first, _, last, *_ = cells(write_mep(with_fewer, logs, tmp_path))
    assert first[heading.index("Median RMSE, shared structures")] == "3.00"
    assert [row[heading.index("Structures")] for row in (first, last)] == ["3", "2"]
    # 5 and 10 less 2 and 4, of the molecules that both cover
    assert last[heading.index("Difference to AC-D, paired")].startswith("+4.50")


def test_no_baseline_may_have_molecules_that_the_models_lack(with_fewer):
    frame = pd.read_csv(with_fewer[3].path).replace({"id": {"m1": "other"}})
    frame.to_csv(with_fewer[3].path, index=False)
    with pytest.raises(InputError, match=r"AC-D and mbis-charges .* different molecules"):
        mep_table(with_fewer, "mk")


def test_multipole_table_pools_components_and_seeds(tmp_path):
    made = []
    for seed, error in ((1, 0.3), (2, 0.4)):
        rows = [
            ("m0", "a", error, 0.1, -0.2, 2 * error, 0.5),
            ("m1", "b", 0.0, 0.0, 0.1, 0.0, 0.0),
        ]
        path = tmp_path / f"{seed}.csv"
        pd.DataFrame(rows, columns=list(MULTIPOLE_COLUMNS)).to_csv(path, index=False)
        made.append(Source("AC-Q", seed, path))
    row = multipole_table(made).iloc[0]
    assert row["dipole_rmse_e_bohr"] == pytest.approx(0.25)  # √((0.09 + 0.16) / 4)
    assert row["quadrupole_rmse_e_bohr2"] == pytest.approx(0.5)
    assert row["dipole_mae_e_bohr"] == pytest.approx(0.05)
    assert row["dipole_norm_mae_e_bohr"] == pytest.approx(0.15)
    assert row["dipole_norm_mae_debye"] == pytest.approx(0.15 * 2.541746, rel=1e-6)
    assert row["quadrupole_rmse_debye_angstrom"] == pytest.approx(0.5 * 1.345034, rel=1e-6)
    write_multipole_table(made, tmp_path / "t.csv", tmp_path / "t.md")
    heading, line = cells(tmp_path / "t.md")
    assert line[heading.index("Dipole RMSE (e·bohr)")] == "0.2500"


def test_filter_table_keeps_all_ids_in_the_csv(tmp_path):
    reasons = ["inchi_changed"] * 5 + ["dipole_mismatch"] + [""] * 4
    frame = pd.DataFrame({"id": [f"m{k}" for k in range(10)], "reason": reasons, "detail": ""})
    frame.insert(1, "verdict", ["rejected" if reason else "kept" for reason in reasons])
    write_filter_table(summarise(frame, list(REASONS)), tmp_path / "f.csv", tmp_path / "f.md")
    table = pd.read_csv(tmp_path / "f.csv", keep_default_na=False).set_index("reason")
    assert list(table.index) == list(REASONS)
    assert table.loc["inchi_changed"].tolist() == [5, "m0 m1 m2 m3 m4"]
    assert table.loc["dipole_mismatch"].tolist() == [1, "m5"]
    assert table.loc["unreadable_record"].tolist() == [0, ""]
    lines = {row[0]: row[1:] for row in cells(tmp_path / "f.md")}
    assert lines["InChI changed"] == ["5", "m0, m1, m2 and 2 more"]


def test_every_reason_has_a_label():
    labels = [reason_label(reason) for reason in REASONS]
    assert len(set(labels)) == len(labels)
    assert not any("_" in label for label in labels)
    assert reason_label("another_reason") == "another reason"


def test_ids_are_shortened_after_three():
    assert shortened(["a", "b", "c"]) == "a, b, c"
    assert shortened([f"m{k}" for k in range(1500)]) == "m0, m1, m2 and 1,497 more"
    assert shortened([]) == ""


def test_ids_that_are_smiles_are_no_links_in_markdown():
    assert id_text("C[NH2+](C)C") == "`C[NH2+](C)C`"
    assert shortened(["C#C.[Na+]", "103147721:4"]) == "`C#C.[Na+]`, 103147721:4"


def test_penetration_is_a_column_of_every_row_that_has_it(sources, logs, tmp_path):
    paths = tmp_path / "mep.csv", tmp_path / "mep.md"
    write_mep(sources, logs, tmp_path)
    before = pd.read_csv(paths[0])
    assert not any("penetration" in heading for heading in [*before, *cells(paths[1])[0]])
    for source in sources:
        frame = pd.read_csv(source.path)
        frame[WITH_PENETRATION] = 0.5 * frame["rmse_kcal_per_mol_e"]
        frame.loc[frame["id"] == "m2", WITH_PENETRATION] = np.nan  # an element without a width
        if source.is_baseline:
            frame[WITH_PENETRATION] = np.nan
        frame.to_csv(source.path, index=False)
    write_mep(sources, logs, tmp_path)
    after = pd.read_csv(paths[0])
    pd.testing.assert_frame_equal(after[list(before)], before)
    column = "median_rmse_with_penetration_kcal_per_mol_e"
    assert after[column].to_list() == pytest.approx([1.5, np.nan, 1.5, np.nan], nan_ok=True)
    assert after["n_structures_with_penetration"].to_list() == [2, 0, 2, 0]
    heading, model, baseline, *_ = cells(paths[1])
    shown = heading.index("Median RMSE with penetration")
    assert (model[shown], baseline[shown]) == ("1.50", "–")
