"""Charges of files are found, matched, judged and ranked; the numbers are those of closed forms."""

from pathlib import Path

import ase.io
import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from rdkit import Chem
from rdkit.Chem import AllChem

from mepflow.__main__ import main
from mepflow.electrostatics.atomic_terms import AtomicTerms, molecular_multipoles
from mepflow.electrostatics.potential import potential
from mepflow.errors import InputError
from mepflow.geometry.grids import grid_points
from mepflow.judging import judge_command
from mepflow.judging.charge_readers import read_charges
from mepflow.judging.judgement import DIPOLE_ERROR, RMSE, judge
from mepflow.judging.matching import match
from mepflow.judging.methods import METHODS
from mepflow.molecules import GridValues, MoleculeTable
from mepflow.prediction.input_batch import read_structures
from mepflow.units import BOHR_IN_ANGSTROM, E_BOHR_IN_DEBYE, HARTREE_PER_E_IN_KCAL_PER_MOL_E

GRID = {"kind": "shells", "scales": [1.4, 1.6, 1.8, 2.0], "points_per_angstrom2": 1.0}
SMILES = ("CCO", "CC(=O)[O-]", "C[NH3+]", "FC=O", "CO", "CCl", "CS", "N#CC")
TOTAL_WORDS = "its charges add up to"


@pytest.fixture(scope="module")
def reference() -> MoleculeTable:
    """Molecules whose potential is that of known charges: any row's error has a closed form."""
    molecules = [one.molecule for one in read_structures([], [f"{s} {s}" for s in SMILES])]
    known = [charges_of(molecule) for molecule in molecules]
    grids, dipoles, quadrupoles = [], [], []
    for molecule, charges in zip(molecules, known, strict=True):
        points = grid_points(GRID, molecule.atomic_numbers, molecule.positions)
        grids.append((points, potential(points, molecule.positions, charges)))
        dipole, quadrupole = molecular_multipoles(molecule, AtomicTerms(charges))
        dipoles.append(dipole)
        quadrupoles.append(quadrupole)
    return MoleculeTable.from_molecules(
        molecules,
        {"dipole": dipoles, "quadrupole": quadrupoles, "mulliken_charges": known},
        {"mk": GridValues.from_ragged(grids)},
        {"grid_settings": {"mk": GRID}},
    )


def charges_of(molecule) -> np.ndarray:
    charges = np.random.default_rng(len(molecule)).normal(0, 0.3, len(molecule))
    return charges + (molecule.total_charge - charges.sum()) / len(molecule)


def atoms_of(molecule, charges) -> Atoms:
    atoms = Atoms(molecule.atomic_numbers, molecule.positions * BOHR_IN_ANGSTROM)
    atoms.info["name"] = molecule.id
    atoms.arrays["charge"] = charges
    return atoms


def written(path: Path, reference: MoleculeTable) -> Path:
    molecules = [reference.molecule(row) for row in range(len(reference))]
    if path.suffix == ".extxyz":
        frames = [atoms_of(molecule, charges_of(molecule)) for molecule in molecules]
        ase.io.write(path, frames, format="extxyz")
    elif path.suffix == ".csv":
        rows = [
            {"name": molecule.id, "element": ase.data.chemical_symbols[z], "charge_e": q}
            for molecule in molecules
            for z, q in zip(molecule.atomic_numbers, charges_of(molecule), strict=True)
        ]
        pd.DataFrame(rows).to_csv(path, index=False)
    elif path.suffix == ".sdf":
        with Chem.SDWriter(str(path)) as writer:
            for molecule, smiles in zip(molecules, SMILES, strict=True):
                block = Chem.AddHs(Chem.MolFromSmiles(smiles))
                AllChem.EmbedMolecule(block, randomSeed=20)
                for atom, place in enumerate(molecule.positions * BOHR_IN_ANGSTROM):
                    block.GetConformer().SetAtomPosition(atom, place.tolist())
                for atom, charge in zip(block.GetAtoms(), charges_of(molecule), strict=True):
                    atom.SetDoubleProp("PartialCharge", float(charge))
                Chem.CreateAtomDoublePropertyList(block, "PartialCharge")
                block.SetProp("_Name", molecule.id)
                writer.write(block)
    return path


