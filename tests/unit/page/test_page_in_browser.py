"""The page as a browser shows it, opened from a file."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import ase.io.cube
import matplotlib.image
import numpy as np
import pytest
from browser import Browser, find_chromium
from page_case import CHARGES, MOLECULES, ROWS

from mepflow.electrostatics.potential import Shells, potential
from mepflow.geometry.radii import CORE_SCALE, bondi_radii
from mepflow.units import ANGSTROM_IN_BOHR

CHROMIUM = find_chromium()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
    pytest.mark.xdist_group("browser"),  # one browser for all of these tests
]
ERRORS = (
    "[...document.querySelectorAll('#dataset-qm9 tbody td:nth-child(2)')].map(c => c.textContent)"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert CHROMIUM is not None
    with Browser(CHROMIUM, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def opened(browser: Browser, page: Path) -> Browser:
    browser.open(page)
    return browser


def choose(browser: Browser, control: str, value: str) -> None:
    """Choose a value of one of the viewer's controls, and wait until it is drawn."""
    browser.evaluate(
        f"(async () => {{ const c = document.getElementById({control!r}); c.value = {value!r};"
        " c.dispatchEvent(new Event('change')); await mepflow.viewer.drawn(); })()"
    )


def picture(browser: Browser, path: Path) -> np.ndarray:
    """Return the pixels (height, width, 3) of the viewer, from 0 to 1."""
    return matplotlib.image.imread(browser.screenshot(path, "#stage"))[..., :3]


def coloured(pixels: np.ndarray) -> float:
    """Return the share of the pixels that are neither white nor grey."""
    return float(np.mean(np.ptp(pixels, axis=-1) > 0.15))


def test_page_opens_without_errors_or_requests(opened: Browser, page: Path) -> None:
    assert opened.complaints() == []
    assert opened.requests() == [page.resolve().as_uri()]
    assert opened.evaluate("document.querySelectorAll('[onerror]').length") == 0


def test_viewer_draws_three_surfaces(opened: Browser, tmp_path: Path) -> None:
    status = opened.evaluate("document.getElementById('viewer-status').textContent")
    # The variant of the first numbers, which the validation molecules have chosen.
    assert status.startswith("formaldehyde, CH₂O (formaldehyde): AC-AD-DQ-c, seed 1")
    assert "kcal/mol/e" in status
    choose(opened, "model", "0")
    pixels = picture(opened, tmp_path / "all.png")
    thirds = np.array_split(pixels[40:-80], 3, axis=1)
    assert all(np.mean(third.min(axis=-1) < 0.95) > 0.1 for third in thirds)
    # The small difference of this model is paler, on the scale of the larger one of the other.
    assert coloured(thirds[0]) > 0.1
    assert coloured(thirds[1]) > 0.1
    assert coloured(thirds[2]) < 0.05
    # Extrema of the reference and the model are dots with their values, the difference has none.
    dots = "document.getElementById('stage').data.filter((t) => t.type === 'scatter3d')"
    counts = opened.evaluate(f"{dots}.map((t) => t.text.length)")
    scene = "mepflow.viewer.data.scenes[0]"
    assert counts[2] == 0
    assert counts[0] == opened.evaluate(f"{scene}.surface.extrema.length") > 1
    assert counts[1] == opened.evaluate(f"{scene}.models[0].extrema.length") > 1
    # The colour bars, red at one end and blue at the other.
    bars = pixels[-80:]
    assert np.any((bars[..., 0] > 0.6) & (bars[..., 2] < 0.3))
    assert np.any((bars[..., 2] > 0.5) & (bars[..., 0] < 0.2))


def test_table_sorts_by_number_and_back(opened: Browser) -> None:
    heading = "document.querySelectorAll('#dataset-qm9 th')[1]"
    first = [f"{median:.2f}" for _, _, median, *_ in ROWS]
    ordered = sorted(first, key=float)
    assert opened.evaluate(ERRORS) == first
    for order, expected in (
        ("ascending", ordered),
        ("descending", ordered[::-1]),
        ("none", first),
    ):
        opened.evaluate(f"{heading}.querySelector('button').click()")
        assert opened.evaluate(f"{heading}.ariaSort") == order
        assert opened.evaluate(ERRORS) == expected


def test_missing_values_stay_below(opened: Browser) -> None:
    button = "document.querySelectorAll('#dataset-qm9 th')[2].querySelector('button')"
    for _ in range(2):
        opened.evaluate(f"{button}.click()")
        assert opened.evaluate(ERRORS)[-1] == "100.00"
    opened.evaluate(f"{button}.click()")


