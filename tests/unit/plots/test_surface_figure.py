"""The MEP on a surface: what a pixel shows, what is hidden, and the numbers beside the picture."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from mepflow.electrostatics.penetration import penetration_potential, shells_of
from mepflow.elements import symbol
from mepflow.errors import InputError
from mepflow.geometry.radii import bondi_radii
from mepflow.geometry.surfaces import Surface, surface_values, van_der_waals_surface
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.plots.rendering import render, view_axes
from mepflow.plots.surface import plot_surface, plot_surface_map
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E


def centres(picture):
    left, right, bottom, top = picture.extent
    height, width = picture.drawn.shape
    x = left + (np.arange(width) + 0.5) * (right - left) / width
    y = bottom + (np.arange(height) + 0.5) * (top - bottom) / height
    return np.meshgrid(x, y)


def test_a_sphere_is_a_disc_of_its_front() -> None:
    surface = van_der_waals_surface([6], np.zeros((1, 3)), spacing_bohr=0.3)
    height = surface.vertices[:, 2]
    picture = render(surface, height, np.eye(3), 0.05)
    radius = bondi_radii([6])[0]
    x, y = centres(picture)
    square = x**2 + y**2
    assert picture.drawn[square < (0.98 * radius) ** 2].all()
    assert not picture.drawn[square > radius**2].any()
    # The back half has the opposite sign: none of it is seen.
    inner = square < (0.9 * radius) ** 2
    expected = np.sqrt(radius**2 - square[inner])
    np.testing.assert_allclose(picture.scalars[inner], expected, atol=0.02)


def test_the_nearer_molecule_hides_the_other() -> None:
    positions = np.array([[0.0, 0.0, -6.0], [0.0, 0.0, 6.0]])
    surface = van_der_waals_surface([6, 1], positions, spacing_bohr=0.4)
    behind = np.sign(surface.vertices[:, 2])
    picture = render(surface, behind, np.eye(3), 0.1)
    middle = np.hypot(*centres(picture)) < 2.0
    assert np.nanmin(picture.scalars) == pytest.approx(-1.0)  # the carbon's rim
    np.testing.assert_allclose(picture.scalars[middle], 1.0)
    away = np.diag([1.0, -1.0, -1.0])
    turned = render(surface, behind, away, 0.1)
    np.testing.assert_allclose(turned.scalars[turned.drawn], -1.0)


def test_normals_make_the_light_smooth_and_from_the_upper_left() -> None:
    surface = van_der_waals_surface([6], np.zeros((1, 3)), spacing_bohr=0.5)
    np.testing.assert_allclose(
        surface.normals(),
        surface.vertices / np.linalg.norm(surface.vertices, axis=1, keepdims=True),
        atol=1e-3,
    )
    picture = render(surface, np.zeros(len(surface.vertices)), np.eye(3), 0.1)
    x, y = centres(picture)
    brightest = np.unravel_index(np.nanargmax(picture.light[..., 0]), x.shape)
    assert x[brightest] < -0.5
    assert y[brightest] > 0.5


def test_colours_are_those_of_the_map_under_light() -> None:
    surface = van_der_waals_surface([6], np.zeros((1, 3)), spacing_bohr=0.5)
    picture = render(surface, np.sign(surface.vertices[:, 0]) * 5.0, np.eye(3), 0.1)
    colours = picture.colours("RdBu", 10.0)
    x, _ = centres(picture)
    left, right = picture.drawn & (x < -1.0), picture.drawn & (x > 1.0)
    assert (colours[left][:, 0] > colours[left][:, 2]).all()  # red is negative
    assert (colours[right][:, 2] > colours[right][:, 0]).all()
    assert (colours[~picture.drawn][:, 3] == 0.0).all()


def test_the_view_is_a_rotation_that_shows_the_flat_side() -> None:
    ring = np.array([[np.cos(a), 2 * np.sin(a), 0.0] for a in np.linspace(0, 5, 6)])
    view = view_axes(ring)
    np.testing.assert_allclose(view @ view.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(view) == pytest.approx(1.0)
    assert abs(view[2, 2]) > 0.8  # tilted by 30 degrees from the normal
    single = view_axes(np.zeros((1, 3)))
    np.testing.assert_allclose(single @ single.T, np.eye(3), atol=1e-12)


def test_the_table_holds_what_is_drawn(run, figure_of) -> None:
    figure = figure_of("surface")
    frame = pd.read_csv(run.folder / "surface.csv")
    surface, values = surface_values(MoleculeTable.load(run.reference), run.showcase, "surface")
    factor = HARTREE_PER_E_IN_KCAL_PER_MOL_E
    np.testing.assert_allclose(frame["reference_kcal_per_mol_e"], values * factor, atol=1e-5)
    np.testing.assert_allclose(frame[["x_bohr", "y_bohr", "z_bohr"]], surface.vertices, atol=1e-5)
    assert frame["area_bohr2"].sum() == pytest.approx(surface.area(), rel=1e-4)
    # Charges scaled by 0.9 (seed 1 of the first variant) are wrong by a tenth everywhere.
    np.testing.assert_allclose(frame["AC-D_kcal_per_mol_e"], 0.9 * values * factor, atol=1e-4)
    rmse = 0.1 * factor * np.sqrt(np.average(values**2, weights=surface.vertex_areas()))
    titles = [axes.get_title() for axes in figure.axes]
    assert f"difference\nRMSE {rmse:.2f}" in titles
    low, high = values.min() * factor, values.max() * factor
    assert f"reference\n{low:.0f} to {high:.0f}".replace("-", "−") in titles


def test_variants_have_penetration_where_all_elements_have_a_width(run, tmp_path) -> None:
    molecule = MoleculeTable.load(run.reference).molecule(0)
    widths = {symbol(int(number)): 0.45 for number in molecule.atomic_numbers}
    tables = {}
    for name, some in (("points", None), ("with", widths), ("fewer", {"H": 0.4})):
        path = tmp_path / f"{name}.csv"
        sources = run.sources("p.h5", ("AC-D",), (1,))
        figure = [tmp_path / "figure.png"]
        plot_surface(sources, run.reference, run.showcase, "surface", figure, path, widths=some)
        tables[name] = pd.read_csv(path)
    points, with_shells, fewer = tables.values()
    pd.testing.assert_frame_equal(fewer, points)
    column = "AC-D_kcal_per_mol_e"
    places = points[["x_bohr", "y_bohr", "z_bohr"]].to_numpy()
    shells = shells_of(molecule.atomic_numbers, widths)
    added = penetration_potential(places, molecule.positions, shells)
    assert added.min() > 1e-4
    np.testing.assert_allclose(
        with_shells[column] - points[column],
        added * HARTREE_PER_E_IN_KCAL_PER_MOL_E,
        rtol=1e-4,
    )
    others = [name for name in points if name != column]
    pd.testing.assert_frame_equal(with_shells[others], points[others])


def test_a_map_of_one_potential(tmp_path) -> None:
    positions = np.array([[0.0, 0.0, 0.0], [1.4, 1.1, 0.0], [-1.4, 1.1, 0.0]])
    molecule = Molecule("water", np.array([8, 1, 1], np.uint8), positions)
    surface = van_der_waals_surface(molecule.atomic_numbers, molecule.positions)
    outputs = [tmp_path / "map.png", tmp_path / "map.pdf"]
    values = 0.01 * surface.vertices[:, 1]
    plot_surface_map(molecule, surface, values, outputs, title="$H_2O$", label="MEP")
    assert all(path.stat().st_size > 5000 for path in outputs)
    plot_surface_map(molecule, surface, np.ones_like(values), outputs)  # no zero line to draw


def test_extrema_are_marked_where_they_are_seen(tmp_path, monkeypatch) -> None:
    positions = np.array([[0.0, 0.0, 0.0], [1.4, 1.1, 0.0], [-1.4, 1.1, 0.0]])
    molecule = Molecule("water", np.array([8, 1, 1], np.uint8), positions)
    surface = van_der_waals_surface(molecule.atomic_numbers, molecule.positions)
    towards = surface.vertices @ view_axes(positions)[2]
    drawn: list[tuple[str, str]] = []
    plot, annotate = Axes.plot, Axes.annotate

    def marked(axes, *args, **kwargs):
        drawn.extend((marker, "") for marker in args[2:])
        return plot(axes, *args, **kwargs)

    def said(axes, text, *rest, **kwargs):
        drawn[-1] = (drawn[-1][0], text)
        return annotate(axes, text, *rest, **kwargs)

    monkeypatch.setattr(Axes, "plot", marked)
    monkeypatch.setattr(Axes, "annotate", said)
    height = np.abs(towards).max()
    for sign, marker in ((1.0, "^"), (-1.0, "v")):
        drawn.clear()
        values = sign * towards / height / HARTREE_PER_E_IN_KCAL_PER_MOL_E
        plot_surface_map(molecule, surface, 40.0 * values, [tmp_path / "map.png"])
        # The extremum of the other sign lies behind.
        value = f"{40.0 * towards.max() / height:.0f}"
        assert drawn == [(marker, value if sign > 0 else f"−{value}")]


def test_a_molecule_without_surface_or_prediction_is_named(run, tmp_path) -> None:
    places = [tmp_path / "figure.png"], tmp_path / "table.csv"
    sources = run.sources("p.h5", ("AC-D",), (1,))
    with pytest.raises(InputError, match="no surface 'surface' of gdb_000002"):
        plot_surface(sources, run.reference, "gdb_000002", "surface", *places)
    fewer = type(sources[0])("AC-D", 1, tmp_path / "fewer.h5")
    MoleculeTable.load(sources[0].path).select([1, 2]).save(fewer.path)
    with pytest.raises(InputError, match=f"no prediction of {run.showcase}"):
        plot_surface([fewer], run.reference, run.showcase, "surface", *places)
    assert not list(tmp_path.glob("*.csv"))


def test_a_triangle_seen_edge_on_is_left_out() -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    triangles = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    surface = Surface(vertices, triangles)
    assert surface.volume() == pytest.approx(1 / 6)
    picture = render(surface, np.arange(4.0), np.eye(3), 0.01)
    assert picture.drawn.sum() * 0.01**2 == pytest.approx(0.5, rel=0.02)