@pytest.mark.parametrize("kind", ["extxyz", "csv", "sdf"])
def test_charges_of_other_programs_are_found(
    tmp_path: Path, reference: MoleculeTable, kind: str
) -> None:
    (found,) = match("mine", read_charges(written(tmp_path / f"a.{kind}", reference)), reference)
    assert found.remarks == []
    assert list(found.terms) == list(range(len(reference)))
    for row, terms in found.terms.items():
        np.testing.assert_allclose(terms.charges, charges_of(reference.molecule(row)), atol=2e-5)


def test_open_babels_mol2_and_pqr_are_found(tmp_path: Path, reference: MoleculeTable) -> None:
    openbabel = pytest.importorskip("openbabel").openbabel
    molecule = reference.molecule(0)
    made, writer = openbabel.OBMol(), openbabel.OBConversion()
    for number, place in zip(
        molecule.atomic_numbers, molecule.positions * BOHR_IN_ANGSTROM, strict=True
    ):
        atom = made.NewAtom()
        atom.SetAtomicNum(int(number))
        atom.SetVector(*map(float, place))
    made.ConnectTheDots()
    made.PerceiveBondOrders()
    made.SetTitle(molecule.id)
    model = openbabel.OBChargeModel.FindType("mmff94")
    assert model.ComputeCharges(made)
    expected = np.array(list(model.GetPartialCharges()))
    for kind in ("mol2", "pqr"):
        writer.SetOutFormat(kind)
        path = tmp_path / f"{molecule.id}.{kind}"
        writer.WriteFile(made, str(path))
        (found,) = match("x", read_charges(path), reference)
        np.testing.assert_allclose(found.terms[0].charges, expected, atol=1e-3)


def test_what_does_not_match_is_remarked(tmp_path: Path, reference: MoleculeTable) -> None:
    molecule = reference.molecule(0)
    other = atoms_of(molecule, charges_of(molecule))
    other.positions[0, 0] += 0.3
    turned = atoms_of(reference.molecule(4), charges_of(reference.molecule(4)) + 0.1)
    turned.info["name"] = "another name"
    turned.rotate(40, "z")
    swapped = atoms_of(reference.molecule(3), charges_of(reference.molecule(3)))
    swapped.numbers = swapped.numbers[::-1].copy()
    unknown = Atoms("He2", [[0, 0, 0], [0, 0, 3]])
    unknown.info["name"], unknown.arrays["charge"] = "helium", np.zeros(2)
    fewer = atoms_of(reference.molecule(5), charges_of(reference.molecule(5)))[:-1]
    frames = [other, turned, turned, swapped, unknown, fewer]
    ase.io.write(tmp_path / "a.extxyz", frames, format="extxyz")
    (found,) = match("x", read_charges(tmp_path / "a.extxyz"), reference)
    assert list(found.terms) == [4]
    said = "\n".join(found.remarks)
    for words in (
        "geometry differs from CCO", TOTAL_WORDS, "its elements are not those of FC_O",
        "no structure of the reference is helium", "it has 4 atoms, CCl has 5",
        "7 structures are missing", "a second CO, which does not count",
    ):  # fmt: skip
        assert words in said


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.txt", "", "is none of extxyz"),
        ("a.csv", "name,q\nx,1\n", "lacks the columns name and charge_e"),
        ("a.extxyz", "1\nname=x\nH 0 0 0\n", "has no charges"),
        ("a.extxyz", "one\n\n", "cannot be read as extxyz"),
        ("a.mol2", "", "holds no structure"),
        ("a.pqr", "ATOM 1 X9 MOL 1 0 0 0 0.1 1.0\n", "names no element"),
        ("a.csv", "name,element,charge_e\nx,H,\n", "a charge that is no number"),
        ("a.sdf", "\n", "cannot be read"),
    ],
)
def test_what_holds_no_charges(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said):
        read_charges(tmp_path / name)


