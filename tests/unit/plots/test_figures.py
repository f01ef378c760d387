"""Every figure: files, determinism, labels with units, and that it shows the numbers it is of."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from mepflow.errors import InputError
from mepflow.evaluation.sources import read_sources
from mepflow.evaluation.statistics import summarize
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import components
from mepflow.plots import style
from mepflow.plots.filter_funnel import plot_filter_funnel
from mepflow.plots.mep_error import plot_mep_error
from mepflow.plots.mep_parity import plot_mep_parity
from mepflow.plots.multipole_parity import plot_multipole_parity
from mepflow.plots.showcase import plot_showcase
from mepflow.plots.training_curves import plot_training_curves
from mepflow.plots.transfer_errors import plot_transfer
from mepflow.selection.verdicts import REASONS
from mepflow.units import ANGSTROM_IN_BOHR, HARTREE_PER_E_IN_KCAL_PER_MOL_E

LABELS = {
    "filter_funnel": {"structures"},
    "mep_error": {"RMSE of the MEP on the MK grid (kcal/mol/e), 7 test molecules"},
    "transfer": {"RMSE of the MEP on the MK grid (kcal/mol/e)"},
    "multipole_parity": {
        "reference μ (e·bohr)",
        "predicted μ (e·bohr)",
        "reference Θ′ (e·bohr²)",
        "predicted Θ′ (e·bohr²)",
    },
    "mep_parity": {
        "reference MEP on the MK grid (kcal/mol/e), 420 points of 7 test molecules",
        "predicted MEP (kcal/mol/e)",
        "points per cell",
    },
    "training_curves": {
        "step",
        "loss (atomic units)",
        "validation RMSE of μ\n(e·bohr)",
        "validation RMSE of Θ′\n(e·bohr²)",
    },
    "showcase": {
        "x (Å)",
        "y (Å)",
        "MEP (kcal/mol/e)",
        "difference (kcal/mol/e)",
    },
    "mep_by_distance": {
        "distance from the van der Waals surface (Å)",
        "median RMSE of the MEP (kcal/mol/e)",
    },
    "mep_by_element": {"nearest element", "RMSE of the MEP (kcal/mol/e)"},
    "mep_by_group": {"molecules", "RMSE of the MEP (kcal/mol/e)"},
    "trade_off": {"median RMSE of μ (e·bohr)", "median RMSE of Θ′ (e·bohr²)"},
    "mep_penetration": {"median RMSE of the MEP (kcal/mol/e)"},
    "mep_distance": {
        "distance from the van der Waals surface (Å)",
        "median RMSE of the MEP (kcal/mol/e)",
    },
    "extrema": {
        r"reference $V_\mathrm{min}$ (kcal/mol/e), 9 test molecules",
        r"predicted $V_\mathrm{min}$ (kcal/mol/e)",
    },
    "aromatics": {"RMSE of the MEP on the MK grid (kcal/mol/e)"},
    "learning_curve": {
        "training structures",
        "median RMSE of the MEP (kcal/mol/e)",
        "median RMSE of μ (e·bohr)",
        "median RMSE of Θ′ (e·bohr²)",
    },
    "surface": {"MEP (kcal/mol/e)", "difference (kcal/mol/e)"},
}


def recorded(monkeypatch) -> list[Figure]:
    """Return a list to which every figure that is drawn from now on is added."""
    figures = []

    class Recorded(Figure):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            figures.append(self)

    monkeypatch.setattr(style, "Figure", Recorded)
    return figures


@pytest.mark.parametrize("name", LABELS)
def test_axes_say_what_they_show_and_in_which_unit(figure_of, labels_of, name):
    assert labels_of(figure_of(name)) == LABELS[name]


@pytest.mark.parametrize("name", LABELS)
def test_titles_and_labels_of_nine_variants_do_not_collide(figure_of, collisions_of, name):
    atoms = {"H", "C", "O", "F"}  # symbols of a drawn molecule may cover each other
    bad = [text for text in collisions_of(figure_of(name)) if not atoms & set(text.split(" / "))]
    assert not bad


@pytest.mark.parametrize(
    "name", ["mep_parity", "multipole_parity", "training_curves", "showcase", "surface"]
)
def test_figures_of_a_column_have_room_for_their_labels(
    monkeypatch, draw_few, collisions_of, tmp_path, name
):
    figures = recorded(monkeypatch)
    draw_few(name, [tmp_path / "figure.png"], 1)
    assert figures[0].get_figwidth() == style.COLUMN_WIDTH
    atoms = {"H", "C", "O", "F"}
    assert not [text for text in collisions_of(figures[0]) if not atoms & set(text.split(" / "))]


@pytest.mark.parametrize("name", LABELS)
def test_the_same_data_give_the_same_bytes(draw_few, tmp_path, name):
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    draw_few(name, [first])
    draw_few(name, [second])
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size > 5000


@pytest.mark.parametrize("name", ["mep_error", "mep_parity"])
def test_a_figure_is_also_written_as_pdf(draw_few, tmp_path, name):
    draw_few(name, [tmp_path / "figure.pdf"])
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")


def test_funnel_bars_are_the_counts(figure_of):
    figure = figure_of("filter_funnel")
    axes = figure.axes[0]
    remaining, rejected = ([bar.get_width() for bar in group] for group in axes.containers)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    steps = dict(zip(labels, zip(remaining, rejected, strict=True), strict=True))
    assert list(steps.items()) == [
        ("in the archive", (20, 0)),
        ("uncharacterized", (17, 3)),
        ("unsupported element", (17, 0)),
        ("SCF not converged", (16, 1)),
        ("dipole mismatch", (16, 0)),
    ]
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["20", "17", "17", "16", "16", "−3", "−1"]


@pytest.mark.parametrize("style_name", style.STYLES)
def test_the_longest_funnel_with_the_shortest_bars_is_readable(
    monkeypatch, collisions_of, tmp_path, style_name
):
    figures = recorded(monkeypatch)
    rejected = np.array([0, 2_008_628, *range(len(REASONS) - 1)])
    remaining = rejected.sum() - rejected.cumsum()
    frame = {"step": ["archive", *REASONS], "rejected": rejected, "remaining": remaining}
    plot_filter_funnel(pd.DataFrame(frame), [tmp_path / "f.png"], style_name)
    assert not collisions_of(figures[0])


def test_no_model_is_as_wrong_as_the_reference_is_large(run, figure_of):
    axes = figure_of("mep_error").axes[0]
    table = MoleculeTable.load(run.reference)
    sizes = [np.sqrt(np.mean(table.grids["mk"].of(k)[1] ** 2)) for k in range(len(table))]
    expected = np.median(sizes) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
    thick = [line for line in axes.lines if line.get_linewidth() == 2.5]
    assert [line.get_xdata()[0] for line in thick] == [pytest.approx(expected, rel=1e-9)]
    assert "no model (V = 0)" in [text.get_text() for text in axes.texts]


def test_few_molecules_have_medians_without_interval(monkeypatch, run, rows, tmp_path):
    source = run.sources("mep.csv", ("AC-D",), (1,))[0]
    frame = pd.read_csv(source.path)
    frame[frame["id"] < "gdb_000006"].to_csv(tmp_path / "mep.csv", index=False)
    figures = recorded(monkeypatch)
    few = type(source)("AC-D", 1, tmp_path / "mep.csv")
    plot_mep_error([few], rows, "mk", [tmp_path / "figure.png"])
    axes = figures[0].axes[0]
    assert "5 test molecules" in axes.get_xlabel()
    assert len(axes.collections) == 1  # dots, no bars
    median = frame["rmse_kcal_per_mol_e"][:5].median()
    assert f"{median:.2f}" in [text.get_text() for text in axes.texts]


def test_mep_error_marks_the_medians_of_the_table(run, figure_of):
    figure = figure_of("mep_error")
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [
        *run.variants,
        "Mulliken charges",
        "Fitted charges",
        "Fitted charges + dipoles",
        "Fitted charges + dipoles + quadrupoles",
        "Fitted charges, exact moments",
        "Fitted charges + dipoles, exact moments",
        "MBIS charges\n(6 of 7 structures)",
        "MBIS charges + dipoles\n(6 of 7 structures)",
        "MBIS charges + dipoles + quadrupoles\n(6 of 7 structures)",
    ]
    errors = read_sources(run.sources("mep.csv"))
    for row, name in enumerate(run.variants):
        median = summarize(errors[errors["name"] == name], "rmse_kcal_per_mol_e").median
        markers = [
            line for line in axes.lines if line.get_ydata()[0] == row and len(line.get_xdata()) == 1
        ]
        assert markers[0].get_xdata()[0] == pytest.approx(median)
        assert any(text.get_text().startswith(f"{median:.2f}  [") for text in axes.texts)


def test_transfer_shows_both_models_on_the_same_molecules(run, figure_of):
    axes = figure_of("transfer").axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == list(run.variants)
    legend = axes.get_legend()
    assert legend.get_title().get_text() == "6 spice test molecules"
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["trained on spice", "trained on qm9"]
    errors = read_sources(run.sources("mep.csv"))
    errors = errors[errors["id"] != "gdb_000003"]  # not of the other models' kind
    markers = [line for line in axes.lines if len(line.get_xdata()) == 1]
    for row, name in enumerate(run.variants):
        median = summarize(errors[errors["name"] == name], "rmse_kcal_per_mol_e").median
        own, foreign = (m for m in markers if abs(m.get_ydata()[0] - row) < 0.3)
        assert own.get_xdata()[0] == pytest.approx(median)
        assert foreign.get_xdata()[0] == pytest.approx(1.5 * median)
        assert own.get_markerfacecolor() != foreign.get_markerfacecolor() == style.WHITE


def test_a_transfer_to_few_molecules_shows_each_and_names_them(monkeypatch, run, rows, tmp_path):
    made = []
    for source in run.sources("mep.csv", ("AC-D",)):
        frame = pd.read_csv(source.path)
        frame = frame[frame["id"].isin(["gdb_000001", "gdb_000002", "gdb_000004"])]
        frame["molecule"] = ["CC=O", "CC=O", "C1XX"]
        folder = tmp_path / f"seed-{source.seed}"
        folder.mkdir()
        frame.to_csv(folder / "mep.csv", index=False)
        made.append((frame, type(source)("AC-D", source.seed, folder / "mep.csv")))
    sources = [source for _, source in made]
    figures = recorded(monkeypatch)
    plot_transfer("spice", sources, {"qm9": sources}, rows, "mk", [tmp_path / "figure.png"])
    axes = figures[0].axes[0]
    title = axes.get_legend().get_title().get_text()
    assert title == "3 spice test structures of 2 molecules: C1XX and acetaldehyde"
    values = np.mean([frame["rmse_kcal_per_mol_e"].to_numpy() for frame, _ in made], axis=0)
    shown = [line.get_xdata() for line in axes.lines if line.get_marker() == "o"]
    assert len(shown) == 2
    for points in shown:
        np.testing.assert_allclose(points, [values[2], values[:2].mean()])
    assert not [text for text in axes.texts if "[" in text.get_text()]


def test_transfer_without_molecules_says_so(run, rows, tmp_path):
    empty = run.sources("mep.csv", ("AC-D",), (1,))[0]
    pd.read_csv(empty.path).iloc[:0].to_csv(tmp_path / "mep.csv", index=False)
    foreign = {"qm9": [type(empty)("AC-D", 1, tmp_path / "mep.csv")]}
    output = tmp_path / "figure.png"
    plot_transfer("spice", [empty], foreign, rows, "mk", [output])
    assert output.stat().st_size > 2000


def test_multipole_parity_shows_all_components_and_their_error(run, figure_of):
    figure = figure_of("multipole_parity")
    table = MoleculeTable.load(run.reference)
    true = {
        "μ": table.properties["dipole"].ravel(),
        "Θ′": components(table.properties["quadrupole"]).ravel(),
    }
    for part, values in zip(figure.subfigs, true.values(), strict=True):
        for k, axes in enumerate(a for a in part.axes if a.get_visible()):
            points = np.asarray(axes.collections[0].get_offsets())
            # Seeds 1 and 2 scale all charges, and so all multipoles, by 1 ∓ 0.1 (k + 1).
            factors = [1.0 - 0.1 * (k + 1), 1.0 + 0.1 * (k + 1)]
            np.testing.assert_allclose(points[:, 0], np.tile(values, 2))
            np.testing.assert_allclose(
                points[:, 1], np.concatenate([f * values for f in factors]), atol=1e-12
            )
            rmse = 0.1 * (k + 1) * np.sqrt(np.mean(values**2))
            decimals = 4 if part is figure.subfigs[0] else 3
            assert axes.get_title().startswith(f"{run.variants[k]}\nRMSE {rmse:.{decimals}f}")
            outside = int(np.sum(np.abs(points[:, 1]) > axes.get_xlim()[1]))
            assert axes.get_title().endswith(f"\n{outside} of {len(points)} outside") == (
                outside > 0
            )


def test_mep_parity_counts_every_point(run, figure_of):
    figure = figure_of("mep_parity")
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title().split("\n")[0] for axes in panels] == list(run.variants)
    errors = read_sources(run.sources("mep.csv"))
    some_outside = 0
    for axes, name in zip(panels, run.variants, strict=True):
        shown = int(axes.collections[0].get_array().sum())
        rmse = np.sqrt(np.mean(errors.loc[errors["name"] == name, "rmse_kcal_per_mol_e"] ** 2))
        lines = axes.get_title().split("\n")[1:]
        outside = 2 * 420 - shown  # of two seeds
        expected = [f"{outside} of 840 outside"] if outside else []
        assert lines == [f"RMSE {rmse:.2f}", *expected]
        some_outside += outside
    assert some_outside


def test_training_curves_have_a_column_per_family(figure_of):
    figure = figure_of("training_curves")
    axes = figure.axes
    assert len(axes) == 12
    titles = [one.get_title() for one in axes[:4]]
    assert titles[0] == "trained on\ndipole"
    # Two seeds of three variants: training and validation losses, then one error each.
    # A ring at each of the kept steps besides.
    rings = [[line for line in one.lines if line.get_marker() == "o"] for one in axes]
    assert [len(axes[k].lines) - len(rings[k]) for k in (3, 7, 11)] == [12, 6, 6]
    assert [len(rings[k]) for k in (3, 7, 11)] == [6, 6, 6]
    assert {one.get_xscale() + one.get_yscale() for one in axes} == {"loglog"}
    assert len({one.get_ylim() for one in axes[4:8]}) == 1
    assert all(np.all(line.get_xdata() > 0) for one in axes for line in one.lines)


def test_the_ring_is_at_the_smallest_validation_loss(monkeypatch, run, rows, tmp_path):
    source = run.sources("training.csv")[0]
    log = pd.read_csv(source.path)
    log.loc[2, "validation_loss"] = 1e-9
    log.to_csv(tmp_path / "training.csv", index=False)
    figures = recorded(monkeypatch)
    moved = type(source)("AC-D", 1, tmp_path / "training.csv")
    plot_training_curves([moved], rows, [tmp_path / "figure.png"])
    for axes, column in zip(
        figures[0].axes, ("validation_loss", "validation_dipole_rmse_e_bohr"), strict=False
    ):
        ring = next(line for line in axes.lines if line.get_marker() == "o")
        assert ring.get_xydata().tolist() == [[log["step"][2], log[column][2]]]
        thin, thick = (
            (line for line in axes.lines if line.get_marker() != "o")
            if (column == "validation_loss")
            else (axes.lines[0], axes.lines[0])
        )
        assert thin.get_linestyle() == thick.get_linestyle()


def test_another_target_gets_panels_of_its_own(monkeypatch, run, rows, tmp_path):
    figures = recorded(monkeypatch)
    source = run.sources("training.csv")[0]
    log = pd.read_csv(source.path).assign(validation_charges_rmse_e=0.25)
    log.to_csv(tmp_path / "training.csv", index=False)
    sources = [type(source)("AC-D", 1, tmp_path / "training.csv"), *run.sources("training.csv")]
    others = [one for one in sources[1:] if one.name == "AC-AD-DQ-c"]
    plot_training_curves([sources[0], *others], rows, [tmp_path / "figure.png"])
    panels = figures[0].axes
    assert len(panels) == 8
    assert panels[6].get_ylabel() == "validation RMSE of q\n(e)"
    curve, ring = panels[6].lines
    assert set(curve.get_ydata()) == set(ring.get_ydata()) == {0.25}
    assert not panels[7].lines


def test_a_training_log_without_its_columns_is_refused(run, rows, tmp_path):
    source = run.sources("training.csv")[0]
    log = pd.read_csv(source.path).drop(columns="validation_loss")
    broken = type(source)("AC-D", 1, tmp_path / "training.csv")
    log.to_csv(broken.path, index=False)
    with pytest.raises(InputError, match="lacks the column validation_loss"):
        plot_training_curves([broken], rows, [tmp_path / "figure.png"])


def test_showcase_shows_values_outside_the_atoms_only(run, figure_of):
    figure = figure_of("showcase")
    table = MoleculeTable.load(run.reference)
    points, values = table.grids["plane"].of(0)
    images = [
        image.get_array()
        for axes in figure.axes
        for image in axes.images
        if image.get_array().shape == (20, 25)
    ]
    (
        reference,
        *predicted,
    ) = images[:4]
    # Row-major (u, v) points: the image has v upwards and u to the right.
    expected = values.reshape(25, 20).T * HARTREE_PER_E_IN_KCAL_PER_MOL_E
    np.testing.assert_allclose(reference.compressed(), expected[~reference.mask])
    for k, (image, difference) in enumerate(zip(predicted, images[4:], strict=True)):
        factor = 1.0 - 0.1 * (k + 1)  # the charges of seed 1
        np.testing.assert_allclose(image.compressed(), factor * reference.compressed(), rtol=1e-9)
        np.testing.assert_allclose(
            difference.compressed(), (factor - 1.0) * reference.compressed(), rtol=1e-9
        )
    nearest = np.linalg.norm(points[:, None] - run.positions[None], axis=-1).min(axis=1)
    hidden = nearest.reshape(25, 20).T[reference.mask]
    assert hidden.max() < 1.7 * ANGSTROM_IN_BOHR
    assert not reference.mask[nearest.reshape(25, 20).T > 1.7 * ANGSTROM_IN_BOHR].any()


def test_showcase_scales_are_shared_and_symmetric(figure_of):
    figure = figure_of("showcase")
    images = [
        image
        for axes in figure.axes
        for image in axes.images
        if image.get_array().shape == (20, 25)
    ]
    limits = [image.get_clim() for image in images]
    assert len(set(limits[:4])) == len(set(limits[4:])) == 1
    assert all(low == -high for low, high in limits)


def test_atoms_are_drawn_where_the_field_says_they_are(run, figure_of):
    """The strongest negative potential on the plane lies next to the oxygen's symbol."""
    figure = figure_of("showcase")
    axes = next(one for one in figure.axes if one.get_title() == "reference")
    image = axes.images[0].get_array()
    left, right, bottom, top = axes.images[0].get_extent()
    row, column = np.unravel_index(np.argmin(image.filled(np.inf)), image.shape)
    rows, columns = image.shape
    lowest = np.array(
        [
            left + (column + 0.5) * (right - left) / columns,
            bottom + (row + 0.5) * (top - bottom) / rows,
        ]
    )
    atoms = {t.get_text(): np.array(t.get_position()) for t in axes.texts}
    assert set(atoms) == {"C", "O", "F", "H"}
    distances = {name: np.linalg.norm(place - lowest) for name, place in atoms.items()}
    assert min(distances, key=distances.get) == "O"
    # Two cells of 0.5 bohr are drawn below the sphere, which covers them.
    assert distances["O"] == pytest.approx(1.52 - 0.26, abs=0.3)


