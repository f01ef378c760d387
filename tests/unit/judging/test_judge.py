"""Charges of files are found, matched, judged and ranked; the numbers are those of closed forms."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ase.io
import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import vdw_radii
from rdkit import Chem
from rdkit.Chem import AllChem
from scipy.spatial.transform import Rotation
from scipy.stats import spearmanr

from mepflow.__main__ import main
from mepflow.charges.cm5 import cm5_charges
from mepflow.electrostatics.atomic_terms import AtomicTerms, molecular_multipoles
from mepflow.electrostatics.potential import potential
from mepflow.errors import InputError
from mepflow.geometry.grids import grid_points
from mepflow.judging import judge_command
from mepflow.judging.bench import load_bench
from mepflow.judging.charge_readers import read_charges
from mepflow.judging.error_parts import error_parts, medians_of_parts
from mepflow.judging.judged_terms import JudgedTerms, OffCentreCharges, moments_of, values_of
from mepflow.judging.judgement import judge
from mepflow.judging.matching import match
from mepflow.judging.methods import METHODS
from mepflow.judging.structure_errors import DIPOLE_ERROR, QUADRUPOLE_ERROR, RMSE, kind_of
from mepflow.molecules import GridValues, MoleculeTable
from mepflow.prediction.input_batch import read_structures
from mepflow.units import BOHR_IN_ANGSTROM, E_BOHR_IN_DEBYE, HARTREE_PER_E_IN_KCAL_PER_MOL_E

GRID = {"kind": "shells", "scales": [1.4, 1.6, 1.8, 2.0], "points_per_angstrom2": 1.0}
BOX = {"kind": "box", "inner_scale": 1.0, "outer_angstrom": 2.8, "spacing_angstrom": 0.9}
PLANE = {"kind": "plane", "margin_angstrom": 1.0, "spacing_angstrom": 1.0}
ROOT = Path(__file__).parents[3]
DEFINITIONS = ROOT / "config" / "definitions.yaml"
MODELS = ROOT / "resources" / "models" / "default"
ANTECHAMBER = """@<TRIPOS>MOLECULE
MOL
    9     8     1     0     0
SMALL
bcc


@<TRIPOS>ATOM
      1 C1          -1.1350    -0.1130     0.2600 c3         1 MOL      -0.206100
      2 C2           0.0570     0.4680    -0.4340 c          1 MOL       0.466100
      3 O1          -0.0160     1.3710    -1.2480 o          1 MOL      -0.598100
      4 C3           1.4380    -0.1590    -0.0530 c          1 MOL       0.853600
      5 O2           1.4180    -1.0780     0.7870 o          1 MOL      -0.819300
      6 O3           2.4320     0.3210    -0.6290 o          1 MOL      -0.819300
      7 H1          -2.0470     0.3800    -0.0620 hc         1 MOL       0.040700
      8 H2          -0.9850    -0.0100     1.3320 hc         1 MOL       0.040700
      9 H3          -1.1630    -1.1790     0.0480 hc         1 MOL       0.040700
@<TRIPOS>BOND
     1     2     1 1
"""
"""Pyruvate by antechamber 26 (-c bcc -nc -1): types of GAFF, a name that says nothing."""
SMILES = ("CCO", "CC(=O)[O-]", "C[NH3+]", "FC=O", "CO", "CCl", "CS", "N#CC")
TOTAL_WORDS = "its charges add up to"
HARTREE = HARTREE_PER_E_IN_KCAL_PER_MOL_E


@pytest.fixture(scope="module")
def reference() -> MoleculeTable:
    """Molecules whose potential is that of known charges: any row's error has a closed form."""
    molecules = [one.molecule for one in read_structures([], [f"{s} {s}" for s in SMILES])]
    known = [charges_of(molecule) for molecule in molecules]
    grids, boxes, dipoles, quadrupoles = [], [], [], []
    for molecule, charges in zip(molecules, known, strict=True):
        for settings, values in ((GRID, grids), (BOX, boxes)):
            points = grid_points(settings, molecule.atomic_numbers, molecule.positions)
            values.append((points, potential(points, molecule.positions, charges)))
        dipole, quadrupole = molecular_multipoles(molecule, AtomicTerms(charges))
        dipoles.append(dipole)
        quadrupoles.append(quadrupole)
    return MoleculeTable.from_molecules(
        molecules,
        {"dipole": dipoles, "quadrupole": quadrupoles, "mulliken_charges": known},
        {name: GridValues.from_ragged(values) for name, values in
         (("mk", grids), ("box", boxes), ("plane", boxes))},
        {"grid_settings": {"mk": GRID, "box": BOX, "plane": PLANE},
         "level_of_theory": {"basis": "def2-svp"}},
    )  # fmt: skip


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


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["extxyz", "csv", "sdf"])
def test_charges_of_other_programs_are_found(
    tmp_path: Path, reference: MoleculeTable, kind: str, packed: bool
) -> None:
    path = written(tmp_path / f"a.{kind}", reference)
    if packed:
        content, path = path.read_bytes(), tmp_path / f"a.{kind}.gz"
        path.write_bytes(gzip.compress(content))
    (found,) = match("mine", read_charges(path), reference)
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


