"""The embedded model: its weights do what its card and its tables say."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch

from mepflow import units
from mepflow.archives.qm9 import Record, gdb_id, read_records
from mepflow.elements import ATOMIC_NUMBERS
from mepflow.evaluation.calibration import (
    CALIBRATION_FILE,
    QUANTITIES,
    Calibration,
    read_calibrations,
)
from mepflow.models.model_file import load_model
from mepflow.models.predict import predict_table
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.selection.identity import canonical_smiles

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "resources" / "models" / "default"
ARCHIVE = ROOT / "resources" / "embedded" / "dsgdb9nsd.xyz.tar.bz2"
SEEDS = sorted(FOLDER.glob("seed-*.pt"))
POSITIONS = [f"{axis}_angstrom" for axis in "xyz"]
DIPOLES = [f"dipole_{axis}_e_bohr" for axis in "xyz"]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The program that made the model."""
    path = ROOT / "tools" / "make_embedded_model.py"
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.path.insert(0, str(path.parent))
    specification.loader.exec_module(module)
    sys.path.remove(str(path.parent))
    return module


@pytest.fixture(scope="module")
def molecules() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "molecules.csv", dtype=str)


@pytest.fixture(scope="module")
def metrics() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "metrics.csv").set_index("representation", drop=False)


@pytest.fixture(scope="module")
def records_of_test(molecules: pd.DataFrame) -> list[Record]:
    ids = set(molecules["id"][molecules["split"] == "test"])
    records = [record for record in read_records(ARCHIVE) if isinstance(record, Record)]
    return [record for record in records if gdb_id(record.number) in ids]


def table_of(records: list[Record], total_charge: int = 0) -> MoleculeTable:
    return MoleculeTable.from_molecules(
        [
            Molecule(
                gdb_id(record.number),
                np.array(record.atomic_numbers, dtype=np.uint8),
                record.positions * units.ANGSTROM_IN_BOHR,
                total_charge,
            )
            for record in records
        ]
    )


def predict(path: Path, table: MoleculeTable) -> MoleculeTable:
    return predict_table(load_model(path, "cpu")[0].to(torch.float64), table)


def test_there_are_several_small_models_of_one_variant(molecules):
    assert len(SEEDS) >= 3
    assert sum(path.stat().st_size for path in SEEDS) < 4_000_000
    trained = molecules[molecules["split"] == "train"]
    for path in SEEDS:
        model, info = load_model(path, "cpu")
        assert info.variant.name == "AC-AD-DQ-dw100-c"
        assert f"seed-{info.provenance['seed']}" == path.stem
        assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
        domain = info.provenance["domain"]
        assert list(domain["elements"]) == ["H", "C", "N", "O", "F"]
        assert domain["total_charges"] == [0]
        assert domain["molecules"] == info.provenance["train_molecules"] == len(trained)


def test_no_molecule_is_in_two_sets(molecules):
    splits = molecules.assign(name=molecules["smiles"].map(canonical_smiles)).groupby("name")
    assert splits["split"].nunique().max() == 1
    assert set(molecules["split"]) == {"train", "validation", "test"}


def test_the_card_shows_the_measured_errors(tool, metrics, molecules):
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert tool.metrics_text(metrics) in card
    assert tool.data_text(molecules) in card


def test_the_calibration_is_that_of_the_validation_molecules(tool, molecules):
    errors = pd.read_csv(FOLDER / "uncertainty.csv")
    for split in ("validation", "test"):
        found = errors[errors["split"] == split]
        wanted = sorted(molecules["id"][molecules["split"] == split])
        for quantity in QUANTITIES:
            assert sorted(found["id"][found["quantity"] == quantity]) == wanted
    for quantity, known in read_calibrations(FOLDER / CALIBRATION_FILE).items():
        rows = errors[(errors["split"] == "validation") & (errors["quantity"] == quantity)]
        again = Calibration.of(rows["error"].to_numpy(), rows["spread"].to_numpy())
        assert again.to_dict() == pytest.approx(known.to_dict(), rel=1e-3, abs=1e-3)
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert tool.uncertainty_text(tool.coverage_table(FOLDER)) in card


