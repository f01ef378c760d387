"""The table and the figures of a dynamics show the numbers of its files."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from dynamics_cases import NUMBERS, PLACES
from mepflow.dynamics.surface_motion import SurfaceMotion
from mepflow.geometry.surfaces import van_der_waals_surface
from mepflow.plots.energy_conservation import plot_energy_conservation
from mepflow.plots.infrared import plot_infrared
from mepflow.plots.moving_surface import plot_moving_surface
from mepflow.tables.dynamics_table import write_dynamics_table
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

FILES: dict[str, dict[str, list[Any]]] = {
    "surfaces": {
        "name": ["geometry-energy", "poor"],
        "seed": [1, 2],
        "n_structures": [24, 24],
        "energy_mae_kcal_per_mol": [0.42, 9.0],
        "forces_mae_kcal_per_mol_angstrom": [1.37, 8.0],
        "dipole_mae_debye": [0.018, 0.7],
        "wavenumber_mae_per_cm": [22.1, None],
        "largest_wavenumber_error_per_cm": [83.3, None],
        "intensity_mae_km_per_mol": [7.7, None],
        "intensity_sum_km_per_mol": [598.0, None],
        "reference_intensity_sum_km_per_mol": [572.0, None],
    },
    "conservation": {
        "replica": [0, 1],
        "temperature_k": [290.0, 310.0],
        "drift_kcal_per_mol_ps": [0.001, 0.003],
        "fluctuation_kcal_per_mol": [0.01, 0.02],
    },
    "energies": {
        "replica": [0, 0, 1, 1],
        "time_ps": [0.0, 1.0, 0.0, 1.0],
        "energy_kcal_per_mol": [-0.1, 0.1, 0.2, -0.2],
    },
    "bands": {
        "band": ["OH"],
        "low_per_cm": [3300.0],
        "high_per_cm": [4000.0],
        "area_km_per_mol": [46.0],
        "error_km_per_mol": [12.0],
        "centre_per_cm": [3688.0],
        "harmonic_km_per_mol": [40.0],
        "harmonic_centre_per_cm": [3700.0],
        "reference_km_per_mol": [6.0],
        "reference_centre_per_cm": [3568.0],
    },
    "modes": {
        "reference_wavenumber_per_cm": [1000.0, 3568.0],
        "wavenumber_per_cm": [1010.0, 3538.0],
        "reference_intensity_km_per_mol": [10.0, 6.0],
        "intensity_km_per_mol": [12.0, 2.0],
        "overlap": [0.9, 1.0],
    },
    "spectrum": {
        "wavenumber_per_cm": [0.0, 1000.0, 2000.0],
        "absorption_km_per_mol_cm": [0.0, 0.5, 0.1],
        "error_km_per_mol_cm": [0.0, 0.1, 0.1],
    },
}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    paths = {name: tmp_path / f"{name}.csv" for name in FILES}
    for name, path in paths.items():
        pd.DataFrame(FILES[name]).to_csv(path, index=False)
    return paths


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    figures: list[Figure] = []
    save = Figure.savefig

    def saved(self: Figure, *arguments: Any, **options: Any) -> None:
        figures.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", saved)
    return figures


def test_the_table_has_means_and_their_errors(files: dict[str, Path], tmp_path: Path) -> None:
    settings = {"replicas": 2, "length_ps": 1.2, "temperature_k": 300.0}
    csv, markdown = tmp_path / "dynamics.csv", tmp_path / "dynamics.md"
    inputs = [files[name] for name in ("surfaces", "conservation", "bands", "modes")]
    write_dynamics_table(*inputs, csv, markdown, settings)
    text = markdown.read_text()
    assert "## 2 replicas of 1.2 ps at 300 K: mean drift 2.00 ± 1.00 cal/mol/ps" in text
    assert "mean difference 20.0 cm⁻¹ (at most 30) and 3.0 km/mol" in text
    assert "mean absolute errors of 24 test structures" in text
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert ["geometry-energy", "1", "0.42", "1.37", "0.018", "22 (83)", "7.7", "598"] in cells
    assert ["poor", "2", "9.00", "8.00", "0.700", "–", "–", "–"] in cells
    assert ["OH", "3300 to 4000", "46 ± 12", "40", "6", "3688", "3700", "3568"] in cells
    assert pd.read_csv(csv)["area_km_per_mol"].tolist() == [46.0]


def test_the_spectrum_has_sticks_and_marks(
    files: dict[str, Path], drawn: list[Figure], tmp_path: Path
) -> None:
    experiment = {"source": "a book", "wavenumbers": [900.0, 1200.0]}
    plot_infrared(files["spectrum"], files["modes"], experiment, [tmp_path / "infrared.png"])
    left, right = drawn[0].axes
    line, marks = left.lines
    np.testing.assert_allclose(line.get_xydata(), np.array([[0, 0], [1000, 0.5], [2000, 0.1]]))
    np.testing.assert_allclose(marks.get_xdata(), [900.0, 1200.0])
    heights = [[path[1, 1] for path in sticks.get_segments()] for sticks in right.collections]
    assert heights == [[12.0, 2.0], [10.0, 6.0]]
    places = [[path[0, 0] for path in sticks.get_segments()] for sticks in right.collections]
    np.testing.assert_allclose(places, [[1006.0, 3534.0], [1004.0, 3572.0]])


def test_the_energy_has_a_line_per_replica(
    files: dict[str, Path], drawn: list[Figure], tmp_path: Path
) -> None:
    outputs = [tmp_path / "energy.png"]
    plot_energy_conservation(files["energies"], files["conservation"], outputs)
    (axes,) = drawn[0].axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [[-0.1, 0.1], [0.2, -0.2]]
    assert axes.get_title() == "mean drift 2.00 ± 1.00 cal/mol/ps"


def test_the_moving_surface_shows_rest_mean_and_spread(drawn: list[Figure], tmp_path: Path) -> None:
    surface = van_der_waals_surface(NUMBERS, PLACES, spacing_bohr=1.2)
    unit = np.ones(len(surface.vertices)) / HARTREE_PER_E_IN_KCAL_PER_MOL_E
    values = (20.0 * unit, -10.0 * unit, 3.0 * unit)
    arrays = (NUMBERS, PLACES, surface.vertices, surface.triangles, *values, 7)
    SurfaceMotion(*arrays).save(tmp_path / "surface.npz")
    plot_moving_surface(tmp_path / "surface.npz", [tmp_path / "surface.png"])
    panels = drawn[0].axes[:3]
    titles = [axes.get_title() for axes in panels]
    assert titles == ["at rest", "mean of 7 frames", "standard deviation"]
    bars = [axes.get_ylim() for axes in drawn[0].axes[3:]]
    assert bars == [(-20.0, 20.0), (0.0, 3.0)]
    # Positive is blue, negative red.
    for axes, blue in zip(panels[:2], (True, False), strict=True):
        image = axes.images[0].get_array()
        middle = image[image.shape[0] // 2, image.shape[1] // 2]
        assert (middle[2] > middle[0]) == blue