def of_aimnet2(atoms: Atoms) -> AtomicTerms:
    """Give frames what AIMNet2's calculator does: its charges as a result."""
    charges = np.linspace(-0.3, 0.3, len(atoms))
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0, charges=charges)
    return AtomicTerms(charges)


def of_mace_polar(atoms: Atoms) -> AtomicTerms:
    """Give frames what MACE-POLAR's command does: charge, then its dipole's y, z and x in e·Å."""
    charges = np.linspace(-0.3, 0.3, len(atoms))
    dipoles = np.random.default_rng(3).normal(0.0, 0.1, (len(atoms), 3))
    atoms.arrays["MACE_density_coefficients"] = np.column_stack([charges, dipoles[:, [1, 2, 0]]])
    return AtomicTerms(charges, dipoles / BOHR_IN_ANGSTROM)


def of_dcmnet(atoms: Atoms) -> OffCentreCharges:
    """Give frames two charges for each atom, at places of their own."""
    rng = np.random.default_rng(4)
    charges = rng.normal(0.0, 0.3, (len(atoms), 2))
    places = atoms.positions[:, None] + rng.normal(0.0, 0.15, (len(atoms), 2, 3))
    atoms.arrays["dcm_charges"] = charges
    atoms.arrays["dcm_positions"] = places.reshape(len(atoms), 6)
    return OffCentreCharges(charges.ravel(), places.reshape(-1, 3) / BOHR_IN_ANGSTROM)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("program", "row"),
    [(of_aimnet2, "x"), (of_mace_polar, "x, multipoles"), (of_dcmnet, "x, off-centre charges")],
)
def test_formats_of_programs_that_cannot_run_here(
    tmp_path: Path,
    reference: MoleculeTable,
    program: Callable[[Atoms], JudgedTerms],
    row: str,
    turned: bool,
) -> None:
    molecule = reference.molecule(0)
    atoms = atoms_of(molecule, np.zeros(len(molecule)))
    del atoms.arrays["charge"]
    points, _ = reference.grids["mk"].of(0)
    expected = values_of(program(atoms), molecule, points, None)
    if turned and program is not of_aimnet2:
        turn = Rotation.from_euler("xyz", [0.3, 1.1, -2.0]).as_matrix()
        atoms.positions = atoms.positions @ turn.T + 2.0
        for name, columns in (("MACE_density_coefficients", [3, 1, 2]), ("dcm_positions", None)):
            if columns and name in atoms.arrays:
                atoms.arrays[name][:, columns] = atoms.arrays[name][:, columns] @ turn.T
            elif name in atoms.arrays:
                places = atoms.arrays[name].reshape(-1, 3) @ turn.T + 2.0
                atoms.arrays[name] = places.reshape(len(atoms), -1)
    ase.io.write(tmp_path / "a.extxyz", [atoms], format="extxyz")
    found = {
        one.name: one.terms[0] for one in match("x", read_charges(tmp_path / "a.extxyz"), reference)
    }
    np.testing.assert_allclose(values_of(found[row], molecule, points, None), expected, atol=1e-7)
    charges, judged = found["x"].charges, found[row].charges
    assert charges.sum() == pytest.approx(judged.sum(), abs=1e-7)
    dipole, quadrupole = moments_of(found[row], molecule)
    far = 1e4 * np.array([[0.6, 0.0, 0.8]])
    origin = molecule.atomic_numbers @ molecule.positions / molecule.atomic_numbers.sum()
    away, unit = np.linalg.norm(far), far[0] / np.linalg.norm(far)
    series = judged.sum() / away + unit @ dipole / away**2
    series += 0.5 * unit @ quadrupole @ unit / away**3
    of_field = values_of(found[row], molecule, far + origin, None)[0]
    assert of_field == pytest.approx(series, abs=1e-14)


