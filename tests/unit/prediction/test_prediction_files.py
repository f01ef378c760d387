"""PQR and extended XYZ files and the tables, read back."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.io import read, write

from mepflow.archives.extxyz import key_value_pairs
from mepflow.prediction.csv_tables import (
    Surroundings,
    atom_columns,
    csv_text,
    molecule_columns,
    molecule_rows,
)
from mepflow.prediction.geometry_files import extxyz_text, write_pqr
from mepflow.prediction.predictor import Predictor
from mepflow.prediction.result import Prediction
from mepflow.prediction.structures import from_atoms
from mepflow.prediction.xyz import read_xyz
from mepflow.units import BOHR_IN_ANGSTROM
from read_records import read_all

DEBYE = 2.541746473
DEBYE_ANGSTROM = 1.345034
SHELLS = {"kind": "shells", "scales": [1.4, 2.0], "points_per_angstrom2": 1.0}


@pytest.fixture
def prediction(predictor: Predictor, ethanol: Atoms) -> Prediction:
    return predictor.predict(ethanol)


def test_pqr(prediction: Prediction, ethanol: Atoms, tmp_path: Path) -> None:
    write_pqr(tmp_path / "e.pqr", prediction)
    lines = (tmp_path / "e.pqr").read_text().splitlines()
    rows = [line.split() for line in lines if line.startswith("ATOM")]
    assert {len(row) for row in rows} == {10}
    for line in lines:
        if line.startswith("ATOM"):  # in the columns of the PDB, too
            assert line[30:54].split() == line.split()[5:8]
    assert [row[1] for row in rows] == [str(number) for number in range(1, 10)]
    assert [row[2] for row in rows][:4] == ["C1", "C2", "O3", "H4"]
    numbers = np.array([[float(word) for word in row[5:]] for row in rows])
    np.testing.assert_allclose(numbers[:, :3], ethanol.positions, atol=5e-4)
    np.testing.assert_allclose(numbers[:, 3], prediction.charges, atol=1e-4)
    assert numbers[:, 3].sum() == pytest.approx(0.0, abs=1e-12)
    assert numbers[:4, 4].tolist() == [1.7, 1.7, 1.52, 1.2]
    assert lines[-2:] == ["TER", "END"]
    assert "charges fitted to the model's potential" in lines[0]


def test_extended_xyz_read_by_ase_and_by_us(
    prediction: Prediction, ethanol: Atoms, predictor: Predictor, tmp_path: Path
) -> None:
    path = tmp_path / "molecules.extxyz"
    water = predictor.predict(Atoms("OHH", [[0, 0, 0], [0, 0, 1], [0, 1, 0]]))
    said = [{"energy": -1.5, "note": "a b", "dipole": 1}, {}]
    path.write_text(extxyz_text([prediction, water], said))
    first, second = read(path, ":")
    np.testing.assert_allclose(first.positions, ethanol.positions, atol=1e-8)
    np.testing.assert_allclose(first.get_charges(), prediction.charges, atol=1e-8)
    dipole = prediction.dipole * BOHR_IN_ANGSTROM
    np.testing.assert_allclose(first.get_dipole_moment(), dipole, atol=1e-12)
    np.testing.assert_allclose(
        first.arrays["atomic_dipoles_e_bohr"], prediction.atomic_dipoles, atol=1e-8
    )
    np.testing.assert_allclose(
        first.arrays["charge_spread_e"], prediction.charges_spread, atol=1e-8
    )
    np.testing.assert_allclose(
        first.arrays["atomic_charges_e"], prediction.atomic_charges, atol=1e-8
    )
    kept = {name: first.info[name] for name in ("input_energy", "note", "input_dipole")}
    assert kept == {"input_energy": -1.5, "note": "a b", "input_dipole": 1}
    assert second.info["total_charge"] == 0
    assert second.info["name"] == "OH2"
    records = read_all(read_xyz(path.read_text(), "again"))
    assert [record.stated.total_charge for record in records] == [0, 0]
    np.testing.assert_allclose(records[0].positions, ethanol.positions, atol=1e-8)


def test_row_of_a_molecule(prediction: Prediction, ethanol: Atoms, tmp_path: Path) -> None:
    around = Surroundings.of(prediction, SHELLS)
    (row,) = molecule_rows([from_atoms(ethanol, 0, "ethanol")], [prediction], [around])
    names = molecule_columns(with_mep=True, with_errors=False)
    assert [*row, "failure"] == names
    (tmp_path / "m.csv").write_text(csv_text([[name, row.get(name)] for name in names]))
    found = pd.read_csv(tmp_path / "m.csv").iloc[0]
    assert found["formula"] == "C2H6O"
    assert found["total_charge_from"] == "given"
    assert found["dipole_x_e_bohr"] == pytest.approx(prediction.dipole[0], rel=1e-8)
    assert found["dipole_y_debye"] == pytest.approx(prediction.dipole[1] * DEBYE, rel=1e-6)
    norm = np.linalg.norm(prediction.dipole)
    assert found["dipole_norm_debye"] == pytest.approx(norm * DEBYE, rel=1e-6)
    norms = np.linalg.norm(prediction.model_dipoles, axis=1)
    expected = norms.std(ddof=1) * DEBYE
    assert found["dipole_norm_spread_debye"] == pytest.approx(expected, rel=1e-6)
    theta = prediction.quadrupole
    assert found["theta_prime_xz_e_bohr2"] == pytest.approx(theta[0, 2], rel=1e-8)
    buckingham = theta[1, 1] / 2 * DEBYE_ANGSTROM
    assert found["buckingham_yy_debye_angstrom"] == pytest.approx(buckingham, rel=1e-5)
    trace = sum(found[f"buckingham_{axis}_debye_angstrom"] for axis in ("xx", "yy", "zz"))
    assert trace == pytest.approx(0.0, abs=1e-7)
    assert found["mep_lowest_kcal_per_mol_e"] < found["mep_highest_kcal_per_mol_e"]
    assert found["mep_spread_kcal_per_mol_e"] > 0.0
    assert pd.isna(found["warnings"])


def test_rows_of_atoms(prediction: Prediction, ethanol: Atoms, tmp_path: Path) -> None:
    columns = atom_columns([prediction], with_charges=True)
    (tmp_path / "a.csv").write_text(csv_text([name, *values] for name, values in columns.items()))
    found = pd.read_csv(tmp_path / "a.csv")
    assert found["atom"].tolist() == list(range(1, 10))
    assert "".join(found["element"]) == "CCOHHHHHH"
    np.testing.assert_allclose(found["charge_e"], prediction.charges, rtol=1e-7)
    np.testing.assert_allclose(found["charge_spread_e"], prediction.charges_spread, rtol=1e-7)
    np.testing.assert_allclose(found["atomic_charge_e"], prediction.atomic_charges, rtol=1e-7)
    np.testing.assert_allclose(found["y_angstrom"], ethanol.positions[:, 1], atol=1e-9)
    assert prediction.atomic_dipoles is not None
    dipoles = found[[f"atomic_dipole_{axis}_e_bohr" for axis in "xyz"]]
    np.testing.assert_allclose(dipoles, prediction.atomic_dipoles, atol=1e-9)


def test_surroundings_of_one_model(
    prediction: Prediction, predictor: Predictor, ethanol: Atoms
) -> None:
    one = Prediction(
        prediction.molecule, prediction.origin, prediction.model_atomic_charges[:1], None,
        prediction.model_dipoles[:1], prediction.model_quadrupoles[:1],
    )  # fmt: skip
    assert np.isnan(Surroundings.of(one, SHELLS).spread)


def test_cells_of_csv() -> None:
    columns = [
        ["a", 'b "c", nan', "", "nan"],
        [1.0, np.nan, -1.0 / 3.0, np.inf],
        [1.5, None, 2, np.nan],
        [7, 8, 9, 10],
    ]
    assert csv_text(columns) == ('a,1,1.5,7\n"b ""c"", nan",,,8\n,-0.333333333,2,9\nnan,inf,,10\n')


@pytest.mark.parametrize("with_charges", [True, False])
def test_frames_are_written_as_ase_does(
    prediction: Prediction, predictor: Predictor, with_charges: bool, tmp_path: Path
) -> None:
    """What ASE reads and writes again has the same words, each said of its own molecule."""
    water = predictor.predict(Atoms("OHH", [[0, 0, 0], [0, 0, 1], [0, 1, 0]]))
    said = [{"note": 'a "b"', "virial": np.eye(3), "ready": True}, {"list": np.arange(3)}]
    ours, again = tmp_path / "ours.xyz", tmp_path / "again.xyz"
    ours.write_text(extxyz_text([prediction, water], said, with_charges=with_charges))
    write(again, read(ours, ":"), format="extxyz")
    pairs = zip(ours.read_text().splitlines(), again.read_text().splitlines(), strict=True)
    for line, other in pairs:
        if "Properties=" in line:
            one, same = key_value_pairs(line), key_value_pairs(other)
            assert one is not None
            assert same is not None
            assert sorted(one.pop("Properties").split(":")) == sorted(
                same.pop("Properties").split(":")
            )
            np.testing.assert_equal(one, same)
        else:  # ASE has an order of columns of its own
            assert sorted(line.split()) == sorted(other.split())
            assert line.split()[:4] == other.split()[:4]
            assert len(line) == len(other)
