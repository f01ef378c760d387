"""From an archive of SPICE's format to a molecule table and the list of rejected groups."""

import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from spice_groups import AMMONIUM, make_group, write_spice

from mepflow.archives import spice_table
from mepflow.archives.spice_table import read_archive
from mepflow.errors import ConfigError, InputError
from mepflow.molecules import MoleculeTable

ROOT = Path(__file__).parents[3]
SPICE = ROOT / ".." / "shared" / "data" / "spice"
needs_spice = pytest.mark.skipif(not SPICE.is_dir(), reason="no real SPICE files here")


def ingest(archive, folder, **options):
    read_archive(archive, folder / "archive.h5", folder / "rejected.csv", **options)
    rejected = pd.read_csv(folder / "rejected.csv", keep_default_na=False)
    return MoleculeTable.load(folder / "archive.h5"), [tuple(row) for row in rejected.to_numpy()]


def messy_groups():
    """An ion, two readable molecules with an unusable conformer, and what is not readable."""
    damaged = make_group(seed=5)
    damaged["dft_total_energy"] = np.array([-1.0, -2, -9, -3])
    damaged["scf_dipole"][2] = np.nan
    return {
        "water": make_group(seed=2),
        "empty": {},
        "damaged": damaged,
        "ion": make_group(AMMONIUM, charge=1.0, seed=3),
        "broken": {**make_group(), "scf_dipole": np.zeros(3)},
    }


NAN = "scf_dipole holds a number that is not finite or not plausible"
BROKEN = ("broken", "broken", "scf_dipole has the shape (3,) instead of (4, 3)")
EMPTY = ("empty", "empty", "it is empty")


def test_the_lowest_conformer_of_each_group(tmp_path):
    groups = messy_groups()
    archive = write_spice(tmp_path / "spice.hdf5", groups)
    table, rejected = ingest(archive, tmp_path)
    assert rejected == [BROKEN, ("damaged:2", "damaged", NAN), EMPTY]
    assert table.ids == ["damaged", "ion", "water"]
    assert table.smiles == ["O", "[NH4+]", "O"]
    assert table.texts == {
        "archive_group": table.ids,
        "archive_subset": ["made up"] * 3,
        "molecule": table.smiles,
    }
    np.testing.assert_array_equal(table.total_charge, [0, 1, 0])
    np.testing.assert_array_equal(np.diff(table.atom_offsets), [3, 5, 3])
    assert table.properties["archive_conformer"][0] == 3
    for row, name in enumerate(table.ids):
        content = groups[name]
        number = int(table.properties["archive_conformer"][row])
        np.testing.assert_array_equal(table.molecule(row).atomic_numbers, content["atomic_numbers"])
        np.testing.assert_array_equal(
            table.molecule(row).positions, content["conformations"][number]
        )
        np.testing.assert_array_equal(
            table.property_of("archive_mbis_dipoles", row), content["mbis_dipoles"][number]
        )
        if row:
            assert number == np.argmin(content["dft_total_energy"])
    assert table.metadata == {"archive": "spice.hdf5"}
    assert set(table.properties) == {
        "archive_conformer",
        "archive_energy",
        "archive_dipole",
        "archive_quadrupole",
        "archive_largest_force",
        "archive_radical_electrons",
        "archive_mbis_charges",
        "archive_mbis_dipoles",
        "archive_mbis_quadrupoles",
    }


def test_rows_have_their_conformer_s_number_where_there_can_be_several(tmp_path):
    archive = write_spice(tmp_path / "spice.hdf5", messy_groups())
    table, rejected = ingest(archive, tmp_path, conformers="all")
    damaged = [f"damaged:{number}" for number in (0, 1, 3)]
    others = [f"{name}:{number}" for name in ("ion", "water") for number in range(4)]
    assert table.ids == damaged + others
    assert table.texts["archive_group"] == ["damaged"] * 3 + ["ion"] * 4 + ["water"] * 4
    assert rejected == [BROKEN, ("damaged:2", "damaged:2", NAN), EMPTY]
    fewer, _ = ingest(archive, tmp_path, conformers=1)
    energies = dict(zip(table.ids, table.properties["archive_energy"], strict=True))
    for name, key in zip(("damaged", "ion", "water"), fewer.ids, strict=True):
        assert key.startswith(f"{name}:")
        lowest = min(value for other, value in energies.items() if other.startswith(name))
        assert energies[key] == lowest


