"""From frames of extended XYZ to a molecule table: keys, units, forms and origins of labels."""

import ase.units
import numpy as np
import pandas as pd
import pytest
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_masses
from ase.io import write
from extxyz_frames import HYDROXIDE, PROPERTIES, WATER, frame, write_frames

from mepflow import units
from mepflow.archives.extxyz_table import read_archive
from mepflow.errors import ConfigError, InputError
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge, quadrupole_terms


def ingest(path, folder, **options):
    chosen = {"labels": ["dipole"]} | options
    read_archive(path, folder / "archive.h5", folder / "rejected.csv", **chosen)
    rejected = pd.read_csv(folder / "rejected.csv", keep_default_na=False)
    return MoleculeTable.load(folder / "archive.h5"), [tuple(row) for row in rejected.to_numpy()]


def ethanol(seed=1):
    """Return an ethanol molecule with random labels, as a calculator of ASE gives them."""
    rng = np.random.default_rng(seed)
    atoms = molecule("CH3CH2OH")
    results = {
        "energy": -4000.0 * rng.random(),
        "forces": rng.normal(size=(9, 3)),
        "dipole": rng.normal(size=3),
        "charges": rng.normal(size=9),
    }
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms, results


def test_what_ase_writes(tmp_path):
    pairs = [ethanol(seed) for seed in (1, 2)]
    write(tmp_path / "a.extxyz", [atoms for atoms, _ in pairs])
    labels = ["energy", "forces", "dipole", "mulliken_charges"]
    table, rejected = ingest(tmp_path / "a.extxyz", tmp_path, labels=labels, expected_records=2)
    assert rejected == []
    assert table.ids == ["frame-000001", "frame-000002"]
    # The names are those of the same molecule, and energies of ASE have other constants.
    assert len(set(table.texts["molecule"])) == 1
    assert table.texts["molecule"][0].startswith("C2H6O-")
    for row, (atoms, results) in enumerate(pairs):
        close = {"rtol": 1e-7, "atol": 1e-7}
        positions = atoms.positions / ase.units.Bohr
        np.testing.assert_allclose(table.molecule(row).positions, positions, **close)
        for name, unit in (
            ("energy", ase.units.Hartree),
            ("dipole", ase.units.Bohr),
            ("mulliken_charges", 1.0),
        ):
            expected = results[name.removeprefix("mulliken_")] / unit
            np.testing.assert_allclose(table.property_of(f"archive_{name}", row), expected, **close)
        gradient = -results["forces"] / ase.units.Hartree * ase.units.Bohr
        np.testing.assert_allclose(table.property_of("archive_gradient", row), gradient, **close)
        assert table.properties["archive_largest_force"][row] == pytest.approx(
            np.abs(gradient).max()
        )
        norm = np.linalg.norm(results["dipole"]) / ase.units.Bohr
        assert table.properties["archive_dipole_norm"][row] == pytest.approx(norm, rel=1e-7)


def test_the_reference_is_preferred_as_mace_has_it(tmp_path):
    text = frame('energy=1 REF_energy=2 dipole="1 1 1" REF_dipole="0 0 4"')
    table, _ = ingest(write_frames(tmp_path / "a", text), tmp_path, labels=["energy", "dipole"])
    assert table.properties["archive_energy"][0] == pytest.approx(2 / units.HARTREE_IN_EV)
    expected = [0, 0, 4 * units.ANGSTROM_IN_BOHR]
    np.testing.assert_allclose(table.properties["archive_dipole"][0], expected)


def test_keys_and_units_of_the_row(tmp_path):
    text = frame('E=-1.5 mu="0 0 1" q=-1 who=first', HYDROXIDE)
    keys = {"energy": "E", "dipole": "mu", "charge": "q", "id": "who"}
    chosen = {"energy": "kcal/mol", "dipole": "debye"}
    table, _ = ingest(
        write_frames(tmp_path / "a", text), tmp_path, labels=list(chosen), keys=keys, units=chosen,
        multipole_origin="nuclear_charge",
    )  # fmt: skip
    assert table.ids == ["first"]
    assert table.total_charge.tolist() == [-1]
    # 1 debye is 0.393430 e·bohr, 1 hartree 627.5095 kcal/mol.
    assert table.properties["archive_energy"][0] == pytest.approx(-1.5 / 627.5095, rel=1e-6)
    assert table.properties["archive_dipole"][0, 2] == pytest.approx(0.3934303, rel=1e-6)


CHARGES = np.array([-0.7, 0.3, -0.6])
"""Those of an anion, so that every origin has its own dipole."""


