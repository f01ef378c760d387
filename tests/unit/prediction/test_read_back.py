"""What other programs find in our files: Biopython, Open Babel, IOData and ASE."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io.cube import read_cube

from mepflow.prediction.cube import CubeGrid, write_cube
from mepflow.prediction.geometry_files import rounded_to_total, write_pqr
from mepflow.prediction.predictor import Predictor
from mepflow.prediction.result import Prediction
from mepflow.units import ANGSTROM_IN_BOHR, BOHR_IN_ANGSTROM

pytest.importorskip("openbabel")
pytest.importorskip("Bio")
pytest.importorskip("iodata")

PLACES = ([0.0, 0.0, 0.0], [-600.0, -600.0, -600.0], [5000.0, -5000.0, 1000.0], [-99.9, -150.0, 99])
"""Where the molecule lies, in Å: columns are full beyond −99.999 and 529 (1000 bohr)."""


@pytest.fixture(params=PLACES, ids=["origin", "far", "farther", "near the columns' ends"])
def prediction(predictor: Predictor, ethanol: Atoms, request: pytest.FixtureRequest) -> Prediction:
    ethanol.positions += request.param
    return predictor.predict(ethanol, 0)


def with_biopython(path: Path) -> tuple[np.ndarray, list[str], np.ndarray]:
    from Bio.PDB import PDBParser

    atoms = list(PDBParser(is_pqr=True, QUIET=True).get_structure("x", path).get_atoms())
    positions = np.array([atom.coord for atom in atoms], dtype=float)
    return positions, [atom.element for atom in atoms], np.array([a.pqr_charge for a in atoms])


def with_open_babel(path: Path) -> tuple[np.ndarray, list[str], np.ndarray | None]:
    from openbabel import openbabel

    molecule, reader = openbabel.OBMol(), openbabel.OBConversion()
    reader.SetInFormat("pqr")
    assert reader.ReadFile(molecule, str(path))
    atoms = list(openbabel.OBMolAtomIter(molecule))
    positions = np.array([[atom.GetX(), atom.GetY(), atom.GetZ()] for atom in atoms])
    symbols = [openbabel.GetSymbol(atom.GetAtomicNum()) for atom in atoms]
    return positions, symbols, None  # it looks for charges in a word that is not there


@pytest.mark.parametrize("read", [with_biopython, with_open_babel])
def test_pqr(
    read: Callable[[Path], tuple[np.ndarray, list[str], np.ndarray | None]],
    prediction: Prediction,
    tmp_path: Path,
) -> None:
    positions_angstrom = prediction.molecule.positions * BOHR_IN_ANGSTROM
    write_pqr(tmp_path / "e.pqr", prediction)
    words = [line.split() for line in (tmp_path / "e.pqr").read_text().splitlines()]
    assert {len(row) for row in words if row[0] == "ATOM"} == {10}
    if np.abs(positions_angstrom).max() > 900 or positions_angstrom.min() < -99.9:
        return  # no room in the columns of the PDB: only words can be told apart
    positions, symbols, charges = read(tmp_path / "e.pqr")
    np.testing.assert_allclose(positions, positions_angstrom, atol=6e-4)
    assert "".join(symbols) == "CCOHHHHHH"
    if charges is not None:
        np.testing.assert_allclose(charges, prediction.charges, atol=1e-4)


def test_cube_with_ase_and_iodata(prediction: Prediction, tmp_path: Path) -> None:
    from iodata import load_one

    path = tmp_path / "e.cube"
    grid = CubeGrid.around(prediction.molecule, 2.0, 2.0)
    write_cube(path, prediction, grid)
    for line in path.read_text().splitlines()[2 : 6 + len(prediction.molecule)]:
        assert all(line[start] == " " for start in range(5, len(line), 12)), line
    with path.open() as file:
        found = read_cube(file)
    positions = prediction.molecule.positions
    np.testing.assert_allclose(found["atoms"].positions, positions * BOHR_IN_ANGSTROM, atol=1e-4)
    loaded = load_one(str(path))
    np.testing.assert_allclose(loaded.atcoords, positions, atol=1e-4)
    np.testing.assert_allclose(loaded.cube.origin, grid.origin, atol=1e-12)
    np.testing.assert_array_equal(loaded.cube.data, found["data"])
    assert grid.origin == pytest.approx(found["origin"] * ANGSTROM_IN_BOHR, rel=1e-9)


def test_cube_with_open_babel(prediction: Prediction, tmp_path: Path) -> None:
    from openbabel import openbabel

    path = tmp_path / "e.cube"
    write_cube(path, prediction, CubeGrid.around(prediction.molecule, 2.0, 2.0))
    molecule, reader = openbabel.OBMol(), openbabel.OBConversion()
    reader.SetInFormat("cube")
    assert reader.ReadFile(molecule, str(path))
    atoms = openbabel.OBMolAtomIter(molecule)
    positions = np.array([[atom.GetX(), atom.GetY(), atom.GetZ()] for atom in atoms])
    expected = prediction.molecule.positions * BOHR_IN_ANGSTROM
    np.testing.assert_allclose(positions, expected, atol=2e-4)


def test_rounding_keeps_the_sum() -> None:
    values = np.random.default_rng(1).normal(size=41)
    values += (2.0 - values.sum()) / 41
    rounded = rounded_to_total(values, 2, 4)
    assert round(rounded.sum(), 9) == 2.0
    assert np.abs(rounded - values).max() < 1.01e-4