def test_a_molecule_without_plane_or_prediction_is_named(run, tmp_path):
    outputs = [tmp_path / "figure.png"]
    sources = run.sources("p.h5", ("AC-D",), (1,))
    with pytest.raises(InputError, match="no grid 'plane' of gdb_000002"):
        plot_showcase(sources, run.reference, "gdb_000002", "plane", outputs)
    table = MoleculeTable.load(sources[0].path)
    fewer = type(sources[0])("AC-D", 1, tmp_path / "fewer.h5")
    table.select([1, 2]).save(fewer.path)
    with pytest.raises(InputError, match=f"no prediction of {run.showcase}"):
        plot_showcase([fewer], run.reference, run.showcase, "plane", outputs)


def test_grids_without_values_are_refused(run, rows, tmp_path):
    outputs = [tmp_path / "figure.png"]
    with pytest.raises(InputError, match="no grid 'shell'"):
        plot_mep_parity(run.sources("p.h5"), run.reference, "shell", outputs)
    with pytest.raises(InputError, match="on grid 'shell'"):
        plot_mep_error(run.sources("mep.csv"), rows, "shell", outputs)
    with pytest.raises(InputError, match="needs at least one"):
        plot_multipole_parity([], rows, run.reference, outputs)


def test_figures_leave_matplotlibs_settings_alone(draw_few, tmp_path):
    before = dict(mpl.rcParams)
    draw_few("filter_funnel", [tmp_path / "figure.png"])
    assert dict(mpl.rcParams) == before