def moments(origin, form):
    """Return dipole (3,) in e·Å and quadrupole (3, 3) in e·Å² of CHARGES on water."""
    relative = np.array([row[1:] for row in WATER]) - origin
    second = np.einsum("a,ai,aj->ij", CHARGES, relative, relative)
    traceless = second - np.trace(second) / 3 * np.eye(3)
    factor = {"traceless": 1.0, "buckingham": 1.5, "theta_prime": 3.0}
    return CHARGES @ relative, second if form == "second_moment" else factor[form] * traceless


ORIGINS = {
    "coordinates": np.zeros(3),
    "nuclear_charge": np.array([0, 0, (8 * 0.1 - 0.5 * 2) / 10]),
    "mass": np.array(
        [
            0,
            0,
            (0.1 * atomic_masses[8] - atomic_masses[1]) / (atomic_masses[8] + 2 * atomic_masses[1]),
        ]
    ),
}


@pytest.mark.parametrize("form", ["second_moment", "traceless", "buckingham", "theta_prime"])
@pytest.mark.parametrize("origin", ORIGINS)
def test_every_form_and_origin_gives_our_multipoles(tmp_path, form, origin):
    dipole, quadrupole = moments(ORIGINS[origin], form)
    text = frame(
        f'charge=-1 dipole="{" ".join(map(repr, dipole.tolist()))}"'
        f' quadrupole="_JSON {quadrupole.tolist()}"'
    )
    table, rejected = ingest(
        write_frames(tmp_path / "a", text), tmp_path, labels=["dipole", "quadrupole"],
        quadrupole_form=form, multipole_origin=origin,
    )  # fmt: skip
    assert rejected == []
    molecule = table.molecule(0)
    relative = molecule.positions - centre_of_nuclear_charge(
        molecule.atomic_numbers, molecule.positions
    )
    np.testing.assert_allclose(
        table.properties["archive_dipole"][0], CHARGES @ relative, atol=1e-12
    )
    np.testing.assert_allclose(
        table.properties["archive_quadrupole"][0],
        quadrupole_terms(CHARGES, relative).sum(axis=0),
        atol=1e-12,
    )


def test_a_smiles_says_more_than_a_geometry(tmp_path):
    plain, named = (
        frame(f"{pairs} charge=-1 dipole='1 2 3'", HYDROXIDE) for pairs in ("", 'smiles="[OH-]"')
    )
    hf = (("H", 0, 0, 0), ("F", 0, 0, 0.92))
    fluoride = frame("smiles=F dipole='1 2 3'", hf)
    radical = frame("dipole='1 2 3'", HYDROXIDE)
    path = write_frames(tmp_path / "a", plain, named, fluoride, radical)
    table, rejected = ingest(path, tmp_path)
    assert rejected == []
    assert table.smiles == ["", "[OH-]", "F", ""]
    assert table.total_charge.tolist() == [-1, -1, 0, 0]
    assert table.texts["molecule"][1:3] == ["[OH-]", "F"]
    assert table.properties["archive_radical_electrons"].tolist() == [0, 0, 0, 1]


CHARGED = [(*row, k / 10) for k, row in enumerate(WATER)]
BAD = {
    "nothing": ("", "it has none of dipole, quadrupole"),
    "shape": ('dipole="1 2"', "its dipole is not 3 numbers"),
    "text": ("dipole=large", "its dipole is no number"),
    "truth": ("dipole=T", "its dipole is not 3 numbers"),
    "nan": ('dipole="1 2 nan"', "its dipole is not finite or not plausible"),
    "huge": ('dipole="1 2 1e13"', "its dipole is not finite or not plausible"),
    "lopsided": (
        'dipole="1 2 3" quadrupole="1 5 0 0 1 0 0 0 1"',
        "its quadrupole is not symmetric",
    ),
    "alone": ('quadrupole="1 0 0 0 1 0 0 0 1"', "it has a quadrupole, but no dipole to move"),
    "half": ('charge=0.5 dipole="1 2 3"', "its total charge is 0.5 e, not a whole number"),
    "many": ('charge=101 dipole="1 2 3"', "its total charge is no number up to 100"),
    "word": ('charge=one dipole="1 2 3"', "its total charge is no number up to 100"),
    "SMILES": ('smiles=CC dipole="1 2 3"', "the atoms of its SMILES are not its"),
    "other SMILES": ('charge=1 smiles=O dipole="1 2 3"', "its charge is 1 e, that of its SMILES 0"),
    "list of SMILES": ('smiles="1 2" dipole="1 2 3"', "its smiles is no text"),
    "id": ('id="1.5 2" dipole="1 2 3"', "its id is no printable text"),
    "same id": ('id=one dipole="1 2 3"', "its id one is also that of the frame in line 1"),
}