@pytest.mark.parametrize("conformers", ["lowest", "all"])
def test_gradients_are_kept_where_they_are_wanted(tmp_path, conformers):
    groups = {name: make_group(seed=seed) for seed, name in enumerate(("one", "two"))}
    del groups["two"]["dft_total_gradient"]
    archive = write_spice(tmp_path / "spice.hdf5", groups)
    without, _ = ingest(archive, tmp_path, conformers=conformers)
    table, _ = ingest(archive, tmp_path, conformers=conformers, gradients=True)
    assert set(table.properties) - set(without.properties) == {"archive_gradient"}
    for row, group in enumerate(table.texts["archive_group"]):
        number = int(table.properties["archive_conformer"][row])
        gradient = table.property_of("archive_gradient", row)
        if group == "two":
            assert gradient.shape == (3, 3)
            assert np.isnan(gradient).all()
            continue
        np.testing.assert_array_equal(gradient, groups[group]["dft_total_gradient"][number])
        assert table.properties["archive_largest_force"][row] == np.abs(gradient).max()


def test_blocks_change_nothing(tmp_path, monkeypatch):
    archive = write_spice(tmp_path / "spice.hdf5", messy_groups())
    whole, rejected = ingest(archive, tmp_path, conformers="all")
    monkeypatch.setattr(spice_table, "_BLOCK_ATOMS", 1)
    blocks, rejected_in_blocks = ingest(archive, tmp_path, conformers="all")
    assert rejected_in_blocks == rejected
    assert (blocks.ids, blocks.smiles, blocks.texts) == (whole.ids, whole.smiles, whole.texts)
    np.testing.assert_array_equal(blocks.atom_offsets, whole.atom_offsets)
    np.testing.assert_array_equal(blocks.positions, whole.positions)
    for name, values in whole.properties.items():
        np.testing.assert_array_equal(blocks.properties[name], values)


def test_memory_does_not_grow_with_the_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(spice_table, "_BLOCK_ATOMS", 300)

    def peak_bytes(count):
        groups = {f"{number:03d}": make_group(seed=number) for number in range(count)}
        archive = write_spice(tmp_path / "spice.hdf5", groups)
        tracemalloc.start()
        read_archive(archive, tmp_path / "archive.h5", tmp_path / "rejected.csv", None, "all")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(10)  # what is imported and cached at the first use
    few, many = peak_bytes(50), peak_bytes(150)
    # A table that holds four conformers of water takes some 11,000 bytes of memory for each group.
    assert many - few < 3_000 * 100


