"""SDF, Mol and SMILES."""

import re

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDepictor, rdDistGeom
from scipy.spatial.distance import pdist

from mepflow.errors import InputError
from mepflow.prediction.rdkit_records import from_smiles, read_sdf, read_smiles_file
from mepflow.prediction.structures import checked
from read_records import read_all


def mol_block(smiles: str, title: str = "", *, flat: bool = False, hydrogens: bool = True) -> str:
    molecule = Chem.MolFromSmiles(smiles)
    if hydrogens:
        molecule = Chem.AddHs(molecule)
    if flat:
        rdDepictor.Compute2DCoords(molecule)
    else:
        rdDistGeom.EmbedMolecule(molecule, randomSeed=1)
    molecule.SetProp("_Name", title)
    return str(Chem.MolToMolBlock(molecule))


def test_sdf_with_several_records_titles_and_charges() -> None:
    blocks = [mol_block("C[NH3+]", "methylammonium"), mol_block("O"), mol_block("[O-]C=O", "f")]
    text = "".join(f"{block}> <note>\n1\n\n$$$$\n" for block in blocks)
    records = read_all(read_sdf(text, "ions.sdf"))
    assert [record.title for record in records] == ["methylammonium", "", "f"]
    assert [record.stated.total_charge for record in records] == [1, None, -1]
    assert [record.valences.total_charge for record in records] == [1, 0, -1]
    assert records[1].place == "ions.sdf, record 2"
    assert records[0].atomic_numbers.tolist() == [6, 7, 1, 1, 1, 1, 1, 1]
    first = Chem.MolFromMolBlock(blocks[0], removeHs=False).GetConformer().GetPositions()
    np.testing.assert_array_equal(records[0].positions, first)


def test_mol_file_and_the_newer_format() -> None:
    molecule = Chem.MolFromMolBlock(mol_block("C[N+](C)(C)C"), removeHs=False)
    for text in (Chem.MolToMolBlock(molecule), Chem.MolToV3KMolBlock(molecule)):
        (record,) = read_all(read_sdf(text.replace("\n", "\n"), "ion.mol"))
        assert record.stated.total_charge == 1
        assert len(record.atomic_numbers) == 17


