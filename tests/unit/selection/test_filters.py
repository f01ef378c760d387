"""Every filter, the order in which they count, and the files they read and write."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mepflow.archives.qm9_table import read_archive
from mepflow.archives.spice_table import read_archive as read_spice
from mepflow.errors import ConfigError, InputError
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.selection.filters import (
    filters_after_reference,
    filters_before_reference,
    select_candidates,
)
from mepflow.selection.verdicts import COLUMNS, REASONS, judge, read_funnel, read_verdicts
from reference_cases import DEBYE, EIGHT_MOLECULES

QM9 = Path(__file__).parents[3] / ".." / "shared" / "data" / "qm9"
SPICE = QM9.with_name("spice")
needs_spice = pytest.mark.skipif(not SPICE.is_dir(), reason="no real SPICE files here")
needs_qm9 = pytest.mark.skipif(not QM9.is_dir(), reason="no real QM9 files here")
SETTINGS = {
    "elements": ["H", "C", "N", "O", "F"],
    "neutral": True,
    "single_molecule": False,
    "unique_molecules": False,
    "subsets": None,
    "max_atoms": None,
    "largest_force_hartree_per_bohr": None,
    "dipole_tolerance_debye": 0.01,
}


def before(table, listed=None, **changes):
    """Return the verdicts before the reference with some settings changed."""
    return judge(table.ids, filters_before_reference(table, listed, SETTINGS | changes))


def after(reference, tolerance):
    return judge(reference.ids, filters_after_reference(reference, tolerance))


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
    verdicts = before(CASES, LISTED)
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


def test_filters_are_in_the_order_of_the_reasons():
    whole = {
        "single_molecule": True,
        "unique_molecules": True,
        "subsets": ["A"],
        "max_atoms": 3,
        "largest_force_hartree_per_bohr": 1.0,
    }
    table = CONFORMERS.with_texts(archive_smiles=[""] * 11, **dict.fromkeys(INCHI, [""] * 11))
    filters = [
        *filters_before_reference(table, (), SETTINGS | whole),
        *filters_after_reference(EIGHT_MOLECULES, 0.01),
    ]
    assert ["unreadable_record", *filters] == list(REASONS)


def test_a_filter_that_is_off_is_no_step():
    assert list(filters_before_reference(CASES, None, SETTINGS)) == [
        "unsupported_element",
        "charged",
        "inchi_changed",
        "smiles_changed",
    ]
    assert list(filters_before_reference(CONFORMERS, None, SETTINGS | {"neutral": False})) == [
        "unsupported_element",
        "open_shell",
    ]
    assert list(filters_after_reference(EIGHT_MOLECULES, None)) == ["scf_not_converged"]


@given(st.permutations(range(len(CASES))))
def test_the_order_of_the_molecules_does_not_matter(order):
    verdicts = before(CASES.select(order), LISTED)
    expected = before(CASES, LISTED)
    pd.testing.assert_frame_equal(verdicts.sort_values("id", ignore_index=True), expected)


def test_the_elements_are_a_choice():
    verdicts = before(CASES, elements=["H", "C", "N", "O", "S", "P"])
    assert "unsupported_element" not in set(verdicts["reason"])
    verdicts = before(CASES, elements=["C", "O"])
    assert verdicts["detail"][0] == "holds H; supported are C, O"
    with pytest.raises(ConfigError, match=r"filters\.elements holds 'Xx', which is no element"):
        before(CASES, elements=["H", "Xx"])


def test_a_table_without_pairs_is_filtered_by_the_rest():
    table = MoleculeTable.from_molecules([CASES.molecule(row) for row in range(len(CASES))])
    reasons = before(table, LISTED)["reason"]
    assert set(reasons) == {"", "uncharacterized", "unsupported_element"}


INCHI = ("archive_inchi", "relaxed_inchi")


def conformer_table(**rows):
    """Return a table of SPICE's kind, rows group_conformer=(SMILES, subset, energy, changes)."""
    molecules = [
        Molecule(
            key,
            np.array(changes.get("numbers", [6, 8, 1]), np.uint8),
            np.eye(len(changes.get("numbers", [6, 8, 1])), 3),
            changes.get("charge", 0),
            smiles,
        )
        for key, (smiles, _, _, changes) in rows.items()
    ]
    properties = {
        "archive_energy": [energy for _, _, energy, _ in rows.values()],
        "archive_largest_force": [c.get("force", 0.02) for *_, c in rows.values()],
        "archive_radical_electrons": [c.get("unpaired", 0) for *_, c in rows.values()],
    }
    return MoleculeTable.from_molecules(molecules, properties).with_texts(
        archive_group=[key.split("_")[0] for key in rows],
        archive_subset=[subset for _, subset, _, _ in rows.values()],
        molecule=[smiles.replace("@", "") for smiles, *_ in rows.values()],
    )