def test_costs_of_a_file_that_has_none(tmp_path: Path, reference: MoleculeTable) -> None:
    with pytest.raises(InputError, match="cannot be read as costs"):
        judge_command._read_costs(written(tmp_path / "a.csv", reference))


def test_cm5_needs_hirshfeld_charges_of_the_labels() -> None:
    bench = load_bench(ROOT / "resources" / "labels" / "bench.h5", ["mk"], DEFINITIONS)
    molecule = bench.table.molecule(0)
    hirshfeld = METHODS["hirshfeld"].terms(bench, 0).charges
    expected = cm5_charges(molecule.atomic_numbers, molecule.positions, hirshfeld)
    assert METHODS["cm5"].terms(bench, 0).charges == pytest.approx(expected, abs=1e-12)
    with pytest.raises(InputError, match="holds no hirshfeld_charges"):
        METHODS["cm5"].terms(replace(bench, labels=None), 0)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.txt", "", "is none of extxyz"),
        ("a.csv", "name,q\nx,1\n", "lacks the columns name and charge_e"),
        ("a.extxyz", "1\nname=x\nH 0 0 0\n", "has no charges"),
        ("a.extxyz", "one\n\n", "cannot be read as extxyz"),
        (
            "a.extxyz",
            "1\nProperties=species:S:1:pos:R:3:dcm_charges:R:2:dcm_positions:R:3\n"
            "H 0 0 0 1 1 0 0 0\n",
            "holds other than three numbers",
        ),
        (
            "a.extxyz",
            "1\nProperties=species:S:1:pos:R:3:MACE_density_coefficients:R:2\nH 0 0 0 1 1\n",
            "cannot be read as extxyz",
        ),
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
    rmse = 0.1 * np.sqrt(np.mean((away[0] - away[1]) ** 2)) * HARTREE
    length = np.linalg.norm(molecule.positions[0] - molecule.positions[1])
    own = found.errors[found.errors["name"] == "moved"].iloc[0]
    assert own[RMSE] == pytest.approx(rmse, rel=1e-9)
    assert own[DIPOLE_ERROR] == pytest.approx(0.1 * length * E_BOHR_IN_DEBYE, rel=1e-9)
    origin = molecule.atomic_numbers @ molecule.positions / molecule.atomic_numbers.sum()
    first, second = (
        3 * np.outer(r, r) - r @ r * np.eye(3) for r in (molecule.positions - origin)[:2]
    )
    six = (0.1 * (first - second))[np.triu_indices(3)]
    assert own[QUADRUPOLE_ERROR] == pytest.approx(np.sqrt(np.mean(six**2)), rel=1e-9)


def test_rows_without_points_on_a_grid_are_left_out_by_name(
    tmp_path: Path, reference: MoleculeTable, capsys: pytest.CaptureFixture[str]
) -> None:
    box = reference.grids["box"]
    kept = [box.of(row) if row == 0 else (np.zeros((0, 3)), np.zeros(0)) for row in range(8)]
    sparse = GridValues.from_ragged(kept)
    path = tmp_path / "reference.h5"
    replace(reference, grids={**reference.grids, "box": sparse}).save(path)
    lines = [
        f"{reference.ids[row]},{charge}"
        for row in range(1, 8)
        for charge in charges_of(reference.molecule(row))
    ]
    (tmp_path / "own.csv").write_text("\n".join(["name,charge_e", *lines]))
    command = ["judge", str(tmp_path / "own.csv"), "--against", str(path), "--methods", "none"]
    command += ["--output", str(tmp_path / "out"), "--grid"]
    assert main([*command, "mk,box"]) == 0
    assert "own covers 0 structures only and is left out." in capsys.readouterr().out
    assert main([*command, "box"]) != 0
    assert "none has a potential on 'box'" in capsys.readouterr().err


def test_a_file_cannot_have_the_name_of_a_computed_row(
    tmp_path: Path, reference: MoleculeTable, capsys: pytest.CaptureFixture[str]
) -> None:
    reference.save(tmp_path / "reference.h5")
    for given in ("resp.csv", "fitted-charges=own.csv"):
        command = ["judge", given, "--against", str(tmp_path / "reference.h5")]
        assert main([*command, "--methods", "none"]) != 0
        assert "is a row that is computed here: name it" in capsys.readouterr().err


