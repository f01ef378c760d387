"""Every filter, the order in which they count, and the files they read and write."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mepflow.archives.qm9_table import read_archive
from mepflow.errors import ConfigError, InputError
from mepflow.filters import (
    COLUMNS,
    REASONS,
    canonical_smiles,
    filter_after_reference,
    filter_before_reference,
    funnel,
    inchi_change,
    read_verdicts,
    select_candidates,
    smiles_change,
    summarise,
)
from mepflow.molecules import Molecule, MoleculeTable

QM9 = Path(__file__).parents[2] / ".." / "shared" / "data" / "qm9"
needs_qm9 = pytest.mark.skipif(not QM9.is_dir(), reason="no real QM9 files here")
DEBYE = 1 / 2.541746473  # in e bohr
ELEMENTS = ("H", "C", "N", "O", "F")


def archive_table(**rows):
    """Return a table with rows id=(atomic numbers, SMILES pair, InChI pair)."""
    molecules = [
        Molecule(key, np.array(numbers, np.uint8), np.eye(len(numbers), 3), 0, smiles[1])
        for key, (numbers, smiles, _) in rows.items()
    ]
    table = MoleculeTable.from_molecules(molecules)
    return table.with_texts(
        archive_smiles=[smiles[0] for _, smiles, _ in rows.values()],
        archive_inchi=[inchi[0] for _, _, inchi in rows.values()],
        relaxed_inchi=[inchi[1] for _, _, inchi in rows.values()],
    )


SAME_INCHI = ("InChI=1S/CH4O/c1-2/h2H,1H3",) * 2
OTHER_INCHI = (SAME_INCHI[0], "InChI=1S/CH4O/c1-2/h1-2H3")
GOOD = ([6, 8, 1], ("CO", "OC"), SAME_INCHI)
CASES = archive_table(
    gdb_000001=GOOD,
    gdb_000002=GOOD,
    gdb_000003=([6, 16, 15], ("CO", "CO"), SAME_INCHI),
    gdb_000004=([6, 8], ("CO", "CO"), OTHER_INCHI),
    gdb_000005=([6, 8], ("CO", "CN"), SAME_INCHI),
    gdb_000006=([6, 16], ("CO", "CN"), OTHER_INCHI),
    gdb_000007=([6, 8], ("CO", "CN"), OTHER_INCHI),
    gdb_000008=([6, 16], ("CO", "CN"), OTHER_INCHI),
)
LISTED = {"gdb_000002", "gdb_000008", "gdb_000099"}


def test_the_first_reason_counts():
    verdicts = filter_before_reference(CASES, LISTED, ELEMENTS)
    assert tuple(verdicts.columns) == COLUMNS
    assert dict(zip(verdicts["id"], verdicts["reason"], strict=True)) == {
        "gdb_000001": "",
        "gdb_000002": "uncharacterized",
        "gdb_000003": "unsupported_element",
        "gdb_000004": "inchi_changed",
        "gdb_000005": "smiles_changed",
        "gdb_000006": "unsupported_element",
        "gdb_000007": "inchi_changed",
        "gdb_000008": "uncharacterized",
    }
    assert list(verdicts["verdict"] == "kept") == [True] + [False] * 7
    details = dict(zip(verdicts["id"], verdicts["detail"], strict=True))
    assert details["gdb_000001"] == ""
    assert details["gdb_000003"] == "holds P, S; supported are H, C, N, O, F"
    assert details["gdb_000004"] == f"{OTHER_INCHI[0]} became {OTHER_INCHI[1]}"
    assert details["gdb_000005"] == "CO became CN"


def test_the_order_is_the_documented_one():
    assert list(REASONS) == [
        "unreadable_record",
        "uncharacterized",
        "unsupported_element",
        "inchi_changed",
        "smiles_changed",
        "scf_not_converged",
        "dipole_mismatch",
    ]


@given(st.permutations(range(len(CASES))))
def test_the_order_of_the_molecules_does_not_matter(order):
    verdicts = filter_before_reference(CASES.select(order), LISTED, ELEMENTS)
    expected = filter_before_reference(CASES, LISTED, ELEMENTS)
    pd.testing.assert_frame_equal(verdicts.sort_values("id", ignore_index=True), expected)


def test_the_elements_are_a_choice():
    verdicts = filter_before_reference(CASES, set(), ["H", "C", "N", "O", "S", "P"])
    assert "unsupported_element" not in set(verdicts["reason"])
    verdicts = filter_before_reference(CASES, set(), ["C", "O"])
    assert verdicts["detail"][0] == "holds H; supported are C, O"
    with pytest.raises(ConfigError, match=r"filters\.elements holds 'Xx', which is no element"):
        filter_before_reference(CASES, set(), ["H", "Xx"])


def test_a_table_without_pairs_is_filtered_by_the_rest():
    table = MoleculeTable.from_molecules([CASES.molecule(row) for row in range(len(CASES))])
    reasons = filter_before_reference(table, LISTED, ELEMENTS)["reason"]
    assert set(reasons) == {"", "uncharacterized", "unsupported_element"}


@pytest.mark.parametrize(
    ("original", "relaxed"),
    [
        ("InChI=1S/CH4/h1H4", "InChI=1S/CH4/h1H4"),
        ("InChI=1S/C2H2F2/c3-1-2-4/h1-2H", "InChI=1S/C2H2F2/c3-1-2-4/h1-2H/b2-1+"),
        ("InChI=1S/C3H7F/c1-3(2)4/h3H", "InChI=1S/C3H7F/c1-3(2)4/h3H/t3-/m0/s1"),
        ("InChI=1S/C3H7F/c1-3(2)4/h3H/t3-/m1/s1", "InChI=1S/C3H7F/c1-3(2)4/h3H/t3-/m0/s1"),
    ],
)
def test_stereochemistry_does_not_change_an_inchi(original, relaxed):
    assert inchi_change(original, relaxed) == ""
    assert inchi_change(relaxed, original) == ""


@pytest.mark.parametrize(
    ("original", "relaxed"),
    [
        ("InChI=1S/CH4O/c1-2/h2H,1H3", "InChI=1S/CH3NO/c1-2/h2H,1H3"),
        ("InChI=1S/CH4O/c1-2/h2H,1H3", "InChI=1S/CH4O/c1-2/h1-2H3"),
        ("InChI=1S/CH4O/c1-2/h2H,1H3", "InChI=1S/CH4O/c2-1/h2H,1H3"),
        ("InChI=1S/CH4O/c1-2/h2H,1H3", "InChI=1S/CH4O/c1-2/h2H,1H3/p+1"),
        ("InChI=1S/CH4O/c1-2/h2H,1H3/t1-", "InChI=1S/CH4O/c1-2/h2H,1H3/q+1/t1-"),
    ],
)
def test_formula_bonds_hydrogens_and_charge_change_an_inchi(original, relaxed):
    assert inchi_change(original, relaxed) == f"{original} became {relaxed}"


@pytest.mark.parametrize(
    ("original", "relaxed"),
    [
        ("CN1C=CC=C1", "Cn1cccc1"),
        ("C1=CC=CC=C1", "c1ccccc1"),
        ("N=C1NC=CO1", "N=c1occ[nH]1"),
        ("CC(C)=O", "CC(=O)C"),
        ("C[N+](=O)[O-]", "CN(=O)=O"),
        ("CN=[N+]=[N-]", "CN=N#N"),
        ("FC(O)C", "C[C@H](O)F"),
        ("C[C@@H](O)F", "C[C@H](O)F"),
        ("FC=CF", "F/C=C/F"),
        ("F/C=C\\F", "F/C=C/F"),
        ("[CH3:1][OH:2]", "CO"),
        ("[H:1]OC", "CO"),
        ("[H]C([H])([H])[H]", "C"),
        ("CC=N", "[H]/N=C/C"),
        ("N=N", "[H]/N=N/[H]"),
        ("not a molecule", "not a molecule"),
    ],
)
def test_the_same_molecule_in_another_way(original, relaxed):
    assert smiles_change(original, relaxed) == ""
    assert smiles_change(relaxed, original) == ""


@pytest.mark.parametrize(
    ("original", "relaxed"),
    [
        ("CO", "CN"),
        ("CCO", "COC"),
        ("CC=O", "C=CO"),  # tautomers
        ("[NH3+]CC([O-])=O", "NCC(=O)O"),  # a proton moved
        ("C1CC1", "C=CC"),
        ("CO", "C.O"),
        ("C[O-]", "CO"),
        ("C[CH2]", "CC"),
        ("[13CH4]", "C"),
    ],
)
def test_another_molecule(original, relaxed):
    assert smiles_change(original, relaxed) == f"{original} became {relaxed}"


@pytest.mark.parametrize(
    ("original", "relaxed", "note"),
    [
        ("CO", "C[NH3]C", "C[NH3]C"),
        ("C[NH3]C", "CO", "C[NH3]C"),
        ("C(", "C)", "C( and C)"),
    ],
)
def test_a_smiles_that_is_no_molecule_is_a_change(original, relaxed, note, capfd):
    detail = smiles_change(original, relaxed)
    assert detail == f"{original} became {relaxed} ({note} cannot be read as a molecule)"
    assert capfd.readouterr() == ("", "")  # RDKit is silent


@given(st.text(max_size=20))
def test_no_text_crashes_the_comparison(text):
    assert smiles_change(text, text) == ""
    assert canonical_smiles(text) is None or canonical_smiles(text) == canonical_smiles(
        canonical_smiles(text)
    )


@needs_qm9
def test_real_records_are_unchanged(tmp_path):
    read_archive(QM9 / "raw", tmp_path / "archive.h5", tmp_path / "rejected.csv")
    select_candidates(
        tmp_path / "archive.h5",
        tmp_path / "rejected.csv",
        QM9 / "uncharacterized.txt",
        ELEMENTS,
        tmp_path / "candidates.h5",
        tmp_path / "verdicts.csv",
    )
    verdicts = read_verdicts(tmp_path / "verdicts.csv")
    assert len(verdicts) == 22
    assert set(verdicts["verdict"]) == {"kept"}
    assert len(MoleculeTable.load(tmp_path / "candidates.h5")) == 22


def reference_table(**rows):
    """Return a reference with rows id=(converged, our dipole in D, the archive's in D, failure)."""
    molecules = [Molecule(key, np.array([8], np.uint8), np.zeros((1, 3))) for key in rows]
    direction = np.array([2.0, -1.0, 2.0]) / 3.0
    return MoleculeTable.from_molecules(
        molecules,
        {
            "scf_converged": [row[0] for row in rows.values()],
            "dipole": [row[1] * DEBYE * direction for row in rows.values()],
            "archive_dipole_norm": [row[2] * DEBYE for row in rows.values()],
            "quadrupole": [np.eye(3) * (row[1] * 0 + 1) for row in rows.values()],
        },
    ).with_texts(failure=[row[3] for row in rows.values()])


NAN = float("nan")
REFERENCE = reference_table(
    gdb_000001=(1, 1.85, 1.8595, ""),
    gdb_000002=(1, 1.85, 1.8605, ""),
    gdb_000003=(1, 1.8605, 1.85, ""),
    gdb_000004=(0, NAN, 1.85, "no convergence in 200 cycles"),
    gdb_000005=(0, 1.85, 1.85, ""),
    gdb_000006=(1, NAN, 1.85, ""),
    gdb_000007=(1, 1.85, NAN, ""),
    gdb_000008=(1, 0.0, 0.0, ""),
)


def test_reasons_after_the_reference():
    verdicts = filter_after_reference(REFERENCE, 0.01)
    assert list(verdicts["reason"]) == [
        "",
        "dipole_mismatch",
        "dipole_mismatch",
        "scf_not_converged",
        "scf_not_converged",
        "scf_not_converged",
        "dipole_mismatch",
        "",
    ]
    details = list(verdicts["detail"])
    assert details[1] == (
        "|dipole| is 1.8500 D, the archive's 1.8605 D: they differ by 0.0105 D,"
        " the tolerance is 0.01 D"
    )
    assert details[3] == "no convergence in 200 cycles"
    assert details[4] == "the SCF did not converge"
    assert "not finite" in details[5]


def test_the_tolerance_is_in_debye():
    assert filter_after_reference(REFERENCE, 0.0111)["reason"][1] == ""
    assert filter_after_reference(REFERENCE, 0.009)["reason"][0] == "dipole_mismatch"
    assert "dipole_mismatch" not in set(filter_after_reference(REFERENCE, None)["reason"])


def write(tmp_path, table, rejected=()):
    table.save(tmp_path / "archive.h5")
    frame = pd.DataFrame(rejected, columns=["record", "id", "reason"])
    frame.to_csv(tmp_path / "rejected.csv", index=False)


def select(tmp_path, uncharacterized=None):
    select_candidates(
        tmp_path / "archive.h5",
        tmp_path / "rejected.csv",
        uncharacterized,
        ELEMENTS,
        tmp_path / "candidates.h5",
        tmp_path / "verdicts.csv",
    )
    return read_verdicts(tmp_path / "verdicts.csv")


REJECTED = [
    ("dsgdb9nsd_000001.xyz", "gdb_000001", "occurs 2 times with the same content"),
    ("dsgdb9nsd_000012.xyz", "gdb_000012", "it is empty"),
    ("b/NA.xyz", "", "it is empty, too"),
    ("dsgdb9nsd_000011.xyz", "gdb_000011", "differs"),
    ("other_000011.xyz", "gdb_000011", "differs"),
]


def test_candidates_and_verdicts(tmp_path):
    write(tmp_path, CASES, REJECTED)
    (tmp_path / "list.txt").write_text("2\n8\n99\n")
    verdicts = select(tmp_path, tmp_path / "list.txt")
    assert MoleculeTable.load(tmp_path / "candidates.h5").ids == ["gdb_000001"]
    unreadable = verdicts[verdicts["reason"] == "unreadable_record"]
    assert dict(zip(unreadable["id"], unreadable["detail"], strict=True)) == {
        "b/NA.xyz": "b/NA.xyz: it is empty, too",
        "gdb_000011": "dsgdb9nsd_000011.xyz: differs; other_000011.xyz: differs",
        "gdb_000012": "dsgdb9nsd_000012.xyz: it is empty",
    }
    assert len(verdicts) == len(CASES) + 3
    assert list(verdicts["id"]) == sorted(verdicts["id"])


def test_without_a_list_nothing_is_uncharacterized(tmp_path):
    write(tmp_path, CASES)
    assert list(select(tmp_path)["verdict"][:2]) == ["kept", "kept"]


def test_nothing_left_names_the_counts_and_writes_nothing(tmp_path):
    write(tmp_path, CASES.select([3, 4, 6]), REJECTED[1:3])
    with pytest.raises(InputError) as caught:
        select(tmp_path)
    assert str(caught.value) == (
        f"No molecule of {tmp_path / 'archive.h5'} passes the filters (2 unreadable_record,"
        " 2 inchi_changed, 1 smiles_changed): check the filters of the configuration and that the"
        " archive is the right one."
    )
    assert not (tmp_path / "verdicts.csv").exists()
    assert not (tmp_path / "candidates.h5").exists()


def test_counts_add_up(tmp_path):
    write(tmp_path, CASES, REJECTED)
    (tmp_path / "list.txt").write_text("2\n8\n")
    verdicts = select(tmp_path, tmp_path / "list.txt")
    summary = summarise(verdicts)
    assert list(summary["reason"]) == list(REASONS)
    assert list(summary["count"]) == [3, 2, 2, 2, 1, 0, 0]
    assert summary["ids"][1] == "gdb_000002 gdb_000008"
    steps = funnel(verdicts)
    assert list(steps["step"]) == ["archive", *REASONS]
    assert list(steps["remaining"]) == [11, 8, 6, 4, 2, 1, 1, 1]
    assert list(steps["rejected"]) == [0, 3, 2, 2, 2, 1, 0, 0]


GOOD_CSV = "id,verdict,reason,detail\na,kept,,\nb,rejected,uncharacterized,x\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "does not exist: run the rule"),
        ("", "is damaged"),
        ('id,verdict,reason,detail\n"a,kept', "is damaged"),
        ("id,verdict\na,kept\n", "has not the columns id, verdict, reason, detail"),
        (GOOD_CSV.replace("kept", "keep"), "unknown verdict or reason"),
        (GOOD_CSV.replace("uncharacterized", "ugly"), "unknown verdict or reason"),
        (GOOD_CSV.replace("uncharacterized", ""), "unknown verdict or reason"),
        (GOOD_CSV.replace("kept,", "kept,smiles_changed"), "unknown verdict or reason"),
        (GOOD_CSV + "a,kept,,\n", "holds a twice"),
    ],
)
def test_a_damaged_table_of_verdicts_is_one_sentence(tmp_path, text, message):
    path = tmp_path / "verdicts.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=rf"verdicts\.csv {message}|verdicts\.csv .*{message}"):
        read_verdicts(path)


def test_a_key_that_looks_like_nothing_stays_a_key(tmp_path):
    path = tmp_path / "verdicts.csv"
    path.write_text("id,verdict,reason,detail\nNA,kept,,\n007,kept,,\n")
    assert list(read_verdicts(path)["id"]) == ["NA", "007"]