CONFORMERS = conformer_table(
    a_0=("CO", "A", -2.0, {}),
    b_0=("CN", "B", -1.0, {}),
    c_0=("C[O-]", "A", -1.0, {"charge": -1}),
    d_0=("C[NH3+]", "A", -1.0, {"charge": 2}),
    e_0=("[CH3]", "A", -1.0, {"unpaired": 1}),
    f_0=("C.O.O", "A", -1.0, {}),
    g_0=("CCO", "A", -1.0, {"numbers": [6, 6, 8, 1]}),
    h_0=("COC", "A", -1.0, {"force": 1.2345}),
    i_0=("CCN", "A", -1.0, {"force": float("nan")}),
    j_0=("CCC", "A", -1.0, {"force": 1.0}),
    k_0=("C[I]", "A", -1.0, {"numbers": [6, 53, 9]}),
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"subsets": ["A"]}, {"b_0": ("other_subset", "in the subset 'B'")}),
        ({"subsets": ["B", "A"]}, {}),
        (
            {"neutral": True},
            {
                "c_0": ("charged", "the total charge is -1 e"),
                "d_0": ("charged", "the total charge is +2 e"),
            },
        ),
        ({"single_molecule": True}, {"f_0": ("several_molecules", "3 molecules: C.O.O")}),
        ({"max_atoms": 3}, {"g_0": ("too_large", "4 atoms, the limit is 3")}),
        (
            {"largest_force_hartree_per_bohr": 1.0},
            {
                "h_0": (
                    "large_force",
                    "largest force component 1.234 hartree/bohr, the limit is 1 hartree/bohr",
                ),
                "i_0": ("large_force", "no gradient in the archive"),
            },
        ),
        (
            {"elements": ["H", "C", "N", "O"]},
            {"k_0": ("unsupported_element", "holds F, I; supported are H, C, N, O")},
        ),
    ],
)
def test_each_filter_rejects_what_it_is_for(changes, expected):
    lenient = {"neutral": False, "elements": ["H", "C", "N", "O", "F", "I"]}
    verdicts = before(CONFORMERS, **(lenient | changes))
    rejected = verdicts[verdicts["verdict"] == "rejected"]
    found = {row.id: (row.reason, row.detail) for row in rejected.itertuples()}
    assert found == {"e_0": ("open_shell", "unpaired electrons: 1"), **expected}


def test_a_subset_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(
        ConfigError, match="subsets holds 'C', which the archive has not: it has 'A', 'B'"
    ):
        before(CONFORMERS, subsets=["A", "C"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subsets": ["A"]}, r"filters\.subsets needs archive_subset, .* to null"),
        (
            {"largest_force_hartree_per_bohr": 1.0},
            r"largest_force_hartree_per_bohr needs archive_largest_force, .* set it to null",
        ),
        (
            {"unique_molecules": True},
            r"unique_molecules needs archive_group, molecule, .* to false",
        ),
    ],
)
def test_a_setting_without_its_column_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        before(CASES, **changes)


def test_two_molecules_without_a_smiles_are_named_by_their_bonds():
    names = ["H2O-aa.H2O-aa", "H2O-aa"]
    water = np.array([8, 1, 1], np.uint8)
    molecules = [Molecule(name, water, np.eye(3)) for name in names]
    table = MoleculeTable.from_molecules(molecules).with_texts(molecule=names)
    verdicts = before(table, single_molecule=True)
    assert list(verdicts["reason"]) == ["several_molecules", ""]
    assert verdicts["detail"][0] == "2 molecules: H2O-aa.H2O-aa"


def test_a_torn_bond_is_no_single_molecule():
    water = np.array([[0.0, 0, 0], [0, 0, 1.8], [0, 1.8, 0]])
    stretched, torn = water.copy(), water.copy()
    stretched[1] *= 1.3
    torn[1] *= 5.0
    numbers = np.array([8, 1, 1], np.uint8)
    frames = {"whole": water, "stretched": stretched, "torn": torn}
    molecules = [Molecule(name, numbers, frame, 0, "O") for name, frame in frames.items()]
    table = MoleculeTable.from_molecules(molecules)
    verdicts = before(table, single_molecule=True).set_index("id")
    assert verdicts["reason"].to_dict() == {
        "whole": "", "stretched": "", "torn": "several_molecules"
    }  # fmt: skip
    assert verdicts.loc["torn", "detail"] == "a torn bond: O lies in 2 parts"
    assert (before(table, single_molecule=False)["reason"] == "").all()


DUPLICATES = conformer_table(
    low_0=("CO", "A", -2.0, {}),
    low_1=("CO", "A", -0.5, {}),
    high_0=("CO", "A", -1.9, {}),
    high_1=("CO", "A", -1.0, {}),
    left_0=("C[C@H](O)F", "A", -1.0, {}),
    right_0=("C[C@@H](O)F", "A", -1.1, {}),
    tie_0=("CN", "A", -1.0, {}),
    equal_0=("CN", "A", -1.0, {}),
    bad_0=("CCO", "A", -3.0, {"force": 2.0}),
    good_0=("CCO", "A", -1.0, {}),
    nan_0=("CCN", "A", float("nan"), {}),
    real_0=("CCN", "A", 5.0, {}),
    alone_0=("CCC", "A", float("nan"), {}),
)


