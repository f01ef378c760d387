"""From an archive to a molecule table and the list of rejected records."""

import os
import random
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from qm9_records import ATOMS, name, record, write_tar

from mepflow.archives import qm9_table
from mepflow.archives.qm9_table import read_archive
from mepflow.errors import InputError
from mepflow.molecules import MoleculeTable
from mepflow.storage.files import remove_partial_files

SCRIPTS = Path(__file__).parents[3] / "workflow" / "scripts"
QM9 = Path(__file__).parents[3] / ".." / "shared" / "data" / "qm9"
needs_qm9 = pytest.mark.skipif(not QM9.is_dir(), reason="no real QM9 files here")


def ingest(archive, folder, **options):
    read_archive(archive, folder / "archive.h5", folder / "rejected.csv", **options)
    rejected = pd.read_csv(folder / "rejected.csv", keep_default_na=False)
    return MoleculeTable.load(folder / "archive.h5"), [tuple(row) for row in rejected.to_numpy()]


def test_fields_are_in_atomic_units(tmp_path):
    archive = write_tar(tmp_path / "a.tar.bz2", [(name(7), record(7))])
    table, rejected = ingest(archive, tmp_path)
    assert rejected == []
    assert table.ids == ["gdb_000007"]
    assert table.smiles == ["[OH2]"]
    assert table.texts == {
        "archive_smiles": ["O"],
        "archive_inchi": ["InChI=1S/H2O/h1H2"],
        "relaxed_inchi": ["InChI=1S/H2O/h1H2/t0"],
    }
    np.testing.assert_array_equal(table.atomic_numbers, [8, 1, 1])
    assert table.total_charge[0] == 0
    assert table.positions[0, 2] == pytest.approx(0.1173 / 0.52917721054, rel=1e-8)
    expected = {
        "archive_dipole_norm": 1.8512 / 2.541746473,
        "archive_polarizability": 6.31,
        "archive_homo": -0.2928,
        "archive_lumo": 0.0687,
        "archive_spatial_extent": 19.0002,
        "archive_energy": -76.404702 - 0.021375,
    }
    found = {key: values[0] for key, values in table.properties.items() if "charges" not in key}
    assert found == pytest.approx(expected, rel=1e-9)
    np.testing.assert_array_equal(
        table.properties["archive_mulliken_charges"], [-0.5897, 0.29485, 0.29485]
    )
    assert table.metadata == {"archive": "a.tar.bz2"}


def test_atoms_stay_with_their_molecule(tmp_path):
    hydroxyl = ("O 0. 0. 0. -0.3", "H 0. 0. 0.97 0.3")
    members = [
        (name(9), record(9)),
        (name(8), record(8, atoms=hydroxyl, wavenumbers=["3700."])),
        (name(7), record(7, atoms=[atom.replace("0.7572", "0.8") for atom in ATOMS])),
    ]
    table, _ = ingest(write_tar(tmp_path / "a.tar.bz2", members), tmp_path)
    assert table.ids == ["gdb_000007", "gdb_000008", "gdb_000009"]
    np.testing.assert_array_equal(table.atom_offsets, [0, 3, 5, 8])
    np.testing.assert_array_equal(table.molecule(1).atomic_numbers, [8, 1])
    np.testing.assert_array_equal(table.property_of("archive_mulliken_charges", 1), [-0.3, 0.3])
    sides = [table.molecule(row).positions[1, 1] * 0.52917721054 for row in (0, 2)]
    assert sides == pytest.approx([0.8, 0.7572], rel=1e-8)


def _messy_members():
    """Good records, broken ones, copies, and records that contradict each other."""
    members = [(name(number), record(number)) for number in (3, 12, 1, 40, 41, 42)]
    members += [
        (name(5), b"broken"),
        (name(6), record(16)),
        ("stray.xyz", b""),
        ("copy_of_12.xyz", record(12)),
        (name(40), record(40)),
        ("other/" + name(41), record(41, smiles="O\tN")),
        (name(41), record(41)),
        (name(3), b""),
    ]
    return members