def test_extremes_are_those_of_the_innermost_shell_or_of_all_points(
    reference: MoleculeTable,
) -> None:
    rows = {row: AtomicTerms(1.3 * charges_of(reference.molecule(row))) for row in range(8)}
    half = {row: AtomicTerms(terms.charges[::-1].copy()) for row, terms in rows.items()}
    for grid, scale in (("mk", 1.4), ("box", None)):
        found = judge({"more": rows, "other": half}, reference, grid)
        own = found.errors[found.errors["name"] == "more"]
        for row, errors in enumerate(own.to_dict("records")):
            points, values = reference.grids[grid].of(row)
            molecule = reference.molecule(row)
            if scale is not None:
                radii = vdw_radii[molecule.atomic_numbers] / BOHR_IN_ANGSTROM
                away = np.linalg.norm(points[:, None] - molecule.positions, axis=-1)
                values = values[np.isclose((away / radii).min(axis=1), scale, rtol=1e-3)]
            highest, lowest = values.max() * HARTREE, values.min() * HARTREE
            assert errors["v_max_reference_kcal_per_mol_e"] == pytest.approx(highest, rel=1e-9)
            assert errors["v_min_predicted_kcal_per_mol_e"] == pytest.approx(1.3 * lowest, rel=1e-9)
        table = found.table.set_index("row")
        assert table.loc["more", "correlation_v_max"] == pytest.approx(1.0, abs=1e-12)
        assert table.loc["more", "mae_v_min_kcal_per_mol_e"] == pytest.approx(
            0.3 * own["v_min_reference_kcal_per_mol_e"].abs().mean(), rel=1e-9
        )
        neutral = found.errors[
            (found.errors["name"] == "other") & (found.errors["total_charge"] == 0)
        ]
        expected = spearmanr(
            neutral["v_min_reference_kcal_per_mol_e"], neutral["v_min_predicted_kcal_per_mol_e"]
        )
        assert table.loc["other", "correlation_v_min"] == pytest.approx(
            expected.statistic, abs=1e-12
        )


def test_parts_are_told_by_distance_element_kind_and_size(reference: MoleculeTable) -> None:
    none = {row: AtomicTerms(np.zeros(len(reference.molecule(row)))) for row in range(8)}
    judged = judge({"none": none}, reference, "mk").judged
    parts = error_parts({"none": none}, reference, ("mk", "box"), {}, judged)
    molecule, smiles = reference.molecule(0), SMILES[0]
    points, values = (np.concatenate(pair) for pair in zip(
        reference.grids["mk"].of(0), reference.grids["box"].of(0), strict=True
    ))  # fmt: skip
    radii = vdw_radii[molecule.atomic_numbers] / BOHR_IN_ANGSTROM
    away = np.linalg.norm(points[:, None] - molecule.positions, axis=-1) - radii
    nearest, distance = away.argmin(axis=1), away.min(axis=1) * BOHR_IN_ANGSTROM
    on_shells = np.arange(len(points)) < len(reference.grids["mk"].of(0)[1])
    own = parts[parts["id"] == smiles].set_index(["by", "part"])[RMSE]
    for place, chosen in (
        (("distance", "0.75 to 1.00 Å"), (distance >= 0.75) & (distance < 1.0)),
        (("element", "O"), on_shells & (molecule.atomic_numbers[nearest] == 8)),
        (("kind", "neutral"), on_shells),
        (("heavy atoms", "1 to 4"), on_shells),
    ):
        expected = np.sqrt(np.mean(values[chosen] ** 2)) * HARTREE
        assert own[place] == pytest.approx(expected, rel=1e-9)
    medians, counts = medians_of_parts(parts, "kind")
    assert list(zip(medians.columns, counts, strict=True)) == [
        ("neutral", 6), ("cation", 1), ("anion", 1),
    ]  # fmt: skip


def test_a_zwitterion_is_told_from_its_geometry() -> None:
    molecules = [one.molecule for one in read_structures([], ["[NH3+]CC(=O)[O-]", "NCC(=O)O"])]
    table = MoleculeTable.from_molecules(molecules)
    assert [kind_of(table, row) for row in range(2)] == ["zwitterion", "neutral"]
    stated = table.with_texts(archive_subset=["neutral", "anion"])
    assert [kind_of(stated, row) for row in range(2)] == ["neutral", "anion"]