def test_errors_are_those_of_closed_forms_and_ranks_need_a_proof(
    reference: MoleculeTable,
) -> None:
    true = {row: AtomicTerms(charges_of(reference.molecule(row))) for row in range(len(reference))}
    moved: dict[int, AtomicTerms] = {}
    same: dict[int, AtomicTerms] = {}
    for row, (charges, *_) in true.items():
        change = np.zeros(len(charges))
        change[0], change[1] = 0.1, -0.1
        moved[row], same[row] = AtomicTerms(charges + change), AtomicTerms(charges - change)
    few = {0: true[0]}
    rows = {"true": true, "moved": moved, "same": same, "few": few, "fitted-charges": true}
    found = judge(rows, reference, "mk")
    assert dict(found.apart) == {"few": 1}
    assert found.shared == len(SMILES)
    assert found.errors["judged"].sum() == 4 * len(SMILES)
    table = found.table.set_index("row")
    assert table["rank"].fillna(0).astype(int).to_dict() == {
        "true": 1, "fitted-charges": 0, "moved": 2, "same": 2,
    }  # fmt: skip
    molecule, (points, _) = reference.molecule(0), reference.grids["mk"].of(0)
    away = [1.0 / np.linalg.norm(points - molecule.positions[atom], axis=1) for atom in (0, 1)]
    rmse = 0.1 * np.sqrt(np.mean((away[0] - away[1]) ** 2)) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
    length = np.linalg.norm(molecule.positions[0] - molecule.positions[1])
    own = found.errors[found.errors["name"] == "moved"].iloc[0]
    assert own[RMSE] == pytest.approx(rmse, rel=1e-9)
    assert own[DIPOLE_ERROR] == pytest.approx(0.1 * length * E_BOHR_IN_DEBYE, rel=1e-9)


def test_names_on_the_command_line_are_those_of_the_catalogue() -> None:
    assert tuple(METHODS) == judge_command.METHODS


def test_the_command(
    tmp_path: Path, reference: MoleculeTable, capsys: pytest.CaptureFixture[str]
) -> None:
    reference.save(tmp_path / "reference.h5")
    path = written(tmp_path / "a.extxyz", reference)
    out = tmp_path / "out"
    arguments = ["--against", str(tmp_path / "reference.h5"), "--output", str(out)]
    methods = ["--methods", "mulliken,gasteiger,resp,hirshfeld"]
    assert main(["judge", f"mine={path}", *arguments, *methods]) == 0
    printed = capsys.readouterr().out
    assert "hold no hirshfeld_charges" in printed or "holds no hirshfeld_charges" in printed
    table = pd.read_csv(out / "judgement.csv").set_index("row")
    assert table.loc["mine", "median_rmse_kcal_per_mol_e"] == pytest.approx(0.0, abs=1e-4)
    assert table.loc["mulliken", "rank"] == 1
    assert table.loc["gasteiger", "median_rmse_kcal_per_mol_e"] > 1.0
    assert (out / "judgement.png").stat().st_size > 1000
    assert main(["judge", *arguments, "--methods", "none"]) == 2
    assert "nothing to judge" in capsys.readouterr().err
    assert main(["judge", *arguments, "--grid", "mkk"]) == 2
    assert "has no potential on 'mkk'" in capsys.readouterr().err


def test_a_model_is_judged_by_its_own_terms_and_by_its_charges(
    tmp_path: Path, reference: MoleculeTable
) -> None:
    reference.save(tmp_path / "reference.h5")
    root = Path(__file__).parents[3]
    model = root / "resources" / "models" / "default"
    arguments = ["--against", str(tmp_path / "reference.h5"), "--output", str(tmp_path / "out")]
    assert main(["judge", "--model", f"ours={model}", "--methods", "none", *arguments]) == 0
    table = pd.read_csv(tmp_path / "out" / "errors.csv")
    assert set(table["name"]) == {"ours", "ours, charges alone"}
    assert len(table) == 2 * (len(SMILES) - 2)  # without chlorine and sulfur