def test_molecule_and_model_switch(opened: Browser, tmp_path: Path) -> None:
    choose(opened, "model", "0")
    choose(opened, "show", "model")
    before = picture(opened, tmp_path / "before.png")
    sizes = [opened.evaluate("document.getElementById('stage').data[1].x.length")]
    choose(opened, "model", "1")
    other_model = picture(opened, tmp_path / "model.png")
    assert np.mean(np.abs(before - other_model)) > 0.003
    choose(opened, "molecule", "1")
    sizes.append(opened.evaluate("document.getElementById('stage').data[1].x.length"))
    assert sizes[0] != sizes[1]
    # The chosen model stays chosen.
    assert (
        opened.evaluate("document.getElementById('model').selectedOptions[0].text") == "AC-AD-DQ-c"
    )
    after = picture(opened, tmp_path / "after.png")
    assert coloured(after) > 0.03
    assert np.mean(np.abs(after - other_model)) > 0.01
    assert opened.evaluate("document.querySelectorAll('#viewer img').length") == 0
    choose(opened, "molecule", "0")
    choose(opened, "model", "0")


def test_difference_is_that_of_the_values(opened: Browser) -> None:
    choose(opened, "show", "all")
    reference, model, difference = opened.evaluate(
        "[1, 4, 7].map(k => document.getElementById('stage').data[k].intensity)"
    )
    np.testing.assert_allclose(np.array(model), 1.1 * np.array(reference), rtol=1e-5)
    np.testing.assert_allclose(np.array(difference), np.subtract(model, reference), atol=1e-4)


def test_views_turn_together(opened: Browser) -> None:
    choose(opened, "show", "all")
    opened.evaluate(
        "Plotly.relayout('stage', {'scene2.camera': {eye: {x: 0.1, y: 2, z: 0.3},"
        " up: {x: 0, y: 0, z: 1}, center: {x: 0, y: 0, z: 0}}}).then(() => null)"
    )
    eye = "document.getElementById('stage').layout.{}.camera.eye.y"
    for name in ("scene", "scene2", "scene3"):
        opened.wait(f"{eye.format(name)} === 2")
    opened.evaluate("document.getElementById('reset').click()")
    opened.wait(f"{eye.format('scene')} !== 2")
    eyes = [opened.evaluate(eye.format(name)) for name in ("scene", "scene2", "scene3")]
    assert eyes[0] == eyes[1] == eyes[2]


def test_cube_holds_the_potential_of_the_model(opened: Browser) -> None:
    text = opened.evaluate(
        "mepflow.cube(mepflow.viewer.data.scenes[0], mepflow.viewer.data.scenes[0].models[1],"
        " {...mepflow.viewer.data.cube, spacing_bohr: 1.5, margin_bohr: 3})"
    )
    cube = ase.io.cube.read_cube(io.StringIO(text))
    molecule = MOLECULES[0]
    assert cube["atoms"].numbers.tolist() == molecule.atomic_numbers.tolist()
    positions = cube["atoms"].positions * ANGSTROM_IN_BOHR
    np.testing.assert_allclose(positions, molecule.positions, atol=1e-5)
    shape = cube["data"].shape
    steps = np.diag(cube["spacing"]) * ANGSTROM_IN_BOHR
    np.testing.assert_allclose(steps, 1.5, atol=1e-5)
    origin = cube["origin"] * ANGSTROM_IN_BOHR
    points = origin + np.stack(np.indices(shape), axis=-1).reshape(-1, 3) * steps
    model = json.loads(opened.evaluate("JSON.stringify(mepflow.viewer.data.scenes[0].models[1])"))
    charges, dipoles = np.array(model["charges"]), np.array(model["dipoles"])
    np.testing.assert_allclose(charges, 0.5 * np.array(CHARGES[0]))
    distances = np.linalg.norm(points[:, None] - molecule.positions, axis=-1)
    outside = (distances > CORE_SCALE * bondi_radii(molecule.atomic_numbers)).all(axis=1)
    assert 0 < np.sum(~outside) < np.sum(outside)
    expected = potential(points[outside], molecule.positions, charges, dipoles)
    np.testing.assert_allclose(cube["data"].ravel()[outside], expected, rtol=2e-5, atol=1e-9)
    assert np.isfinite(cube["data"]).all()


def test_quadrupoles_count_in_the_potential(opened: Browser) -> None:
    quadrupole = np.array([[0.3, 0.1, -0.2], [0.1, -0.5, 0.4], [-0.2, 0.4, 0.2]])
    point, position = np.array([1.0, -2.0, 1.5]), np.array([0.2, 0.1, -0.3])
    model = {"charges": [0.1], "dipoles": [[0.2, -0.1, 0.3]], "quadrupoles": [quadrupole.tolist()]}
    value = opened.evaluate(
        f"mepflow.potential({point.tolist()}, [{position.tolist()}], {json.dumps(model)}, [0.5])"
    )
    terms = (np.array([0.1]), np.array(model["dipoles"]), quadrupole[None])
    assert value == pytest.approx(potential(point[None], position[None], *terms)[0], rel=1e-12)


def test_penetration_counts_in_the_potential(opened: Browser) -> None:
    shells = {"electrons": [4.0, 1.0], "widths": [0.5, 0.4]}
    point, positions = np.array([1.0, -1.0, 0.5]), np.array([[0.2, 0.1, -0.3], [1.0, 1.0, 1.0]])
    model = {"charges": [0.1, -0.2]}
    value = opened.evaluate(
        f"mepflow.potential({point.tolist()}, {positions.tolist()}, {json.dumps(model)},"
        f" [0.5, 2.5], {json.dumps(shells)})"
    )
    expected = potential(
        point[None],
        positions,
        np.array(model["charges"]),
        radii=np.array([0.5, 2.5]),
        penetration=Shells(*map(np.array, shells.values())),
    )
    assert value == pytest.approx(expected[0], rel=1e-9)


