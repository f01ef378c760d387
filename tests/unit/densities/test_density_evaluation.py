"""Known errors of densities are found, fits bound each other, tables and figures show them."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from cases.density_cases import BASIS, ORBITAL_BASIS, network, tables
from mepflow.densities import computed_densities
from mepflow.densities.computed_densities import (
    Comparison,
    ComputedDensity,
    load_computed_densities,
    write_computed_densities,
)
from mepflow.densities.density_evaluation import (
    EvaluationFiles,
    _density_rows,
    evaluate_densities,
)
from mepflow.densities.density_functions import density, molecular_potential
from mepflow.densities.density_labels import DensityLabels, LabelledDensity
from mepflow.densities.density_model import DensityModel
from mepflow.densities.density_moments import molecular_moments
from mepflow.densities.fit_names import FITS, FREE_ATOMS, LABELS_FIT
from mepflow.densities.plane_densities import PlaneDensities
from mepflow.errors import InputError
from mepflow.evaluation.sources import Source
from mepflow.molecules import GridValues, Molecule, MoleculeTable
from mepflow.plots.density_dipoles import plot_density_dipoles
from mepflow.plots.density_errors import plot_density_errors
from mepflow.plots.density_plane import plot_density_plane
from mepflow.qm.scf import run_scf
from mepflow.runs.density_settings import USUAL
from mepflow.tables.densities_table import write_densities_table
from mepflow.tables.density_mep_table import density_mep_table
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
OTHER = "def2-universal-jkfit"
SHELLS = {"kind": "shells", "scales": [1.4, 1.8], "points_per_angstrom2": 1.0}
PLANE = {"kind": "plane", "spacing_angstrom": 0.4, "margin_angstrom": 1.5}
NUMBERS = np.array([8, 1, 1])
POSITIONS = np.array([[0.0, 0.1, 0.2], [0.0, 1.43, -0.9], [0.2, -1.43, -0.9]])
WATER = Molecule("water", NUMBERS.astype(np.uint8), POSITIONS)
BENT = Molecule("bent", NUMBERS.astype(np.uint8), POSITIONS * np.array([1.0, 0.9, 1.1]))


def model() -> DensityModel:
    _, atoms, blocks = tables()
    return DensityModel(network(), atoms, blocks, 7.0, {})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with labels of water, its computed density and a model with random weights."""
    where = tmp_path_factory.mktemp("densities")
    basis, atoms, _ = tables()
    none = np.empty((0, 3))
    own = [
        LabelledDensity(
            one.id, "test", NUMBERS, one.positions, 0, model().coefficients(one), none, np.empty(0)
        )
        for one in (WATER, BENT)
    ]
    DensityLabels(basis, ORBITAL_BASIS, 1000.0, atoms, tuple(own)).save(where / "labels.pt")
    computed(where)
    exact = load_computed_densities(where / "computed.pt")
    points = GridValues(
        np.cumsum([0, *(len(one.mep["mk"]) for one in exact)]),
        np.concatenate([one.places["mk"] for one in exact]),
        np.concatenate([one.mep["mk"] for one in exact]),
    )
    moments = {name: [getattr(one, name) for one in exact] for name in ("dipole", "quadrupole")}
    MoleculeTable.from_molecules([WATER, BENT], moments, {"mk": points}).save(
        where / "reference.h5"
    )
    weights = {name: values.float() for name, values in model().network.state_dict().items()}
    model().save(where / "model.pt", weights)
    return where


COMPARISON = Comparison("test", LEVEL, {"mk": SHELLS}, "mk", PLANE, [BASIS, OTHER])


def computed(folder: Path, code: str = "") -> None:
    write_computed_densities(
        folder / "labels.pt", COMPARISON, 2, folder / "computed.pt", folder / "state", code=code
    )


def evaluated(folder: Path) -> pd.DataFrame:
    evaluate_densities(
        [Source(USUAL, 1, folder / "model.pt")],
        folder / "labels.pt",
        folder / "computed.pt",
        folder / "reference.h5",
        [],
        EvaluationFiles(
            folder / "errors.csv",
            folder / "dipoles.csv",
            folder / "plane.npz",
            [folder / "mep.csv"],
            [folder / "multipoles.csv"],
        ),
    )
    frame = pd.read_csv(folder / "errors.csv")
    return frame[frame["id"] == "water"].set_index("name")