@pytest.mark.parametrize(("pairs", "reason"), BAD.values(), ids=BAD)
def test_a_bad_label_rejects_its_frame(tmp_path, pairs, reason):
    good = 'dipole="1 2 3" quadrupole="1 0 0 0 1 0 0 0 1"'
    path = write_frames(
        tmp_path / "a", frame(f"id=one {good}"), frame(pairs), frame(f"id=two {good}")
    )
    table, rejected = ingest(
        path, tmp_path, labels=["dipole", "quadrupole"], quadrupole_form="second_moment"
    )
    assert table.ids == ["one", "two"]
    assert [row[0] for row in rejected] == ["line 6"]
    assert reason in rejected[0][2]


def test_a_column_of_another_width_rejects_its_frame(tmp_path):
    text = frame("", CHARGED, f"{PROPERTIES}:forces:R:1")
    with pytest.raises(InputError, match="its column forces has not 3 numbers per atom"):
        ingest(write_frames(tmp_path / "a", text), tmp_path, labels=["forces"])


def test_a_trace_contradicts_a_traceless_form(tmp_path):
    text = frame('dipole="1 2 3" quadrupole="1 0 0 0 1 0 0 0 1"')
    with pytest.raises(InputError, match="has a trace, which the form buckingham has not"):
        ingest(
            write_frames(tmp_path / "a", text), tmp_path, labels=["dipole", "quadrupole"],
            quadrupole_form="buckingham",
        )  # fmt: skip


def test_a_missing_label_is_nan_where_there_is_another(tmp_path):
    path = write_frames(tmp_path / "a", frame("energy=1"), frame('dipole="1 2 3"'))
    table, rejected = ingest(path, tmp_path, labels=["energy", "dipole"])
    assert rejected == []
    assert np.isnan(table.properties["archive_energy"]).tolist() == [False, True]
    assert np.isnan(table.properties["archive_dipole"]).all(axis=1).tolist() == [True, False]


def test_the_length_of_an_ions_dipole_cannot_be_moved(tmp_path):
    path = write_frames(
        tmp_path / "a", frame("energy=1 charge=-1 dipole_norm=2"), frame("energy=1 dipole_norm=2")
    )
    table, _ = ingest(path, tmp_path, labels=["energy", "dipole_norm"])
    lengths = table.properties["archive_dipole_norm"]
    assert np.isnan(lengths).tolist() == [True, False]
    assert lengths[1] == pytest.approx(2 * units.ANGSTROM_IN_BOHR)


SETTINGS = {
    "no form": ({"labels": ["quadrupole"]}, "set its quadrupole_form to one of second_moment"),
    "potential": ({"labels": ["mep"]}, "cannot hold the label 'mep'"),
    "key": ({"keys": {"dipol": "mu"}}, "keys of the archive name 'dipol'"),
    "unit": (
        {"units": {"dipole": "cm"}},
        r"units.dipole of the archive is 'cm', not one of e\*ang",
    ),
}


@pytest.mark.parametrize(("settings", "message"), SETTINGS.values(), ids=SETTINGS)
def test_settings_that_do_not_fit_are_refused(tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        ingest(write_frames(tmp_path / "a", frame()), tmp_path, **settings)


@pytest.mark.parametrize(
    ("expected", "message"), [(1, "more than 1"), (3, "2 frames instead of 3")]
)
def test_another_number_of_frames_is_refused(tmp_path, expected, message):
    path = write_frames(tmp_path / "a", frame(), frame())
    with pytest.raises(InputError, match=message):
        ingest(path, tmp_path, expected_records=expected)
    assert not (tmp_path / "archive.h5").exists()


def test_a_file_without_frames_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no frame"):
        ingest(write_frames(tmp_path / "a", ""), tmp_path)


def test_blocks_change_nothing(tmp_path, monkeypatch):
    path = write_frames(tmp_path / "a", *(frame(f'dipole="{k} 0 1"') for k in range(5)))
    whole, _ = ingest(path, tmp_path)
    monkeypatch.setattr("mepflow.archives.extxyz_table._BLOCK_ATOMS", 6)
    parts, _ = ingest(path, tmp_path)
    assert parts.ids == whole.ids
    np.testing.assert_array_equal(
        parts.properties["archive_dipole"], whole.properties["archive_dipole"]
    )


def test_two_molecules_without_a_smiles_are_two(tmp_path):
    far = [("O" if row[0] == "O" else "H", row[1], row[2] + 9, row[3]) for row in WATER]
    text = frame(atoms=[*WATER, *far])
    table, _ = ingest(write_frames(tmp_path / "a", text), tmp_path)
    assert [part[:4] for part in table.texts["molecule"][0].split(".")] == ["H2O-"] * 2
