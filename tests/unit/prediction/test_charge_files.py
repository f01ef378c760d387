"""Charges in SDF, mol2 and QCSchema, read back by RDKit, Open Babel and as JSON."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.build import molecule
from rdkit import Chem
from rdkit.Chem import AllChem

import mepflow
from mepflow.__main__ import main
from mepflow.charges.schemes import SCHEMES
from mepflow.errors import ConfigError, InputError
from mepflow.prediction import charge_files, command, parquet_tables
from mepflow.prediction.charge_files import FORMATS, mol2_text, qcschema_text, sdf_text
from mepflow.prediction.predictor import Predictor
from mepflow.prediction.structures import Structure, from_atoms

SMILES = "CC(=O)[O-]"


def test_names_on_the_command_line_are_those_of_the_catalogues() -> None:
    assert tuple(SCHEMES) == command.CHARGES
    assert tuple(FORMATS) == command.FORMATS


@pytest.fixture(scope="module")
def made(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("charges")
    inputs = ["--smiles", f"{SMILES} acetate", "--smiles", "c1ccncc1 pyridine"]
    more = ["--charges", "resp", "--format", "sdf,mol2,json", "--no-cubes", "--no-pqr"]
    assert main(["predict", *inputs, *more, "--model", str(models), "--output", str(folder)]) == 0
    return folder


def expected(models: Path, smiles: str) -> np.ndarray:
    return mepflow.load(models, charges="resp").predict(smiles).charges


def test_rdkit_finds_charges_and_bonds_in_the_sdf(made: Path, models: Path) -> None:
    acetate, pyridine = Chem.SDMolSupplier(str(made / "molecules.sdf"), removeHs=False)
    assert acetate.GetProp("_Name") == "acetate"
    assert Chem.MolToSmiles(Chem.RemoveHs(acetate)) == SMILES
    assert Chem.MolToSmiles(Chem.RemoveHs(pyridine)) == "c1ccncc1"
    charges = [atom.GetDoubleProp("PartialCharge") for atom in acetate.GetAtoms()]
    np.testing.assert_allclose(charges, expected(models, SMILES), atol=1.01e-6)
    assert sum(charges) == pytest.approx(-1.0, abs=1e-12)
    assert charges[4] == charges[5] == charges[6]
    assert acetate.GetProp("mepflow_charges").startswith("RESP charges")
    assert not acetate.HasProp("mepflow_bonds")


def test_open_babel_finds_charges_types_and_bonds_in_the_mol2(made: Path, models: Path) -> None:
    openbabel = pytest.importorskip("openbabel").openbabel
    molecule, reader = openbabel.OBMol(), openbabel.OBConversion()
    reader.SetInFormat("mol2")
    assert reader.ReadFile(molecule, str(made / "molecules.mol2"))
    atoms = list(openbabel.OBMolAtomIter(molecule))
    charges = [atom.GetPartialCharge() for atom in atoms]
    np.testing.assert_allclose(charges, expected(models, SMILES), atol=1.01e-6)
    assert [atom.GetType() for atom in atoms][:4] == ["C3", "Cac", "O.co2", "O.co2"]
    assert molecule.NumBonds() == 6
    second = openbabel.OBMol()
    assert reader.Read(second)
    assert [atom.IsAromatic() for atom in openbabel.OBMolAtomIter(second)] == [True] * 6 + [
        False
    ] * 5


def test_qcschema_is_a_molecule_in_bohr(made: Path, models: Path) -> None:
    lines = (made / "molecules.qcschema.jsonl").read_text().splitlines()
    first = json.loads(lines[0])
    assert (first["schema_name"], first["molecular_charge"]) == ("qcschema_molecule", -1)
    assert first["symbols"] == ["C", "C", "O", "O", "H", "H", "H"]
    geometry = np.reshape(first["geometry"], (-1, 3))
    assert np.linalg.norm(geometry[0] - geometry[1]) == pytest.approx(2.9, abs=0.15)
    assert sum(first["extras"]["charges_e"]) == pytest.approx(-1.0, abs=1e-12)
    assert [0, 1, 1.0] in first["connectivity"]
    assert len(lines) == 2


def test_bond_orders_follow_from_a_geometry(predictor: Predictor) -> None:
    source = Chem.AddHs(Chem.MolFromSmiles("CC(=O)N"))
    AllChem.EmbedMolecule(source, randomSeed=1)
    symbols = [atom.GetSymbol() for atom in source.GetAtoms()]
    structure = from_atoms(Atoms(symbols, source.GetConformer().GetPositions()), 0, "amide")
    assert structure.bond_orders is None
    (prediction,) = predictor.predict_all([structure])
    read = Chem.MolFromMolBlock(sdf_text(prediction, structure), removeHs=False)
    assert Chem.MolToSmiles(Chem.RemoveHs(read)) == "CC(N)=O"
    types = [line.split()[5] for line in mol2_text(prediction, structure).splitlines()[8:12]]
    assert types == ["C.3", "C.2", "O.2", "N.am"]
    assert "connectivity" not in json.loads(qcschema_text(prediction, structure))


def test_where_no_orders_are_found_the_file_says_so(
    predictor: Predictor, ethanol: Atoms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mepflow.prediction.input_bonds.MOST_ATOMS", 1)
    structure: Structure = from_atoms(ethanol, 0, "ethanol")
    (prediction,) = predictor.predict_all([structure])
    assert "all written as single" in sdf_text(prediction, structure)
    text = mol2_text(prediction, structure)
    assert charge_files._SINGLE_BONDS in text
    assert text.splitlines()[8].split()[5] == "C"
    assert "9 8 1 0 0" in text


def test_an_rdkit_molecule_gets_charges() -> None:
    ethanol = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    with pytest.raises(InputError, match="has no 3D conformer"):
        mepflow.charge_mol(ethanol)
    AllChem.EmbedMolecule(ethanol, randomSeed=1)
    found = mepflow.charge_mol(ethanol)
    assert found == [atom.GetDoubleProp("PartialCharge") for atom in ethanol.GetAtoms()]
    assert sum(found) == pytest.approx(0.0, abs=1e-12)
    assert np.ptp(found[3:6]) < 1e-12
    assert found[2] < -0.4
    with pytest.raises(InputError, match="lacks hydrogen atoms"):
        mepflow.charge_mol(Chem.RemoveHs(ethanol))


def test_another_scheme_is_refused(models: Path) -> None:
    with pytest.raises(ConfigError, match="use fitted, symmetric, dipole, resp"):
        mepflow.load(models, charges="am1")


@pytest.mark.parametrize("smiles", ["CCO", "CC(=O)[O-]"])
@pytest.mark.parametrize("scheme", ["symmetric", "dipole", "resp"])
def test_every_scheme_keeps_the_charge(models: Path, smiles: str, scheme: str) -> None:
    prediction = mepflow.load(models, charges=scheme).predict(smiles)
    total = prediction.molecule.total_charge
    np.testing.assert_allclose(prediction.model_charges.sum(axis=1), total, atol=1e-11)
    if scheme == "dipole":
        about = prediction.molecule.positions - prediction.origin
        np.testing.assert_allclose(prediction.charges @ about, prediction.dipole, atol=1e-10)


@pytest.mark.parametrize("name", ["H2O", "C6H6", "HCN", "CO2"])
def test_planar_and_linear_molecules_keep_their_dipole(models: Path, name: str) -> None:
    atoms = molecule(name)
    atoms.rotate(37, (1, 2, 3))
    prediction = mepflow.load(models, charges="dipole").predict(atoms, 0)
    about = prediction.molecule.positions - prediction.origin
    np.testing.assert_allclose(prediction.charges @ about, prediction.dipole, atol=1e-5)
    assert np.abs(prediction.charges).max() < 3.0


def test_parquet_without_pyarrow_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parquet_tables, "find_spec", lambda _: None)
    assert main(["predict", "--smiles", "CC", "--format", "parquet"]) == 2
    assert "--format parquet needs pyarrow: pip install pyarrow" in capsys.readouterr().err


def test_parquet_holds_the_tables(models: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    # A name that is a number, and one that pandas takes for nothing.
    inputs = ["--smiles", "CC 1", "--smiles", "CCO NA", "--smiles", "[Fe] iron"]
    more = ["--format", "parquet", "--no-cubes", "--output", str(tmp_path)]
    assert main(["predict", *inputs, *more, "--model", str(models)]) == 1
    molecules = pd.read_parquet(tmp_path / "multipoles.parquet")
    assert molecules["name"].tolist() == ["1", "NA", "iron"]
    assert molecules["failure"].notna().tolist() == [False, False, True]
    for name in ("multipoles", "atoms"):
        text = pd.read_csv(tmp_path / f"{name}.csv")
        found = pd.read_parquet(tmp_path / f"{name}.parquet")
        assert list(found.columns) == list(text.columns)
        numbers = found.select_dtypes("number").columns
        assert len(numbers) > 10
        pd.testing.assert_frame_equal(found[numbers], text[numbers])
    listed = json.loads((tmp_path / "prediction.json").read_text())["files"]
    assert "atoms.parquet" in listed