def test_penetration_counts_in_rows_that_know_widths(
    tmp_path: Path, reference: MoleculeTable
) -> None:
    reference.save(tmp_path / "reference.h5")
    bench = load_bench(tmp_path / "reference.h5", ["all"], DEFINITIONS)
    assert bench.grids == ("mk", "box")
    assert bench.widths is not None
    true = {row: AtomicTerms(charges_of(reference.molecule(row))) for row in range(8)}
    found = judge({"with": true, "without": true}, reference, "mk", {"with": bench.widths})
    table = found.table.set_index("row")["median_rmse_kcal_per_mol_e"]
    assert table["without"] == pytest.approx(0.0, abs=1e-9)
    assert table["with"] > 0.1
    fitted = {row: METHODS["fitted-charges-penetration"].terms(bench, row) for row in range(8)}
    plain = {row: METHODS["fitted-charges"].terms(bench, row) for row in range(8)}
    floors = judge({"with": fitted, "without": plain}, reference, "mk", {"with": bench.widths})
    of_fits = floors.table.set_index("row")["median_rmse_kcal_per_mol_e"]
    assert of_fits["without"] == pytest.approx(0.0, abs=1e-6)
    assert of_fits["without"] < of_fits["with"] < table["with"]


def test_names_on_the_command_line_are_those_of_the_catalogue() -> None:
    assert tuple(METHODS) == judge_command.METHODS


def test_the_command(
    tmp_path: Path, reference: MoleculeTable, capsys: pytest.CaptureFixture[str]
) -> None:
    reference.save(tmp_path / "reference.h5")
    path = written(tmp_path / "a.extxyz", reference)
    out = tmp_path / "out"
    arguments = ["--against", str(tmp_path / "reference.h5"), "--output", str(out)]
    methods = ["--methods", "mulliken,gasteiger,hirshfeld", "--grid", "mk,box"]
    model = ["--model", f"ours={MODELS}"]
    (tmp_path / "costs.csv").write_text("charges,cpu_s\nmine,1\nmine,4\nmine,2\nother,9\n")
    costs = ["--costs", str(tmp_path / "costs.csv")]
    assert main(["judge", f"mine={path}", *arguments, *methods, *model, *costs]) == 0
    printed = capsys.readouterr().out
    assert "hold no hirshfeld_charges" in printed or "holds no hirshfeld_charges" in printed
    assert "Grid `box`, 6 structures" in printed  # without chlorine and sulfur
    whole = pd.read_csv(out / "judgement.csv")
    assert set(whole["grid"]) == {"mk", "box"}
    assert {"ours", "ours, charges alone"} < set(whole["row"])
    table = whole[whole["grid"] == "mk"].set_index("row")
    assert table.loc["mine", "median_rmse_kcal_per_mol_e"] == pytest.approx(0.0, abs=1e-4)
    assert table.loc["mulliken", "rank"] == 1
    seconds = table["cpu_s_per_structure"]
    assert seconds["mine"] == 2.0
    assert 0.0 < seconds["gasteiger"] < 1.0
    assert 0.0 < seconds["ours"] < seconds["ours, charges alone"]
    assert np.isnan(seconds["mulliken"])
    assert table.loc["gasteiger", "median_rmse_kcal_per_mol_e"] > 1.0
    for name in ("judgement", "parts"):
        assert (out / f"{name}.png").stat().st_size > 1000
    assert {"distance", "element", "kind", "heavy atoms"} == set(
        pd.read_csv(out / "parts.csv")["by"]
    )
    assert main(["judge", *arguments, "--methods", "none"]) == 2
    assert "nothing to judge" in capsys.readouterr().err
    assert main(["judge", *arguments, "--grid", "mkk"]) == 2
    assert "has no potential on 'mkk'" in capsys.readouterr().err


def test_antechambers_mol2_has_types_of_gaff(tmp_path: Path) -> None:
    (tmp_path / "a.mol2").write_text(ANTECHAMBER)
    (found,) = read_charges(tmp_path / "a.mol2")
    assert found.atomic_numbers is not None
    assert found.atomic_numbers.tolist() == [6, 6, 8, 6, 8, 8, 1, 1, 1]
    assert found.charges.sum() == pytest.approx(-1.0, abs=2e-3)
    labels = load_bench(ROOT / "resources" / "labels" / "bench.h5", ["mk"], DEFINITIONS).table
    (matched,) = match("am1-bcc", [found], labels)
    assert [labels.ids[row] for row in matched.terms] == ["bench-00033"]
