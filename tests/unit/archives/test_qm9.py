"""The parser of one record, and the list of excluded molecules."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qm9_records import ATOMS, PROPERTIES, WAVENUMBERS, name, record

from mepflow.archives.qm9 import (
    COLUMNS,
    Record,
    RecordError,
    Rejected,
    gdb_id,
    parse_record,
    read_records,
    read_uncharacterized,
)
from mepflow.errors import InputError

QM9 = Path(__file__).parents[3] / ".." / "shared" / "data" / "qm9"
needs_qm9 = pytest.mark.skipif(not QM9.is_dir(), reason="no real QM9 files here")


def test_every_column_arrives():
    parsed = parse_record(record(7), name(7))
    assert parsed.number == 7
    assert parsed.source == "dsgdb9nsd_000007.xyz"
    assert parsed.atomic_numbers == [8, 1, 1]
    expected = [[0, 0, 0.1173], [0, 0.7572, -0.4692], [0, -0.7572, -0.4692]]
    np.testing.assert_array_equal(parsed.positions, expected)
    np.testing.assert_array_equal(parsed.mulliken_charges, [-0.5897, 0.29485, 0.29485])
    np.testing.assert_array_equal(parsed.properties, np.array(PROPERTIES, dtype=float))
    np.testing.assert_array_equal(parsed.wavenumbers, np.array(WAVENUMBERS, dtype=float))
    assert (parsed.archive_smiles, parsed.relaxed_smiles) == ("O", "[OH2]")
    assert (parsed.archive_inchi, parsed.relaxed_inchi) == (
        "InChI=1S/H2O/h1H2",
        "InChI=1S/H2O/h1H2/t0",
    )


def test_columns_are_those_of_the_paper():
    assert " ".join(COLUMNS) == "A B C mu alpha homo lumo gap r2 zpve U0 U H G Cv"


@pytest.mark.parametrize("text", ["-6.5*^-6", "-6.5*^-06", "-6.5e-6", "-6.5E-6", "-0.0000065"])
def test_every_exponent(text):
    atoms = (f"O\t{text}\t0.\t0.1173\t-0.5", *ATOMS[1:])
    assert parse_record(record(atoms=atoms), name(7)).positions[0, 0] == -6.5e-6


@pytest.mark.parametrize(
    "content",
    [
        record(after=""),
        record(after="\n\n \t\n"),
        record().replace(b"\n", b"\r\n"),
        record().replace(b"\t", b" "),
    ],
)
def test_white_space_does_not_matter(content):
    parsed = parse_record(content, name(7))
    np.testing.assert_array_equal(parsed.positions, parse_record(record(), name(7)).positions)
    assert parsed.relaxed_inchi.endswith("/t0")


def test_a_linear_molecule_has_one_more_wavenumber():
    assert len(parse_record(record(wavenumbers=(*WAVENUMBERS, "10.")), name(7)).wavenumbers) == 4


def test_an_atom_has_no_wavenumber():
    neon = record(atoms=("Ne\t0.0\t0.0\t0.0\t0.0",), wavenumbers=(), smiles="[Ne]\t[Ne]")
    parsed = parse_record(neon, name(7))
    assert (parsed.atomic_numbers, len(parsed.wavenumbers)) == ([10], 0)


SECOND = record().decode().split("\n")[1]
DAMAGE = {
    "empty": (b"", "empty"),
    "blank": (b" \n\n", "empty"),
    "count not a number": (record(count="three"), "'three' is not a number of atoms"),
    "count negative": (record(count="-3"), "'-3' is not a number"),
    "count zero": (record(count="0"), "'0' is not a number"),
    "count fractional": (record(count="3.0"), "'3.0' is not a number"),
    "count endless": (record(count="9" * 6000), "is not a number of atoms"),
    "count too small": (record(count="2"), "goes on for 1 lines after line 7"),
    "count too large": (record(count="4"), "ends before its lines of InChI"),
    "count far too large": (record(count="9000"), "ends after 6 of its 9000 atoms"),
    "only a count": (b"3\n", "ends after 0 of its 3 atoms"),
    "no wavenumbers": (b"\n".join(record().split(b"\n")[:5]), "of wavenumbers, SMILES, InChI"),
    "no InChI": (b"\n".join(record().split(b"\n")[:7]), "lines of InChI"),
    "trailing junk": (record(after="\nextra\n"), "1 lines after line 8"),
    "two records": (record() + record(), "8 lines after line 8"),
    "16 columns": (record(second=SECOND.rstrip().rsplit("\t", 1)[0]), "16 columns instead of 17"),
    "18 columns": (record(second=SECOND + "1.0"), "18 columns instead of 17"),
    "another tag": (record(second=SECOND.replace("gdb", "qm9")), "'qm9 7', which is no GDB key"),
    "key 0": (record(second=SECOND.replace("gdb 7", "gdb 0")), "'gdb 0', which is no GDB key"),
    "key negative": (record(second=SECOND.replace("gdb 7", "gdb -7")), "no GDB key"),
    "key too long": (record(second=SECOND.replace("gdb 7", "gdb 0000000007")), "no GDB key"),
    "other key": (record(8), "the file's name says 7 and line 2 says gdb 8"),
    "property nan": (record(second=SECOND.replace("1.8512", "nan")), "line 2 holds a number"),
    "property inf": (record(second=SECOND.replace("1.8512", "-inf")), "not finite"),
    "property overflow": (record(second=SECOND.replace("1.8512", "1e999")), "not finite"),
    "property text": (record(second=SECOND.replace("1.8512", "1.8.5")), "'1.8.5', which is not"),
    "two exponents": (record(second=SECOND.replace("1.8512", "1*^2*^3")), "which is not a number"),
    "underscore": (record(second=SECOND.replace("1.8512", "1_8")), r"character b'_'"),
    "4 columns": (record(atoms=(*ATOMS[:2], "H 0. 0. 1.")), "atom 3 has 4 columns instead of 5"),
    "6 columns": (record(atoms=(*ATOMS[:2], ATOMS[2] + " 1")), "atom 3 has 6 columns"),
    "element": (record(atoms=("Xx" + ATOMS[0][1:], *ATOMS[1:])), "atom 1 is of the unknown"),
    "element's case": (record(atoms=("o" + ATOMS[0][1:], *ATOMS[1:])), "unknown element 'o'"),
    "position nan": (record(atoms=("O nan 0. 0. 0.", *ATOMS[1:])), "an atom's line holds a numb"),
    "charge text": (record(atoms=("O 0. 0. 0. -", *ATOMS[1:])), "'-', which is not a number"),
    "far away": (record(atoms=("O 0. 2e3 0. 0.", *ATOMS[1:])), "farther than 1000 Å"),
    "coincident": (record(atoms=(*ATOMS, "H 0. 0.757 -0.45 0.1")), "atoms 2 and 4 are closer"),
    "few wavenumbers": (record(wavenumbers=WAVENUMBERS[:2]), "2 wavenumbers instead of 3 or 4"),
    "many wavenumbers": (record(wavenumbers=("1",) * 5), "5 wavenumbers instead of 3 or 4"),
    "wavenumber text": (record(wavenumbers=("1", "2", "x")), "line of wavenumbers holds 'x'"),
    "one SMILES": (record(smiles="O"), "1 SMILES instead of 2"),
    "three SMILES": (record(smiles="O O O"), "3 SMILES instead of 2"),
    "one InChI": (record(inchi="InChI=1S/H2O/h1H2"), "1 InChI instead of 2"),
    "no InChI prefix": (record(inchi="InChI=1S/H2O/h1H2\tO"), "does not hold two InChI"),
    "not ASCII": (record(smiles="O\t\xe9"), r"character b'\\xe9'"),
    "zero byte": (record(smiles="O\tO\0"), r"character b'\\x00'"),
}


@pytest.mark.parametrize(("content", "reason"), DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_named(content, reason):
    with pytest.raises(RecordError, match=reason):
        parse_record(content, name(7))


def test_close_atoms_are_measured_in_angstrom():
    def at(distance):
        atoms = ("O 0. 0. 0. 0.", f"H {distance} 0. 0. 0.", "H 0. 1. 0. 0.")
        return parse_record(record(atoms=atoms), name(7))

    assert at(0.31).positions[1, 0] == 0.31
    with pytest.raises(RecordError, match=r"atoms 1 and 2 are closer than 0\.3 Å"):
        at(0.29)


@pytest.mark.parametrize("source", ["gdb_000007.xyz", "dsgdb9nsd_7.xyz", "water.xyz", "x_8.xyz"])
def test_a_name_without_another_key_is_accepted(source):
    assert parse_record(record(7), source).number == 7


def _outcome(content: bytes) -> Record | RecordError:
    try:
        return parse_record(content, name(7))
    except RecordError as error:
        return error


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_parser(content):
    assert isinstance(_outcome(content), RecordError)


@given(st.integers(0, 400), st.integers(0, 12), st.binary(max_size=12))
def test_no_change_of_a_record_crashes_the_parser(start, length, put):
    content = record()
    outcome = _outcome(content[:start] + put + content[start + length :])
    if isinstance(outcome, Record):
        assert outcome.number == 7
        assert outcome.positions.shape == (len(outcome.atomic_numbers), 3)
        assert all(
            np.isfinite(values).all()
            for values in (outcome.positions, outcome.properties, outcome.wavenumbers)
        )
    else:
        assert "\n" not in str(outcome)


@given(
    st.lists(st.floats(-1e11, 1e11, allow_subnormal=False), min_size=15, max_size=15),
    st.sampled_from(["e", "*^", "E"]),
)
def test_numbers_arrive_exactly(values, exponent):
    second = "gdb 7\t" + "\t".join(repr(value).replace("e", exponent) for value in values)
    parsed = parse_record(record(second=second), name(7))
    np.testing.assert_array_equal(parsed.properties, values)


@needs_qm9
def test_real_records_are_read():
    records = list(read_records(QM9 / "raw"))
    assert len(records) == 22
    by_number = {item.number: item for item in records if isinstance(item, Record)}
    assert sorted(by_number) == [*range(1, 21), 212, 1458]
    pyrrole = by_number[212]
    assert pyrrole.positions[0, 0] == 2.1997e-6
    assert (pyrrole.archive_smiles, pyrrole.relaxed_smiles) == ("CN1C=CC=C1", "Cn1cccc1")
    # Water's columns, as other sources of QM9 give them too.
    water = dict(zip(COLUMNS, by_number[3].properties, strict=True))
    assert (water["mu"], water["alpha"], water["r2"]) == (1.8511, 6.31, 19.0002)
    assert (water["zpve"], water["U0"]) == (0.021375, -76.404702)


@needs_qm9
def test_real_records_without_their_last_lines_are_rejected_by_name():
    items = list(read_records(QM9 / "raw_trimmed"))
    assert len(items) == 111
    assert all(isinstance(item, Rejected) for item in items)
    assert {item.reason for item in items} == {
        "it ends before its lines of wavenumbers, SMILES, InChI"
    }
    assert (items[0].record, items[0].id) == ("gdb_000777.xyz", "gdb_000777")


@needs_qm9
def test_the_real_archive_s_layout_is_read():
    items = list(read_records(QM9 / "dsgdb9nsd_first10.xyz.tar.bz2"))
    assert [item.number for item in items] == list(range(1, 11))


ORIGINAL = """