def test_a_valence_that_rdkit_does_not_know_is_read() -> None:
    (record,) = read_all(read_sdf(mol_block("S(F)(F)(F)(F)(F)F").replace(" S ", " O "), "odd.sdf"))
    assert sorted(record.atomic_numbers.tolist()) == [8, 9, 9, 9, 9, 9, 9]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "f.sdf, record 1 cannot be read as a structure"),
        (mol_block("CO") + "$$$$\nrest of\nsomething\n", "f.sdf, record 2 cannot be read"),
        (mol_block("CO", flat=True), "f.sdf, record 1 is a flat drawing"),
        ("\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n", "has no atoms"),
        (mol_block("CO").replace("V2000", "V9000"), "cannot be read"),
        (mol_block("CO")[:150], "cannot be read"),
    ],
)
def test_what_no_sdf_may_be(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_all(read_sdf(text, "f.sdf"))


def without_charges(smiles: str) -> str:
    """An SDF record as programs write it that know no charges."""
    return re.sub(r"^M  CHG.*\n", "", mol_block(smiles), flags=re.MULTILINE)


CASES = {  # SMILES whose record has no charges: what mends it, and what is said
    "CCC[NH3+]": (
        1,
        "N4 has 4 bonds without a formal charge: write formal charges, which would add up to",
    ),
    "[NH3+]CC[NH3+]": (2, "N1 has 4 bonds and N4 has 4 bonds without a formal charge"),
    "CC(=O)[O-]": (-1, r"lacks 1 hydrogen atoms \(at O4\): add them, .* charge -1, write"),
    "[NH3+]CC(=O)[O-]": (0, "N1 has 4 bonds without a formal charge; lacks 1 hydrogen"),
}


@pytest.mark.parametrize(("smiles", "case"), CASES.items(), ids=CASES)
def test_impossible_valences_are_named_and_mended(smiles: str, case: tuple[int, str]) -> None:
    charge, message = case
    (record,) = read_all(read_sdf(without_charges(smiles), "f.sdf"))
    with pytest.raises(InputError, match=message):
        checked(record, "x", None)
    with pytest.raises(InputError, match=r"bonds|hydrogen"):
        checked(record, "x", charge + 1)
    structure = checked(record, "x", charge)
    assert (structure.molecule.total_charge, structure.charge_source) == (charge, "given")
    stating = without_charges(smiles).replace("M  END", f"M  END\n>  <TOTAL_CHARGE>\n{charge}\n")
    (record,) = read_all(read_sdf(stating, "f.sdf"))
    assert checked(record, "x", None).charge_source == "read"


def test_a_record_that_lacks_hydrogen_atoms() -> None:
    (record,) = read_all(read_sdf(mol_block("CO", hydrogens=False), "f.sdf"))
    with pytest.raises(InputError, match=r"lacks 4 hydrogen atoms \(at C1 and O2\): add them"):
        checked(record, "x", None)


SOLID, FLAT = "    0.6290    0.6290    0.6290 H", "    1.0000    0.0000    0.0000 H"


@pytest.mark.parametrize(
    ("mark", "hydrogen", "is_read"),
    [("2D", SOLID, True), ("3D", SOLID, True), ("  ", SOLID, True), ("2D", FLAT, False),
     ("  ", FLAT, False), ("3D", FLAT, True)],
)  # fmt: skip
def test_dimension_by_the_format_s_specification(mark: str, hydrogen: str, is_read: bool) -> None:
    text = (
        f"HF\n  program 01012600{'00' + mark}\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n"
        "    0.0000    0.0000    0.0000 F   0  0  0\n"
        + hydrogen
        + "   0  0  0\n  1  2  1  0\nM  END\n"
    )
    assert text.split("\n")[1][20:22] == mark
    if is_read:
        assert len(read_all(read_sdf(text, "f.sdf"))) == 1
    else:
        with pytest.raises(InputError, match="flat drawing"):
            read_all(read_sdf(text, "f.sdf"))


@pytest.mark.parametrize(
    ("item", "charge", "multiplicity"),
    [
        (">  <CHARGE>\n0\n", 0, None),
        ("> <Total charge>  (1)\n-1\n", -1, None),
        (">  <Spin_Multiplicity>\n3\n", None, 3),
        (">  <unpaired electrons>\n1\n", None, 2),
    ],
)
def test_data_items_state_charge_and_spin(
    item: str, charge: int | None, multiplicity: int | None
) -> None:
    (record,) = read_all(read_sdf(mol_block("O").replace("M  END", f"M  END\n{item}"), "f.sdf"))
    assert (record.stated.total_charge, record.stated.multiplicity) == (charge, multiplicity)


def test_radicals_are_read() -> None:
    (record,) = read_all(read_sdf(mol_block("[CH3]"), "f.sdf"))
    assert record.stated.multiplicity == 2
    assert from_smiles("[CH3]", "x").stated.multiplicity == 2
    assert from_smiles("C", "x").stated.multiplicity is None


def test_conformer_of_a_smiles() -> None:
    record = from_smiles("CCO", "--smiles")
    assert record.atomic_numbers.tolist() == [6, 6, 8, 1, 1, 1, 1, 1, 1]
    assert record.stated.total_charge == 0
    assert record.smiles == "CCO"
    distances = np.linalg.norm(record.positions[:, None] - record.positions[None], axis=-1)
    assert distances[0, 1] == pytest.approx(1.52, abs=0.03)
    assert distances[1, 2] == pytest.approx(1.42, abs=0.03)
    assert pdist(record.positions).min() == pytest.approx(0.97, abs=0.03)
    np.testing.assert_array_equal(from_smiles("CCO", "again").positions, record.positions)


def test_charge_and_handedness_of_a_smiles() -> None:
    record = from_smiles("C[N+](C)(C)C", "x")
    assert record.stated.total_charge == 1
    left, right = (from_smiles(text, "x") for text in ("C[C@H](F)O", "C[C@@H](F)O"))

    def volume(positions: np.ndarray) -> float:
        return float(np.linalg.det(positions[[0, 2, 3]] - positions[1]))

    assert volume(left.positions) * volume(right.positions) < 0.0


def test_smiles_file() -> None:
    records = read_all(read_smiles_file("O water\n\nC\n  CO  methanol, wood alcohol\n", "m.smi"))
    assert [record.title for record in records] == ["water", "", "methanol, wood alcohol"]
    assert records[2].place == "m.smi, line 4"


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("CC(", r"x: 'CC\(' is not a SMILES"),
        ("nonsense", "is not a SMILES"),
        ("C.O", "has several fragments"),
        ("[Na+].[Cl-]", "has several fragments"),
        ("C*", "has a placeholder atom"),
        ("", "has no atoms"),
        ("C" * 1001, "a SMILES of 1001 characters is too long"),
        ("C" * 84, "has 254 atoms, more than the 250"),
        ("C1CC2CC1CC2(C)(C)C", "is not a SMILES"),
        ("[H]C12C3([H])C1([H])C23[H]C", "is not a SMILES|finds no geometry"),
    ],
)
def test_what_no_smiles_may_be(smiles: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_smiles(smiles, "x")