def test_the_same_archive_gives_the_same_bytes(tmp_path):
    groups = messy_groups()
    outcomes = set()
    for order in (sorted(groups), sorted(groups, reverse=True)):
        archive = write_spice(tmp_path / "spice.hdf5", {name: groups[name] for name in order})
        ingest(archive, tmp_path, conformers="all")
        outcomes.add(
            tuple((tmp_path / file).read_bytes() for file in ("archive.h5", "rejected.csv"))
        )
    assert len(outcomes) == 1


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({}, r"spice\.hdf5 holds no group: check that it is an archive of SPICE"),
        (
            {"b": {}, "a": {"smiles": ["O"]}},
            r"spice\.hdf5 holds no usable group, all 2 were rejected, the first one \(a\) because"
            " it has no atomic_numbers, dft_total_energy, conformations",
        ),
    ],
)
def test_an_archive_without_molecules_is_an_error(tmp_path, groups, message):
    archive = write_spice(tmp_path / "spice.hdf5", groups)
    with pytest.raises(InputError, match=message):
        ingest(archive, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["spice.hdf5"]


def test_the_number_of_groups_can_be_demanded(tmp_path):
    archive = write_spice(tmp_path / "spice.hdf5", messy_groups())
    assert len(ingest(archive, tmp_path, expected_records=5)[0]) == 3
    with pytest.raises(InputError, match="holds 5 groups instead of 6: fetch it again"):
        ingest(archive, tmp_path, expected_records=6)


def test_a_cut_archive_leaves_the_old_files(tmp_path):
    archive = write_spice(tmp_path / "spice.hdf5", messy_groups())
    ingest(archive, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.[hc]*")}
    archive.write_bytes(archive.read_bytes()[:-1])
    before["spice.hdf5"] = archive.read_bytes()
    with pytest.raises(InputError, match="cut short"):
        ingest(archive, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.[hc]*")} == before


@pytest.mark.parametrize("number", [0, -1])
def test_no_conformers_are_a_wrong_setting(tmp_path, number):
    with pytest.raises(ConfigError, match=f"conformers is {number}: give lowest, all or"):
        ingest(tmp_path / "none.hdf5", tmp_path, conformers=number)


def test_reading_is_logged(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(spice_table, "_LOG_INTERVAL", 2)
    archive = write_spice(tmp_path / "spice.hdf5", messy_groups())
    with caplog.at_level("INFO"):
        ingest(archive, tmp_path)
    assert "4 of 5 groups read" in caplog.text
    assert "3 conformers taken, 3 records rejected" in caplog.text


@needs_spice
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("SPICE-1.1.4_n2.hdf5", {"lowest": 2, 3: 6, "all": 55}),
        ("molflux_spice_mock_data.h5", {"lowest": 5, 3: 10, "all": 10}),
    ],
)
def test_real_archives(tmp_path, name, rows):
    for selection, count in rows.items():
        table, rejected = ingest(SPICE / name, tmp_path, conformers=selection)
        assert rejected == []
        assert len(table) == count
        with h5py.File(SPICE / name) as file:
            for row in range(count):
                _check_row(table, row, file[table.texts["archive_group"][row]], selection)


def _check_row(table, row, group, selection):
    number = int(table.properties["archive_conformer"][row])
    energies = group["dft_total_energy"][()]
    assert table.properties["archive_energy"][row] == energies[number]
    assert selection == "all" or np.sum(energies < energies[number]) < (selection == "lowest" or 3)
    molecule = table.molecule(row)
    positions = group["conformations"][number].astype(float)
    np.testing.assert_array_equal(molecule.positions, positions)
    np.testing.assert_array_equal(molecule.atomic_numbers, group["atomic_numbers"])
    assert (
        table.properties["archive_largest_force"][row]
        == np.abs(group["dft_total_gradient"][number]).max()
    )
    assert table.texts["archive_subset"][row] == group["subset"].asstr()[0]
    assert table.properties["archive_radical_electrons"][row] == 0
    charge = molecule.total_charge
    assert charge == group["smiles"].asstr()[0].count("+")
    z = molecule.atomic_numbers.astype(float)
    centre = z @ positions / z.sum()
    dipole = group["scf_dipole"][number].astype(float)
    np.testing.assert_allclose(
        table.properties["archive_dipole"][row], dipole - charge * centre, atol=1e-12
    )
    # The second moment about the new origin, then its traceless part.
    moment = group["scf_quadrupole"][number].astype(float)
    mixed = np.outer(centre, dipole)
    moment = moment - mixed - mixed.T + charge * np.outer(centre, centre)
    np.testing.assert_allclose(
        table.properties["archive_quadrupole"][row],
        3 * moment - np.trace(moment) * np.eye(3),
        atol=1e-10,
    )
    for name in ("charges", "dipoles", "quadrupoles"):
        found = table.property_of(f"archive_mbis_{name}", row)
        if f"mbis_{name}" not in group:
            assert np.isnan(found).all()
            continue
        raw = group[f"mbis_{name}"][number].astype(float)
        if name == "charges":
            raw = raw[:, 0]
        if name == "quadrupoles":
            raw = 3 * raw - np.trace(raw, axis1=1, axis2=2)[:, None, None] * np.eye(3)
        np.testing.assert_allclose(found, raw, atol=1e-13)


@needs_spice
def test_known_values_of_a_real_archive(tmp_path):
    table, _ = ingest(SPICE / "SPICE-1.1.4_n2.hdf5", tmp_path)
    assert table.ids == ["103147721", "C#C.[Na+]"]
    assert table.smiles == ["C[C@H]([NH3+])C1CCCCC1", "C#C.[Na+]"]
    assert table.texts["molecule"] == ["CC([NH3+])C1CCCCC1", "C#C.[Na+]"]
    assert np.isfinite(table.property_of("archive_mbis_charges", 0)).all()
    assert np.isnan(table.property_of("archive_mbis_charges", 1)).all()


@needs_spice
def test_geometries_alone_are_no_archive(tmp_path):
    with pytest.raises(InputError, match=r"all 378 were rejected, the first one \(BrC\(Br\)Br\)"):
        ingest(SPICE / "des-monomers.hdf5", tmp_path)