Text about the molecules among the 133885 of the archive,
133885 of them in all.
=====================================
#   Index        GDB17   B3LYP   Corina   D_IJ
=====================================
      58         N       N       [NH]     6.036217
     120         O       O       [OH]     5.631463
  133866         C       C       [CH]    44.1
=====================================
"""


def _list(tmp_path, text):
    path = tmp_path / "uncharacterized.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_listed_keys_are_the_numbers_of_gdb(tmp_path):
    original = ORIGINAL.replace("133885 of them in all.\n", "")
    assert read_uncharacterized(_list(tmp_path, original)) == {
        "gdb_000058",
        "gdb_000120",
        "gdb_133866",
    }
    # i counts from 1: molecule "gdb 58" is meant, not its neighbours.
    parsed = parse_record(record(58), name(58))
    listed = read_uncharacterized(_list(tmp_path, "58\n"))
    assert gdb_id(parsed.number) in listed
    assert not {gdb_id(57), gdb_id(59)} & listed


def test_a_table_may_have_other_columns(tmp_path):
    text = "Left out\n====\n# Index SMILES\n====\n  58  CCCC\n 120  C=O\n====\n"
    assert read_uncharacterized(_list(tmp_path, text)) == {"gdb_000058", "gdb_000120"}


@pytest.mark.parametrize("text", ["58\n120\n", "gdb_000058\ngdb_120", "# keys\n\n  58 \n120\n"])
def test_a_plain_list_will_do(tmp_path, text):
    assert read_uncharacterized(_list(tmp_path, text)) == {"gdb_000058", "gdb_000120"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no key"),
        ("Text alone, without a key\n=====\n", "holds no key"),
        ("0\n1\n2\n", "line 1: '0' is not a key .* counted from 1"),
        ("58\n-3\n", "line 2: '-3'"),
        ("58\n12o\n", "line 2: '12o'"),
        ("58\ngdb_12o\n", "line 2: 'gdb_12o'"),
        ("58\nabc\n", "line 2: 'abc'"),
        ("58 120\n", "line 1: '58 120'"),
        ("1234567\n", "line 1"),
        ("====\n0 CCCC\n", "line 2: '0 CCCC'"),
        ("====\n58.5 CCCC\n", "line 2: '58.5 CCCC'"),
        (ORIGINAL, "line 4: '133885 of them in all.'"),
    ],
)
def test_a_list_that_is_not_one_is_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_uncharacterized(_list(tmp_path, text))


def test_a_list_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.txt does not exist"):
        read_uncharacterized(tmp_path / "nowhere.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe58")
    with pytest.raises(InputError, match="cannot be read as text"):
        read_uncharacterized(tmp_path / "binary")


@needs_qm9
def test_the_original_list():
    listed = read_uncharacterized(QM9 / "uncharacterized.txt")
    assert len(listed) == 3054
    assert {"gdb_000058", "gdb_000061", "gdb_133866"} <= listed
    assert not {"gdb_000057", "gdb_000059", "gdb_000060", "gdb_133867"} & listed
    assert "gdb_133885" not in listed
