"""Figures drawn from one table each: they show its numbers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from mepflow.errors import InputError
from mepflow.evaluation.breakdown import SINGLE_VALUES
from mepflow.plots import style
from mepflow.plots.learning_curve import plot_learning_curve
from mepflow.plots.mep_breakdown import plot_mep_breakdown
from mepflow.plots.mep_distance import plot_mep_distance
from mepflow.plots.trade_off import plot_trade_off


def lines_of(axes):
    return {
        line.get_label(): line.get_xydata() for line in axes.lines if line.get_label()[0] != "_"
    }


def test_errors_by_distance_are_those_of_the_table(run, figure_of) -> None:
    frame = pd.read_csv(run.folder / "breakdown.csv")
    frame = frame[(frame["by"] == "distance") & (frame["representation"] == "AC-D")]
    frame = frame[frame["n_molecules"] > 1]
    line = lines_of(figure_of("mep_by_distance").axes[0])["AC-D"]
    np.testing.assert_allclose(line, frame[["order", "median_rmse_kcal_per_mol_e"]])
    assert "no model (V = 0)" in lines_of(figure_of("mep_by_distance").axes[0])


@pytest.mark.parametrize("by", ["element", "group"])
def test_errors_by_part_are_those_of_the_table(run, figure_of, by) -> None:
    axes = figure_of(f"mep_by_{by}").axes[0]
    frame = pd.read_csv(run.folder / "breakdown.csv")
    frame = frame[(frame["by"] == by) & (frame["representation"] == "AC-Q")]
    frame = frame[frame["n_molecules"] > 1]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [f"{row.part} ({row.n_molecules})" for row in frame.itertuples()]
    marks = lines_of(axes)["AC-Q"]
    np.testing.assert_allclose(marks[:, 0], frame["median_rmse_kcal_per_mol_e"])
    np.testing.assert_allclose(np.rint(marks[:, 1]), np.arange(len(frame)))


def test_parts_of_single_molecules_are_drawn_where_there_are_no_others(rows, tmp_path) -> None:
    row = {"by": "group", "part": "all", "representation": "AC-D", "order": 0, "n_structures": 1}
    row |= {"n_molecules": 1, SINGLE_VALUES: "1.0"}
    row |= {f"median_rmse{end}_kcal_per_mol_e": value for end, value in
            (("", 1.0), ("_low", None), ("_high", None))}  # fmt: skip
    pd.DataFrame([row]).to_csv(tmp_path / "t.csv", index=False)
    plot_mep_breakdown(tmp_path / "t.csv", "group", ["AC-D"], rows, [tmp_path / "f.png"])
    with pytest.raises(InputError, match="no errors of AC-Q by group"):
        plot_mep_breakdown(
            tmp_path / "t.csv", "group", ["AC-D", "AC-Q"], rows, [tmp_path / "f.png"]
        )


def test_parts_of_few_molecules_show_each_of_them(rows, monkeypatch, tmp_path) -> None:
    median, low, high = (f"median_rmse{end}_kcal_per_mol_e" for end in ("", "_low", "_high"))
    common = {"by": "group", "representation": "AC-D", "order": 0, "n_structures": 9}
    table = [
        common | {"part": "many", "n_molecules": 9, median: 2.0, low: 1.0, high: 3.0},
        common | {"part": "few", "n_molecules": 3, median: 2.0, SINGLE_VALUES: "1.5 2 4.25"},
    ]
    pd.DataFrame(table).to_csv(tmp_path / "t.csv", index=False)
    figures = []

    class Recorded(Figure):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            figures.append(self)

    monkeypatch.setattr(style, "Figure", Recorded)
    plot_mep_breakdown(tmp_path / "t.csv", "group", ["AC-D"], rows, [tmp_path / "f.png"])
    axes = figures[0].axes[0]
    medians, singles = (line for line in axes.lines if line.get_marker() == "o")
    np.testing.assert_array_equal(medians.get_xdata(), [2.0, np.nan])
    np.testing.assert_array_equal(singles.get_xydata(), [[1.5, 1], [2.0, 1], [4.25, 1]])
    bars = [bar for bar in axes.collections[0].get_segments() if len(bar)]
    np.testing.assert_allclose(bars, [[[1.0, 0.0], [3.0, 0.0]]])


def test_trade_off_joins_the_variants_of_the_same_terms(run, figure_of) -> None:
    frame = pd.read_csv(run.folder / "trade_off.csv").set_index("representation")
    axes = figure_of("trade_off").axes[0]
    lines = lines_of(axes)
    columns = ["median_dipole_rmse_e_bohr", "median_quadrupole_rmse_e_bohr2"]
    marks = {tuple(line.get_xydata()[0]) for line in axes.lines if len(line.get_xdata()) == 1}
    assert marks == set(frame.loc[list(run.variants), columns].itertuples(index=False, name=None))
    labels = {text.get_text(): text.xy for text in axes.texts}
    for name in run.variants:
        np.testing.assert_allclose(labels[name], frame.loc[name, columns].astype(float))
    assert "Mulliken charges" not in labels
    charges = frame[frame["terms"] == "charges"].sort_values("dipole_share")
    np.testing.assert_allclose(lines["charges"], charges[columns])


def test_a_variant_without_either_weight_is_a_point_beside_the_line(
    run, rows, monkeypatch, tmp_path
) -> None:
    figures = []

    class Recorded(Figure):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            figures.append(self)

    monkeypatch.setattr(style, "Figure", Recorded)
    frame = pd.read_csv(run.folder / "trade_off.csv", keep_default_na=False)
    other = frame[frame["representation"] == "AC-DQ"].assign(
        representation="AC-N", dipole_share="", median_dipole_rmse_e_bohr=9.0
    )
    pd.concat([frame, other]).to_csv(tmp_path / "t.csv", index=False)
    variants = {**rows, "AC-N": rows["AC-DQ"] | {"loss_weights": {"dipole_norm": 1.0}}}
    plot_trade_off(tmp_path / "t.csv", variants, [tmp_path / "f.png"])
    axes = figures[0].axes[0]
    lines = lines_of(axes)
    assert next(text for text in axes.texts if text.get_text() == "AC-N").xy[0] == 9.0
    assert 9.0 not in lines["charges"]


def test_learning_curve_rises_with_fewer_molecules_above_its_floor(figure_of) -> None:
    panels = figure_of("learning_curve").axes
    assert len(panels) == 3
    for axes in panels:
        lines = lines_of(axes)
        np.testing.assert_allclose(lines["AC-D"], [[16, 4], [32, 2], [64, 1]])
        # The fits are floors of the potential alone.
        assert ("Mulliken charges" in lines) == (axes is panels[0])
        assert axes.get_xscale() == axes.get_yscale() == "log"
    np.testing.assert_allclose(lines_of(panels[0])["Mulliken charges"][:, 1], 0.5)


def test_a_missing_table_is_named(rows, tmp_path) -> None:
    outputs = [tmp_path / "figure.png"]
    for draw in (plot_trade_off, plot_learning_curve):
        with pytest.raises(InputError, match=r"t\.csv does not exist"):
            draw(tmp_path / "t.csv", rows, outputs)
    with pytest.raises(InputError, match=r"t\.csv does not exist"):
        plot_mep_breakdown(tmp_path / "t.csv", "group", ["AC-D"], rows, outputs)


def test_rows_with_penetration_are_those_of_the_table(run, figure_of) -> None:
    frame = pd.read_csv(run.folder / "mep.csv")
    figure = figure_of("mep_penetration")
    assert [axes.get_title() for axes in figure.axes] == ["MK", "CHELPG"]
    for axes, grid in zip(figure.axes, ("mk", "chelpg"), strict=True):
        of_grid = frame[frame["grid"] == grid]
        marks = [line for line in axes.lines if len(line.get_xdata()) == 1]
        alone, inside = ([line.get_xdata()[0] for line in marks[k::2]] for k in (0, 1))
        np.testing.assert_allclose(alone, of_grid["median_rmse_kcal_per_mol_e"])
        column = "median_rmse_with_penetration_kcal_per_mol_e"
        np.testing.assert_allclose(inside, of_grid[column])
        rows = np.rint([line.get_ydata()[0] for line in marks[::2]])
        np.testing.assert_array_equal(rows, np.arange(len(of_grid)))


def test_curves_by_distance_stand_in_the_panel_of_their_column(run, figure_of) -> None:
    frame = pd.read_csv(run.folder / "distance.csv")
    frame = frame[frame["representation"] == "AC-AD-D"]
    alone, inside = figure_of("mep_distance").axes
    for axes, part in ((alone, ""), (inside, "_with_penetration")):
        columns = ["order", f"median_rmse{part}_kcal_per_mol_e"]
        np.testing.assert_allclose(lines_of(axes)["AC-AD-D"], frame[columns])
    assert (alone.get_title(), inside.get_title()) == ("points alone", "with penetration")


def test_without_widths_points_alone_are_drawn(run, rows, monkeypatch, tmp_path) -> None:
    frame = pd.read_csv(run.folder / "distance.csv")
    frame[[name for name in frame if "penetration" in name]] = np.nan
    frame.loc[frame["order"] == 0.375, "n_molecules"] = 5  # too few for an interval
    frame.to_csv(tmp_path / "t.csv", index=False)
    drawn = []

    class Recorded(Figure):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            drawn.append(self)

    monkeypatch.setattr(style, "Figure", Recorded)
    plot_mep_distance(tmp_path / "t.csv", ["AC-D"], rows, [tmp_path / "f.png"])
    assert [axes.get_title() for axes in drawn[0].axes] == ["points alone"]
    assert lines_of(drawn[0].axes[0])["AC-D"].tolist() == [[0.125, 1.0]]
    with pytest.raises(InputError, match="no errors of mulliken"):
        plot_mep_distance(tmp_path / "t.csv", ["mulliken"], rows, [tmp_path / "f.png"])


def test_minima_of_all_panels_have_one_range_and_means_over_seeds(run, figure_of) -> None:
    panels = figure_of("extrema").axes
    assert len({(*axes.get_xlim(), *axes.get_ylim()) for axes in panels}) == 1
    low, high = panels[0].get_xlim()
    assert panels[0].get_ylim() == (low, high)
    assert (low < -40.0, high > 2.0) == (True, True)
    marks = next(line for line in panels[1].lines if line.get_marker() == "s")
    expected = [[-5.0 * k, -4.0 * k + 1.5] for k in range(9)]
    np.testing.assert_allclose(sorted(marks.get_xydata().tolist()), sorted(expected))
    assert panels[1].get_title() == "AC-AD-D\nMAE 2.35, rank correlation 0.88"


def test_rows_of_classes_are_those_of_the_table(run, figure_of) -> None:
    frame = pd.read_csv(run.folder / "aromatics.csv")
    axes = figure_of("aromatics").axes
    assert [one.get_title() for one in axes] == ["other\n7 test molecules"]
    marks = [line.get_xdata()[0] for line in axes[0].lines if len(line.get_xdata()) == 1]
    np.testing.assert_allclose(marks, frame["median_rmse_kcal_per_mol_e"])