@given(st.permutations(range(len(DUPLICATES))))
def test_of_duplicates_the_group_with_the_lowest_energy_is_kept(order):
    table = DUPLICATES.select(order)
    verdicts = before(table, unique_molecules=True, largest_force_hartree_per_bohr=1.0)
    rejected = verdicts[verdicts["verdict"] == "rejected"]
    assert {row.id: (row.reason, row.detail) for row in rejected.itertuples()} == {
        "high_0": ("duplicate", "the same molecule as low"),
        "high_1": ("duplicate", "the same molecule as low"),
        "tie_0": ("duplicate", "the same molecule as equal"),
        "nan_0": ("duplicate", "the same molecule as real"),
        "bad_0": (
            "large_force",
            "largest force component 2 hartree/bohr, the limit is 1 hartree/bohr",
        ),
    }


@needs_qm9
def test_real_records_are_unchanged(tmp_path):
    read_archive(QM9 / "raw", tmp_path / "archive.h5", tmp_path / "rejected.csv")
    select_candidates(
        tmp_path / "archive.h5",
        tmp_path / "rejected.csv",
        QM9 / "uncharacterized.txt",
        SETTINGS,
        tmp_path / "candidates.h5",
        tmp_path / "verdicts.csv",
        tmp_path / "funnel.csv",
    )
    verdicts = read_verdicts(tmp_path / "verdicts.csv")
    assert len(verdicts) == 22
    assert set(verdicts["verdict"]) == {"kept"}
    assert len(MoleculeTable.load(tmp_path / "candidates.h5")) == 22


def test_reasons_after_the_reference():
    verdicts = after(EIGHT_MOLECULES, 0.01)
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
    assert after(EIGHT_MOLECULES, 0.0111)["reason"][1] == ""
    assert after(EIGHT_MOLECULES, 0.009)["reason"][0] == "dipole_mismatch"
    assert "dipole_mismatch" not in set(after(EIGHT_MOLECULES, None)["reason"])


def test_vectors_are_compared_where_the_archive_has_them():
    """A dipole of the right length in another direction, or with the wrong sign, is another one."""
    ours = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [0.0, 0.006, 1.008]])
    theirs = np.array([[0.0, 0.0, 1.0]] * 4)
    reference = EIGHT_MOLECULES.select([0, 7, 0, 7]).with_properties(
        dipole=ours * DEBYE,
        archive_dipole=theirs * DEBYE,
        archive_dipole_norm=np.full(4, DEBYE),
    )
    verdicts = after(reference, 0.0099)
    assert list(verdicts["reason"]) == ["", "dipole_mismatch", "dipole_mismatch", "dipole_mismatch"]
    assert list(after(reference, 0.0101)["reason"])[3] == ""
    assert verdicts["detail"][1] == (
        "the dipole is (0.0000, 1.0000, 0.0000) D, the archive's (0.0000, 0.0000, 1.0000) D: they"
        " differ by 1.4142 D, the tolerance is 0.0099 D"
    )


def write(tmp_path, table, rejected=()):
    table.save(tmp_path / "archive.h5")
    frame = pd.DataFrame(rejected, columns=["record", "id", "reason"])
    frame.to_csv(tmp_path / "rejected.csv", index=False)


def select(tmp_path, uncharacterized=None):
    select_candidates(
        tmp_path / "archive.h5",
        tmp_path / "rejected.csv",
        uncharacterized,
        SETTINGS,
        tmp_path / "candidates.h5",
        tmp_path / "verdicts.csv",
        tmp_path / "funnel.csv",
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
    for name in ("verdicts.csv", "funnel.csv", "candidates.h5"):
        assert not (tmp_path / name).exists()


def test_the_funnel_has_the_filters_that_were_applied(tmp_path):
    write(tmp_path, CASES, REJECTED)
    (tmp_path / "list.txt").write_text("2\n8\n")
    select(tmp_path, tmp_path / "list.txt")
    steps = read_funnel(tmp_path / "funnel.csv").itertuples(index=False, name=None)
    assert list(steps) == [
        ("archive", 0, 11),
        ("unreadable_record", 3, 8),
        ("uncharacterized", 2, 6),
        ("unsupported_element", 2, 4),
        ("charged", 0, 4),
        ("inchi_changed", 2, 2),
        ("smiles_changed", 1, 1),
    ]


@needs_spice
def test_real_groups_of_an_ion_and_of_an_ion_pair(tmp_path):
    read_spice(SPICE / "SPICE-1.1.4_n2.hdf5", tmp_path / "archive.h5", tmp_path / "r.csv", 2, "all")
    table = MoleculeTable.load(tmp_path / "archive.h5")
    is_pair = ["." in smiles for smiles in table.smiles]
    expected = ["unsupported_element" if pair else "charged" for pair in is_pair]
    assert list(before(table)["reason"]) == expected
    verdicts = before(
        table,
        elements=["H", "C", "N", "Na"],
        neutral=False,
        single_molecule=True,
        unique_molecules=True,
        largest_force_hartree_per_bohr=1.0,
    )
    assert list(verdicts["reason"] == "several_molecules") == is_pair
    assert list(verdicts["verdict"] == "kept") == [not pair for pair in is_pair]