def test_spreads_and_errors_of_dipoles_come_again(records_of_test):
    """Against the archive's own dipoles; spreads to the digits of single precision."""
    table = table_of(records_of_test)
    dipoles = np.stack([predict(path, table).properties["dipole"] for path in SEEDS])
    spreads = np.linalg.norm(dipoles.std(axis=0, ddof=1), axis=1) * units.E_BOHR_IN_DEBYE
    errors = pd.read_csv(FOLDER / "uncertainty.csv")
    rows = errors[(errors["split"] == "test") & (errors["quantity"] == "dipole")].set_index("id")
    np.testing.assert_allclose(spreads, rows.loc[table.ids, "spread"], rtol=1e-4, atol=1e-5)
    archive = np.array([record.properties[3] for record in records_of_test])
    norms = np.linalg.norm(dipoles.mean(axis=0), axis=1) * units.E_BOHR_IN_DEBYE
    # The error of the vector is no smaller than that of its length, up to the reference's own.
    assert (rows.loc[table.ids, "error"] > np.abs(norms - archive) - 5e-3).all()


def test_the_model_is_better_than_mulliken_charges_and_worse_than_the_floors(metrics):
    median = metrics["median_rmse_kcal_per_mol_e"]
    assert median["fitted-charges"] < median["ensemble"] < median["mulliken"]
    assert (metrics["n_structures"] == 22).all()


def test_a_recorded_prediction_comes_again():
    recorded = pd.read_csv(FOLDER / "recorded.csv")
    assert set(recorded["seed"]) == {int(path.stem.removeprefix("seed-")) for path in SEEDS}
    for path in SEEDS:
        atoms = recorded[recorded["seed"] == int(path.stem.removeprefix("seed-"))]
        numbers = np.array([ATOMIC_NUMBERS[name] for name in atoms["element"]], dtype=np.uint8)
        positions = atoms[POSITIONS].to_numpy() * units.ANGSTROM_IN_BOHR
        found = predict(path, MoleculeTable.from_molecules([Molecule("x", numbers, positions)]))
        charges, dipoles = (found.properties[f"atomic_{name}"] for name in ("charges", "dipoles"))
        np.testing.assert_allclose(charges, atoms["charge_e"], rtol=0, atol=1e-5)
        np.testing.assert_allclose(dipoles, atoms[DIPOLES], rtol=0, atol=1e-5)


@pytest.mark.parametrize("total_charge", [-1, 0, 2])
def test_charges_add_up_to_the_total_charge(records_of_test, total_charge):
    found = predict(SEEDS[0], table_of(records_of_test, total_charge))
    sums = np.add.reduceat(found.properties["atomic_charges"], found.atom_offsets[:-1])
    np.testing.assert_allclose(sums, total_charge, rtol=0, atol=1e-12)


def test_multipoles_are_those_of_the_predicted_atoms(records_of_test):
    """The card's potential is that of the atoms, so the labels must be theirs too."""
    found = predict(SEEDS[0], table_of(records_of_test))
    for row in range(len(found)):
        molecule, atoms = found.molecule(row), found.atoms(row)
        relative = molecule.positions - centre_of_nuclear_charge(
            molecule.atomic_numbers, molecule.positions
        )
        charges = found.properties["atomic_charges"][atoms]
        dipole = charges @ relative + found.properties["atomic_dipoles"][atoms].sum(axis=0)
        np.testing.assert_allclose(dipole, found.properties["dipole"][row], rtol=0, atol=1e-12)


def test_the_dipoles_of_the_test_molecules_are_as_good_as_the_card_says(records_of_test, metrics):
    """Against the archive's own dipoles, which another program run wrote down to 1e-4 debye."""
    assert len(records_of_test) == 22
    table = table_of(records_of_test)
    dipole = np.mean([predict(path, table).properties["dipole"] for path in SEEDS], axis=0)
    norms = np.linalg.norm(dipole, axis=1) * units.E_BOHR_IN_DEBYE
    archive = np.array([record.properties[3] for record in records_of_test])
    error = np.abs(norms - archive).mean()
    assert error == pytest.approx(metrics.loc["ensemble", "dipole_norm_mae_debye"], abs=2e-3)


def test_a_mirror_image_has_the_mirrored_dipole(records_of_test):
    table = table_of(records_of_test)
    mirrored = replace(table, positions=table.positions * [1.0, 1.0, -1.0])
    one, other = (predict(SEEDS[0], t).properties["dipole"] for t in (table, mirrored))
    np.testing.assert_allclose(other, one * [1.0, 1.0, -1.0], rtol=0, atol=1e-10)