def test_every_bad_record_is_named_and_none_ends_the_reading(tmp_path):
    table, rejected = ingest(write_tar(tmp_path / "a.tar.bz2", _messy_members()), tmp_path)
    assert table.ids == [f"gdb_{number:06d}" for number in (1, 3, 12, 40, 42)]
    copies, others = (
        "occurs 2 times with the same content: one is kept",
        "different contents: none is kept",
    )
    assert rejected == [
        (name(3), "gdb_000003", "it is empty"),
        (name(5), "gdb_000005", "its first line 'broken' is not a number of atoms"),
        (name(6), "gdb_000006", "the file's name says 6 and line 2 says gdb 16"),
        (name(12), "gdb_000012", f"gdb 12 {copies}"),
        (name(40), "gdb_000040", f"gdb 40 {copies}"),
        *[(name(41), "gdb_000041", f"gdb 41 occurs 3 times with {others}")] * 3,
        ("stray.xyz", "", "it is empty"),
    ]


def test_the_archive_s_order_changes_nothing(tmp_path):
    members = _messy_members()
    outcomes = set()
    for seed in range(6):
        random.Random(seed).shuffle(members)
        ingest(write_tar(tmp_path / "a.tar.bz2", members), tmp_path)
        outcomes.add(
            tuple((tmp_path / file).read_bytes() for file in ("archive.h5", "rejected.csv"))
        )
    assert len(outcomes) == 1


