"""Known errors of densities are found, fits bound each other, tables and figures show them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from cases.density_cases import ORBITAL_BASIS, network, tables
from mepflow.densities.computed_densities import (
    FITS,
    FREE_ATOMS,
    LABELS_FIT,
    ComputedDensity,
    load_computed_densities,
    write_computed_densities,
)
from mepflow.densities.density_evaluation import MODEL, _density_rows, evaluate_densities
from mepflow.densities.density_functions import density, molecular_potential
from mepflow.densities.density_labels import DensityLabels, LabelledDensity
from mepflow.densities.density_model import DensityModel
from mepflow.densities.density_moments import molecular_moments
from mepflow.densities.plane_densities import PlaneDensities
from mepflow.errors import InputError
from mepflow.evaluation.sources import Source
from mepflow.molecules import Molecule
from mepflow.plots.density_dipoles import plot_density_dipoles
from mepflow.plots.density_errors import plot_density_errors
from mepflow.plots.density_plane import plot_density_plane
from mepflow.tables.densities_table import write_densities_table
from mepflow.units import E_BOHR_IN_DEBYE, HARTREE_PER_E_IN_KCAL_PER_MOL_E

LEVEL: dict[str, Any] = {
    "functional": "lda,vwn",
    "basis": ORBITAL_BASIS,
    "effective_core_potential": None,
    "density_fitting": None,
    "dispersion": None,
    "grid_level": 1,
    "convergence_hartree": 1e-9,
    "max_cycles": 50,
}
SHELLS = {"kind": "shells", "scales": [1.4, 1.8], "points_per_angstrom2": 1.0}
PLANE = {"kind": "plane", "spacing_angstrom": 0.4, "margin_angstrom": 1.5}
NUMBERS = np.array([8, 1, 1])
POSITIONS = np.array([[0.0, 0.1, 0.2], [0.0, 1.43, -0.9], [0.2, -1.43, -0.9]])
WATER = Molecule("water", NUMBERS.astype(np.uint8), POSITIONS)


def model() -> DensityModel:
    _, atoms, blocks = tables()
    return DensityModel(network(), atoms, blocks, 7.0, {})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with labels of water, its computed density and a model with random weights."""
    where = tmp_path_factory.mktemp("densities")
    basis, atoms, _ = tables()
    none = np.empty((0, 3))
    own = LabelledDensity(
        "water", "test", NUMBERS, POSITIONS, 0, model().coefficients(WATER), none, np.empty(0)
    )
    DensityLabels(basis, ORBITAL_BASIS, 1000.0, atoms, (own,)).save(where / "labels.pt")
    grids = {"mk": SHELLS}
    write_computed_densities(
        where / "labels.pt", "test", LEVEL, grids, "mk", PLANE, 1, where / "computed.pt"
    )
    weights = {name: values.float() for name, values in model().network.state_dict().items()}
    model().save(where / "model.pt", weights)
    return where


def evaluated(folder: Path) -> pd.DataFrame:
    evaluate_densities(
        [Source(MODEL, 1, folder / "model.pt")],
        folder / "labels.pt",
        folder / "computed.pt",
        [],
        folder / "errors.csv",
        folder / "dipoles.csv",
        folder / "plane.npz",
    )
    return pd.read_csv(folder / "errors.csv").set_index("name")


def test_fits_bound_each_other(folder: Path) -> None:
    errors = evaluated(folder)
    assert list(errors.index) == [FREE_ATOMS, *FITS, MODEL]
    assert errors.loc[LABELS_FIT, "density_from_label_percent"] == 0.0
    assert errors.loc["fit-coulomb-dipole", "dipole_error_debye"] < 1e-9
    mep = errors["mep_mk"]
    assert mep[LABELS_FIT] < mep["fit-coulomb"] < mep["fit-overlap"] < mep[FREE_ATOMS]
    whole, outside = (errors[f"density_error_{p}percent"] for p in ("", "outside_"))
    assert (outside < whole).all()
    assert whole["fit-coulomb"] < 0.3 * whole[FREE_ATOMS]


def test_computed_density_has_the_electrons_and_the_moments(folder: Path) -> None:
    (exact,) = load_computed_densities(folder / "computed.pt")
    assert exact.weights @ exact.density == pytest.approx(10.0, abs=2e-3)
    electronic = (exact.weights * exact.density) @ exact.points
    # Neutral, so about any origin; the integration grid is PySCF's of level 1.
    np.testing.assert_allclose(NUMBERS @ POSITIONS - electronic, exact.dipole, atol=2e-3)


def test_a_known_error_is_found() -> None:
    basis = tables()[0]
    coefficients = model().coefficients(WATER)
    generator = np.random.default_rng(1)
    points = POSITIONS.mean(axis=0) + 2.0 * generator.normal(size=(50, 3))
    weights = generator.uniform(0.1, 0.2, size=50)
    atoms = (basis, NUMBERS, POSITIONS, coefficients)
    places = POSITIONS + 4.0
    _, dipole, quadrupole = molecular_moments(*atoms)
    shifted = molecular_potential(*atoms, places) + 0.01
    exact = ComputedDensity(
        "water",
        points,
        weights,
        density(*atoms, points) - 0.03,
        dipole + np.array([0.0, 0.3, 0.4]),
        quadrupole,
        {"mk": places},
        {"mk": shifted},
        {},
        np.empty(0),
        dict.fromkeys((FREE_ATOMS, *FITS), coefficients),
    )
    labelled = LabelledDensity(
        "water", "test", NUMBERS, POSITIONS, 0, coefficients, places, shifted
    )
    for row in _density_rows(exact, labelled, basis, {Source(MODEL, 1, Path()): model()}):
        expected = 100.0 * 0.03 * weights.sum() / 10.0
        assert row["density_error_percent"] == pytest.approx(expected, rel=1e-10)
        assert row["density_from_label_percent"] == pytest.approx(0.0, abs=1e-12)
        assert row["dipole_error_debye"] == pytest.approx(0.5 * E_BOHR_IN_DEBYE)
        assert row["quadrupole_rmse_debye_angstrom"] == pytest.approx(0.0, abs=1e-12)
        assert row["mep_mk"] == pytest.approx(0.01 * HARTREE_PER_E_IN_KCAL_PER_MOL_E)


def test_tables_and_figures_show_them(folder: Path, tmp_path: Path) -> None:
    evaluated(folder)
    write_densities_table(folder / "errors.csv", tmp_path / "t.csv", tmp_path / "t.md")
    text = (tmp_path / "t.md").read_text()
    assert "| Density model " in text
    assert "Fit, overlap metric" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    outputs = [tmp_path / "figure.png"]
    plot_density_errors(tmp_path / "t.csv", "mk", outputs)
    plot_density_dipoles(folder / "dipoles.csv", outputs)
    plot_density_plane(folder / "plane.npz", outputs)
    assert outputs[0].stat().st_size > 10_000


def test_dipoles_are_of_the_model_and_the_label(folder: Path) -> None:
    evaluated(folder)
    frame = pd.read_csv(folder / "dipoles.csv")
    # The label of this test is the model's own density, in float64 instead of float32 weights.
    np.testing.assert_allclose(frame["model_debye"], frame["label_debye"], atol=1e-5)
    assert frame["label_debye"].abs().max() > 1e-3


@pytest.mark.parametrize("load", [load_computed_densities, PlaneDensities.load])
@pytest.mark.parametrize("content", [None, b"", b"a line of text\n"])
def test_bad_files_are_named(load: Any, content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="file"):
        load(path)
    if content is None:
        torch.save({"format": "another"}, path)
        with pytest.raises(InputError, match="delete it"):
            load(path)