def test_fits_bound_each_other(folder: Path) -> None:
    errors = evaluated(folder)
    others = [f"{fit}@{OTHER}" for fit in FITS]
    assert list(errors.index) == [FREE_ATOMS, *FITS, USUAL, *others]
    assert errors.loc[LABELS_FIT, "density_from_label_percent"] == 0.0
    assert errors.loc["fit-coulomb-dipole", "dipole_error_debye"] < 1e-9
    mep = errors["mep_mk"]
    assert mep[LABELS_FIT] < mep["fit-coulomb"] < mep["fit-overlap"] < mep[FREE_ATOMS]
    whole, outside = (errors[f"density_error_{p}percent"] for p in ("", "outside_"))
    assert (outside < whole).all()
    assert whole["fit-coulomb"] < 0.3 * whole[FREE_ATOMS]
    # The larger basis fits better.
    assert mep[f"fit-coulomb@{OTHER}"] < 0.7 * mep["fit-coulomb"]


def test_computed_density_has_the_electrons_and_the_moments(folder: Path) -> None:
    exact = load_computed_densities(folder / "computed.pt")[0]
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
        {BASIS: dict.fromkeys((FREE_ATOMS, *FITS), coefficients)},
    )
    labelled = LabelledDensity(
        "water", "test", NUMBERS, POSITIONS, 0, coefficients, places, shifted
    )
    for row in _density_rows(exact, labelled, basis, {Source(USUAL, 1, Path()): model()}):
        expected = 100.0 * 0.03 * weights.sum() / 10.0
        assert row["density_error_percent"] == pytest.approx(expected, rel=1e-10)
        assert row["density_from_label_percent"] == pytest.approx(0.0, abs=1e-12)
        assert row["dipole_error_debye"] == pytest.approx(0.5 * E_BOHR_IN_DEBYE)
        assert row["quadrupole_rmse_debye_angstrom"] == pytest.approx(0.0, abs=1e-12)
        assert row["mep_mk"] == pytest.approx(0.01 * HARTREE_PER_E_IN_KCAL_PER_MOL_E)


def test_errors_on_all_test_molecules_are_those_on_the_computed_ones(folder: Path) -> None:
    errors = evaluated(folder).loc[USUAL]
    mep = pd.read_csv(folder / "mep.csv").set_index("id").loc["water"]
    assert mep["rmse_kcal_per_mol_e"] == pytest.approx(errors["mep_mk"], rel=1e-6)
    moments = pd.read_csv(folder / "multipoles.csv").set_index("id").loc["water"]
    length = moments["dipole_rmse_e_bohr"] * 3.0**0.5 * E_BOHR_IN_DEBYE
    assert length == pytest.approx(errors["dipole_error_debye"], rel=1e-6)
    sources = [Source(USUAL, 1, folder / "mep.csv"), Source("other", 1, folder / "mep.csv")]
    also = [Source(source.name, 1, folder / "multipoles.csv") for source in sources]
    table = density_mep_table(sources, also, "mk").set_index("name")
    whole = pd.read_csv(folder / "mep.csv")["rmse_kcal_per_mol_e"].mean()
    assert table.loc[USUAL, "mean_rmse_mk"] == pytest.approx(whole)
    assert table.loc[USUAL, "dipole_error_debye"] > 0.1
    assert table.loc["other", "mean_difference_kcal_per_mol_e"] == 0.0


def test_a_killed_calculation_keeps_what_is_done(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(folder / "labels.pt", tmp_path)
    done: list[str] = []

    def killed_after_one(molecule: Molecule, *arguments: Any) -> Any:
        if done:
            raise KeyboardInterrupt
        done.append(molecule.id)
        return run_scf(molecule, *arguments)

    def counted(molecule: Molecule, *arguments: Any) -> Any:
        done.append(molecule.id)
        return run_scf(molecule, *arguments)

    monkeypatch.setattr(computed_densities, "run_scf", killed_after_one)
    with pytest.raises(KeyboardInterrupt):
        computed(tmp_path)
    monkeypatch.setattr(computed_densities, "run_scf", counted)
    (tmp_path / "state" / "1.pt").write_bytes(b"torn")
    computed(tmp_path)
    assert done == ["water", "bent"]
    assert (tmp_path / "computed.pt").read_bytes() == (folder / "computed.pt").read_bytes()
    assert not (tmp_path / "state").exists()


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
