"""Cube files, read back with ASE: grid, atoms, units, and values far away and near nuclei."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io.cube import read_cube

from mepflow.electrostatics.penetration import penetration_potential, shells_of
from mepflow.electrostatics.potential import potential
from mepflow.errors import InputError
from mepflow.geometry.radii import CORE_SCALE, bondi_radii
from mepflow.prediction import cube as module
from mepflow.prediction.cube import CubeGrid, write_cube
from mepflow.prediction.predictor import Predictor
from mepflow.prediction.result import Prediction
from mepflow.units import ANGSTROM_IN_BOHR, BOHR_IN_ANGSTROM


@pytest.fixture(scope="module")
def prediction(predictor: Predictor) -> Prediction:
    return predictor.predict(
        Atoms("OHH", [[0, 0, 0.1173], [0, 0.7572, -0.4692], [0, -0.7572, -0.4692]])
    )


@pytest.fixture
def written(prediction: Prediction, tmp_path: Path) -> tuple[CubeGrid, Path]:
    grid = CubeGrid.around(prediction.molecule, 0.4, 3.0)
    write_cube(tmp_path / "water.cube", prediction, grid)
    return grid, tmp_path / "water.cube"


def points_of(found: dict, shape: tuple[int, ...]) -> np.ndarray:
    """The points in bohr, from what ASE has read in Å: one by one, as a viewer would."""
    points = np.empty((*shape, 3))
    for i, j, k in np.ndindex(*shape):
        step = i * found["spacing"][0] + j * found["spacing"][1] + k * found["spacing"][2]
        points[i, j, k] = (found["origin"] + step) * ANGSTROM_IN_BOHR
    return points


def test_ase_reads_grid_atoms_and_values(
    written: tuple[CubeGrid, Path], prediction: Prediction
) -> None:
    grid, path = written
    with path.open() as file:
        found = read_cube(file)
    data = found["data"]
    assert data.shape == grid.shape
    np.testing.assert_array_equal(found["atoms"].numbers, [8, 1, 1])
    positions = prediction.molecule.positions * BOHR_IN_ANGSTROM
    np.testing.assert_allclose(found["atoms"].positions, positions, atol=1e-6)
    np.testing.assert_allclose(found["spacing"], 0.4 * np.eye(3), atol=1e-6)
    points = points_of(found, data.shape).reshape(-1, 3)
    distances = np.linalg.norm(points[:, None] - prediction.molecule.positions, axis=-1)
    outside = (distances > CORE_SCALE * bondi_radii([8, 1, 1])).all(axis=1)
    assert 0 < (~outside).sum() < 100
    expected = prediction.potential(points[outside])
    # Five decimals are written.
    np.testing.assert_allclose(data.ravel()[outside], expected, rtol=6e-6, atol=1e-12)


def test_penetration_is_added_where_all_elements_have_a_width(
    prediction: Prediction, tmp_path: Path
) -> None:
    widths = {"H": 0.4, "O": 0.36}
    grid = CubeGrid.around(prediction.molecule, 0.4, 2.0)
    data, comments = {}, {}
    for name, some in (("points", None), ("with", widths), ("fewer", {"H": 0.4})):
        path = tmp_path / f"{name}.cube"
        write_cube(path, prediction, grid, some)
        comments[name] = path.read_text().splitlines()[1]
        with path.open() as file:
            found = read_cube(file)
        data[name] = found["data"].ravel()
    np.testing.assert_array_equal(data["fewer"], data["points"])
    assert comments["fewer"] == comments["points"] != comments["with"]
    assert "point multipoles and penetration outside" in comments["with"]
    points = points_of(found, grid.shape).reshape(-1, 3)
    numbers, positions = prediction.molecule.atomic_numbers, prediction.molecule.positions
    radii = CORE_SCALE * bondi_radii(numbers)
    added = penetration_potential(points, positions, shells_of(numbers, widths), radii)
    assert np.isfinite(added).all()
    scale = np.abs(data["with"])
    np.testing.assert_allclose(data["with"], data["points"] + added, atol=2e-5 * scale.max())
    near = added > 1e-3
    assert near.sum() > 100


def test_far_values_are_those_of_the_molecular_multipoles(
    prediction: Prediction, tmp_path: Path
) -> None:
    grid = CubeGrid.around(prediction.molecule, 20.0, 60.0)
    write_cube(tmp_path / "far.cube", prediction, grid)
    with (tmp_path / "far.cube").open() as file:
        found = read_cube(file)
    corner = found["origin"] * ANGSTROM_IN_BOHR
    origin = prediction.origin[None]
    expected = potential(
        corner[None], origin, np.zeros(1), prediction.dipole[None], prediction.quadrupole[None]
    )
    assert found["data"][0, 0, 0] == pytest.approx(expected[0], rel=1e-3)


def test_values_near_nuclei_are_finite_and_continuous(prediction: Prediction) -> None:
    radii = CORE_SCALE * bondi_radii([8, 1, 1])
    oxygen = prediction.molecule.positions[0]
    distances = np.array([0.0, 1e-3, 0.5 * radii[0], radii[0] * (1 - 1e-9), radii[0] * (1 + 1e-9)])
    values = prediction.potential(oxygen + distances[:, None] * [1.0, 0.0, 0.0], radii)
    assert np.isfinite(values).all()
    assert values[3] == pytest.approx(values[4], abs=1e-8)


def test_grid_encloses_the_molecule_and_is_exact_in_the_file(
    written: tuple[CubeGrid, Path], prediction: Prediction
) -> None:
    grid, path = written
    assert grid.origin.round(6).tolist() == grid.origin.tolist()
    last = grid.origin + grid.spacing * (np.array(grid.shape) - 1)
    margin = 3.0 * ANGSTROM_IN_BOHR - 1e-6
    assert (grid.origin <= prediction.molecule.positions.min(axis=0) - margin).all()
    assert (last >= prediction.molecule.positions.max(axis=0) + margin).all()
    lines = path.read_text().splitlines()
    assert [float(word) for word in lines[2].split()] == [3, *grid.origin]
    assert lines[6].split()[:2] == ["8", "8.000000"]
    nx, ny, nz = grid.shape
    assert len(lines) == 9 + nx * ny * -(-nz // 6)
    assert max(map(len, lines[9:])) == 6 * 13


def test_a_cube_that_is_too_large(prediction: Prediction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_POINTS", 1000)
    with pytest.raises(InputError, match=r"OH2: a cube of .* points is too large"):
        CubeGrid.around(prediction.molecule, 0.25, 4.0)


def test_an_atom_alone(predictor: Predictor) -> None:
    with pytest.warns(UserWarning, match="it has 1 atoms"):
        prediction = predictor.predict(Atoms("O"))
    grid = CubeGrid.around(prediction.molecule, 0.5, 1.1)
    assert grid.shape == (6, 6, 6)