def test_links_open_folded_tables(opened: Browser) -> None:
    anchor = opened.evaluate("document.querySelector('#dataset-qm9 details.item').id")
    opened.evaluate(f"document.getElementById({anchor!r}).open = false")
    opened.evaluate(f"location.hash = {anchor!r}")
    opened.wait(f"document.getElementById({anchor!r}).open")
    assert opened.evaluate("location.hash") == f"#{anchor}"


def test_pointing_at_a_surface_tells_all_three_values(opened: Browser) -> None:
    choose(opened, "show", "reference")
    surface = opened.evaluate(
        "(({hovertemplate, customdata, intensity}) => [hovertemplate, customdata[3], intensity[3]])"
        "(document.getElementById('stage').data[1])"
    )
    template, (reference, model, difference), shown = surface
    assert template.endswith("<extra></extra>")
    assert "AC-D %{customdata[1]" in template
    assert reference == shown
    assert (model, difference) == pytest.approx((1.1 * reference, 0.1 * reference), rel=1e-4)
    choose(opened, "show", "all")


def test_arrow_keys_step_through_the_molecules(opened: Browser) -> None:
    def press(key: str) -> int:
        event = f"new KeyboardEvent('keydown', {{key: {key!r}, bubbles: true}})"
        opened.evaluate(f"document.body.dispatchEvent({event})")
        return int(opened.evaluate("document.getElementById('molecule').selectedIndex"))

    opened.evaluate("document.getElementById('stage').scrollIntoView()")
    assert [press(key) for key in ("ArrowRight", "ArrowRight", "ArrowLeft")] == [1, 1, 0]
    opened.evaluate("document.getElementById('about').scrollIntoView()")
    assert press("ArrowRight") == (0 if opened.evaluate("scrollY > 2000") else 1)
    opened.evaluate("scrollTo(0, 0)")
    choose(opened, "molecule", "0")


def test_pictures_of_a_molecule_are_tabs(opened: Browser) -> None:
    shown = "[...document.querySelectorAll('.panel')].map(p => p.offsetHeight > 0)"
    tab = "document.querySelectorAll('[role=tab]')[{}]"
    assert opened.evaluate(shown) == [True, False]
    opened.evaluate(f"{tab.format(1)}.click()")
    assert opened.evaluate(shown) == [False, True]
    assert opened.evaluate(f"{tab.format(1)}.ariaSelected") == "true"
    anchor = opened.evaluate("document.querySelectorAll('.panel')[0].id")
    opened.evaluate(f"location.hash = {anchor!r}")
    opened.wait("document.querySelectorAll('.panel')[0].offsetHeight > 0")


def test_a_click_enlarges_a_picture(opened: Browser) -> None:
    opened.evaluate("document.querySelector('.enlarge').click()")
    assert opened.evaluate("document.getElementById('enlarged').open")
    assert opened.evaluate("document.querySelector('dialog img').width") == 15  # all its pixels
    opened.evaluate("document.querySelector('dialog button').click()")
    assert not opened.evaluate("document.getElementById('enlarged').open")


def test_print_shows_every_picture_and_no_viewer(opened: Browser) -> None:
    opened.call("Emulation.setEmulatedMedia", media="print")
    assert opened.evaluate("document.getElementById('viewer').offsetHeight") == 0
    heights = opened.evaluate("[...document.querySelectorAll('img')].map(i => i.offsetHeight)")
    assert min(heights[:-1]) > 0
    opened.call("Emulation.setEmulatedMedia", media="")


def test_phone_shows_one_surface_and_does_not_scroll_sideways(
    opened: Browser, page: Path, tmp_path: Path
) -> None:
    opened.open(page, 390, 800, mobile=True)
    assert opened.evaluate("document.getElementById('show').value") == "reference"
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    assert coloured(picture(opened, tmp_path / "phone.png")) > 0.05
    # The number of the second column is on the screen.
    right = "document.querySelector('#dataset-qm9 tbody td:nth-child(2)').getBoundingClientRect()"
    assert 0 < opened.evaluate(f"{right}.right") <= 390
    assert opened.complaints() == []
    opened.call(
        "Emulation.setDeviceMetricsOverride",
        width=1280,
        height=900,
        deviceScaleFactor=1,
        mobile=False,
    )
    opened.wait("document.getElementById('show').value === 'all'")
    opened.open(page)


def test_dark_page_has_light_text(opened: Browser, tmp_path: Path) -> None:
    opened.colour_scheme("dark")
    colours = opened.evaluate(
        "['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name])"
    )
    background, text = (sum(map(int, colour[4:-1].split(","))) / 3 for colour in colours)
    assert background < 40
    assert text > 200
    opened.wait("document.getElementById('stage').layout.font.color === '" + colours[1] + "'")
    assert picture(opened, tmp_path / "dark.png")[5, 5].mean() < 0.2
    opened.colour_scheme("light")