@pytest.mark.parametrize("block", [1, 2, 4, 5])
def test_blocks_change_nothing(tmp_path, monkeypatch, block):
    archive = write_tar(tmp_path / "a.tar.bz2", _messy_members())
    whole, rejected = ingest(archive, tmp_path)
    whole.save(tmp_path / "whole.h5")
    monkeypatch.setattr(qm9_table, "_BLOCK", block)
    in_blocks, rejected_in_blocks = ingest(archive, tmp_path)
    in_blocks.save(tmp_path / "blocks.h5")
    assert (tmp_path / "blocks.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert rejected_in_blocks == rejected


def test_memory_does_not_grow_with_the_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(qm9_table, "_BLOCK", 50)

    def peak_bytes(count):
        members = [(name(number), record(number)) for number in range(count, 0, -1)]
        archive = write_tar(tmp_path / "a.tar", members, "w")
        tracemalloc.start()
        read_archive(archive, tmp_path / "archive.h5", tmp_path / "rejected.csv")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(50)  # what is imported and cached at the first use
    few, many = peak_bytes(200), peak_bytes(800)
    # Water takes some 700 bytes of a table; its key, its place on disk and their sorting some 80.
    assert many - few < 150 * 600


KILLED = """
import os, signal, sys
from pathlib import Path
import pandas as pd
from mepflow.archives import qm9_table

def die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

owner, name = {victim}
setattr(owner, name, die)
folder = Path(sys.argv[1])
qm9_table.read_archive(folder / "a.tar.bz2", folder / "archive.h5", folder / "rejected.csv")
"""


@pytest.mark.parametrize(
    ("victim", "leaves_part"),
    [
        ("qm9_table.RecordFile, 'read'", False),
        ("pd.DataFrame, 'to_csv'", True),
    ],
)
def test_a_kill_leaves_no_half_table(tmp_path, victim, leaves_part):
    members = [(name(number), record(number)) for number in (1, 2, 2)]
    write_tar(tmp_path / "a.tar.bz2", members)
    there = {path.name for path in tmp_path.iterdir()}
    command = [sys.executable, "-c", KILLED.format(victim=victim), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    left = {path.name for path in tmp_path.iterdir()} - there
    assert all(name.startswith(".archive.") and ".partial." in name for name in left)
    assert bool(left) is leaves_part
    remove_partial_files(tmp_path / "archive.h5")
    assert {path.name for path in tmp_path.iterdir()} == there


def test_names_that_a_file_cannot_hold_are_escaped(tmp_path):
    members = [('a,"b\n\udcff\N{SNOWMAN}.xyz', b""), (name(1), record(1))]
    _, rejected = ingest(write_tar(tmp_path / "a.tar.bz2", members), tmp_path)
    assert rejected == [('a,"b\\n\\udcff\\u2603.xyz', "", "it is empty")]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "a.tar.bz2 holds no .xyz record"),
        ([("README", b"1")], "a.tar.bz2 holds no .xyz record"),
        (
            [(name(2), b"x"), (name(1), b"")],
            r"no usable .xyz record, all 2 were rejected, the first one \(dsgdb9nsd_000001.xyz\)"
            " because it is empty",
        ),
        (
            [(name(1), record(1)), ("b.xyz", record(1, smiles="N N"))],
            "no usable .xyz record, all 2 were rejected",
        ),
    ],
)
def test_an_archive_without_molecules_is_an_error(tmp_path, members, message):
    archive = write_tar(tmp_path / "a.tar.bz2", members)
    with pytest.raises(InputError, match=message):
        ingest(archive, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.bz2"]


def test_a_cut_archive_leaves_the_old_files(tmp_path):
    archive = write_tar(tmp_path / "a.tar.bz2", [(name(1), record(1))])
    ingest(archive, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.[hc]*")}
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(InputError, match="cut short"):
        ingest(archive, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.[hc]*")} == before


def test_the_number_of_records_can_be_demanded(tmp_path):
    archive = write_tar(tmp_path / "a.tar.bz2", [(name(1), record(1)), (name(2), b"")])
    assert len(ingest(archive, tmp_path, expected_records=2)[0]) == 1
    with pytest.raises(InputError, match="holds 2 records instead of 3: fetch it again"):
        ingest(archive, tmp_path, expected_records=3)
    with pytest.raises(InputError, match="holds more than 1 records: fetch it again"):
        ingest(archive, tmp_path, expected_records=1)


def test_reading_is_logged(tmp_path, caplog):
    archive = write_tar(tmp_path / "a.tar.bz2", [(name(1), record(1)), (name(2), b"")])
    with caplog.at_level("INFO"):
        ingest(archive, tmp_path)
    assert "1 molecules, 1 records rejected" in caplog.text


@needs_qm9
def test_real_archive_and_real_folder_agree(tmp_path):
    (tmp_path / "folder").mkdir()
    first10, _ = ingest(QM9 / "dsgdb9nsd_first10.xyz.tar.bz2", tmp_path)
    folder, rejected = ingest(QM9 / "raw", tmp_path / "folder")
    assert rejected == []
    assert folder.ids[:10] == first10.ids
    np.testing.assert_array_equal(
        folder.select(range(10)).positions,
        first10.positions,
    )
    # Published: E(CH4) = U0 − zpve; water's dipole is 1.8511 D.
    assert folder.properties["archive_energy"][0] == pytest.approx(-40.47893 - 0.044749, abs=1e-12)
    assert folder.properties["archive_dipole_norm"][2] == pytest.approx(0.728279, abs=1e-6)
    # Every molecule of QM9 is neutral, and its charges are given to 1e-6 e.
    totals = np.add.reduceat(
        folder.properties["archive_mulliken_charges"], folder.atom_offsets[:-1]
    )
    np.testing.assert_allclose(totals, 0.0, atol=1e-5)


def test_the_table_s_units_are_in_the_file(tmp_path):
    ingest(write_tar(tmp_path / "a.tar.bz2", [(name(1), record(1))]), tmp_path)
    with h5py.File(tmp_path / "archive.h5") as file:
        assert file["properties/archive_dipole_norm"].attrs["units"] == "e*bohr"
        assert file["positions"].attrs["units"] == "bohr"
