"""One group of SPICE: what is taken from it, in which convention, and why it is rejected."""

import random
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from spice_groups import AMMONIUM, UNITS, make_group, write_spice

from mepflow.archives.hdf5 import open_file, root_links
from mepflow.archives.rejected_records import Rejected
from mepflow.archives.spice import Group, read_groups
from mepflow.multipoles import dipole_terms, quadrupole_terms

SPICE = Path(__file__).parents[3] / ".." / "shared" / "data" / "spice"
needs_spice = pytest.mark.skipif(not SPICE.is_dir(), reason="no real SPICE files here")


def read_file(path, selection="all"):
    with open_file(path) as file:
        return list(read_groups(file, root_links(file), selection))


def read(folder, content, selection="all", units=UNITS):
    """Return what becomes of one group."""
    (item,) = read_file(write_spice(folder / "spice.hdf5", {"name": content}, units), selection)
    return item


def reason(folder, content, selection="all", units=UNITS):
    item = read(folder, content, selection, units)
    assert isinstance(item, Rejected)
    assert (item.record, item.id) == ("name", "name")
    assert "\n" not in item.reason
    return item.reason


def centred(group, conformer):
    weights = group.atomic_numbers / group.atomic_numbers.sum()
    return conformer.positions - weights @ conformer.positions


@pytest.mark.parametrize(("smiles", "charge"), [("[H:2][O:1][H:3]", 0), (AMMONIUM, 1)])
def test_moments_are_those_of_the_atoms_about_the_centre_of_nuclear_charge(
    tmp_path, smiles, charge
):
    content = make_group(smiles, charge=charge, shift=(5.0, -3.0, 2.0))
    group = read(tmp_path, content)
    assert group.species.total_charge == charge
    assert [c.number for c in group.conformers] == [0, 1, 2, 3]
    for c in group.conformers:
        positions = centred(group, c)
        dipole = c.mbis_charges @ positions + c.mbis_dipoles.sum(axis=0)
        np.testing.assert_allclose(c.dipole, dipole, atol=1e-10)
        # Θ' written out: charges, dipoles and the atoms' own Θ'.
        expected = c.mbis_quadrupoles.sum(axis=0)
        for q, r, mu in zip(c.mbis_charges, positions, c.mbis_dipoles, strict=True):
            outer = np.outer(r, mu) + np.outer(mu, r)
            expected = expected + q * (3 * np.outer(r, r) - r @ r * np.eye(3))
            expected = expected + 3 * outer - 2 * (r @ mu) * np.eye(3)
        np.testing.assert_allclose(c.quadrupole, expected, atol=1e-10)
        raw = content["mbis_quadrupoles"][c.number]
        np.testing.assert_allclose(
            c.mbis_quadrupoles,
            3 * raw - np.trace(raw, axis1=1, axis2=2)[:, None, None] * np.eye(3),
            atol=1e-12,
        )


@pytest.mark.parametrize(("smiles", "charge"), [("[H:2][O:1][H:3]", 0), (AMMONIUM, 1)])
def test_the_frame_of_the_archive_changes_no_label(tmp_path, smiles, charge):
    groups = [
        read(tmp_path, make_group(smiles, charge=charge, shift=shift))
        for shift in ((0.0, 0.0, 0.0), (11.0, -7.0, 23.0))
    ]
    for here, there in zip(*(group.conformers for group in groups), strict=True):
        assert np.abs(there.positions - here.positions).min() > 6
        np.testing.assert_allclose(there.dipole, here.dipole, atol=1e-10)
        np.testing.assert_allclose(there.quadrupole, here.quadrupole, atol=1e-10)


def test_everything_else_arrives_as_it_is(tmp_path):
    content = make_group()
    group = read(tmp_path, content)
    assert (group.name, group.subset) == ("name", "made up")
    assert group.species.smiles == "O"
    np.testing.assert_array_equal(group.atomic_numbers, [8, 1, 1])
    for c in group.conformers:
        np.testing.assert_array_equal(c.positions, content["conformations"][c.number])
        np.testing.assert_array_equal(c.mbis_charges, content["mbis_charges"][c.number, :, 0])
        np.testing.assert_array_equal(c.mbis_dipoles, content["mbis_dipoles"][c.number])
        assert c.energy == content["dft_total_energy"][c.number]
        assert c.largest_force == np.abs(content["dft_total_gradient"][c.number]).max()


def test_selection_by_energy_and_number(tmp_path):
    content = make_group(conformers=6)
    content["dft_total_energy"] = np.array([-1.0, -3.0, -2.0, -3.0, -5.0, -2.0])

    def taken(selection):
        return [c.number for c in read(tmp_path, content, selection).conformers]

    assert taken("lowest") == [4]
    assert taken(2) == [1, 4]
    assert taken(3) == [1, 3, 4]
    assert taken(4) == [1, 2, 3, 4]
    assert taken(99) == taken("all") == [0, 1, 2, 3, 4, 5]
    positions = read(tmp_path, content, 4).conformers[2].positions
    np.testing.assert_array_equal(positions, content["conformations"][3])


def test_the_next_conformer_is_taken_for_an_unusable_one(tmp_path):
    content = make_group(conformers=8)
    content["dft_total_energy"] = np.array([-1.0, -2, -3, -4, -5, -6, -7, np.nan])
    content["conformations"][6, 1, 2] = np.inf
    content["scf_dipole"][5, 0] = np.nan
    content["scf_quadrupole"][4, 0, 0] = 1e30
    content["scf_quadrupole"][3, 0, 1] += 1.0
    content["conformations"][2, 1] = content["conformations"][2, 2] + 0.1
    not_finite = "holds a number that is not finite or not plausible"
    reasons = {
        7: "its energy is not finite or not plausible",
        6: f"conformations {not_finite}",
        5: f"scf_dipole {not_finite}",
        4: f"scf_quadrupole {not_finite}",
        3: "scf_quadrupole is not symmetric",
        2: "atoms 2 and 3 are closer than 0.3 Å",
    }
    for selection, numbers in (("lowest", [1]), (2, [0, 1]), ("all", [0, 1])):
        group = read(tmp_path, content, selection)
        assert [c.number for c in group.conformers] == numbers
        assert group.left_out == reasons
    content["dft_total_energy"][:2] = np.inf
    assert reason(tmp_path, content) == (
        "none of its 8 conformers is usable, number 0 because its energy is not finite or not"
        " plausible"
    )


def test_rows_of_other_conformers_are_not_read(tmp_path):
    """A dataset in chunks whose other chunks cannot be decoded is read all the same."""
    content = make_group(conformers=5)
    content["dft_total_energy"] = np.array([0.0, -1, -2, -1, -1])
    gradient = content.pop("dft_total_gradient")

    def write(group):
        dataset = group.create_dataset(
            "dft_total_gradient", data=gradient, chunks=(1, 3, 3), fletcher32=True
        )
        for number in (0, 1, 3, 4):
            dataset.id.write_direct_chunk((number, 0, 0), b"damaged", filter_mask=0)

    content["gradient"] = write
    group = read(tmp_path, content, "lowest")
    assert group.conformers[0].largest_force == np.abs(gradient[2]).max()
    assert "dft_total_gradient cannot be read" in reason(tmp_path, content, "all")


def test_what_may_be_absent(tmp_path):
    content = make_group()
    for name in ("subset", "dft_total_gradient", "mbis_charges", "mbis_octupoles"):
        del content[name]
    group = read(tmp_path, content, units={})
    assert group.subset == ""
    for c in group.conformers:
        assert np.isnan(c.largest_force)
        assert c.mbis_charges.shape == (3,)
        assert np.isnan(c.mbis_charges).all()
        assert np.isfinite(c.mbis_dipoles).all()
    for name in ("mbis_dipoles", "mbis_quadrupoles"):
        del content[name]
    for c in read(tmp_path, content).conformers:
        assert np.isnan(c.mbis_dipoles).all()
        assert c.mbis_quadrupoles.shape == (3, 3, 3)
        assert np.isnan(c.mbis_quadrupoles).all()
        assert np.isfinite(c.quadrupole).all()


@pytest.mark.parametrize(
    "names", [("dft_total_gradient",), ("mbis_charges", "mbis_dipoles", "mbis_quadrupoles")]
)
def test_an_empty_list_is_an_absent_quantity(tmp_path, names):
    group = make_group()
    found = read(tmp_path, group | {name: np.empty(0, np.float32) for name in names})
    conformer = found.conformers[0]
    absent = conformer.largest_force if len(names) == 1 else conformer.mbis_charges
    assert np.isnan(absent).all()
    assert len(found.conformers) == 4
    assert reason(tmp_path, group | {"scf_dipole": np.empty(0)}).startswith("scf_dipole has the")


def test_optional_numbers_that_are_not_finite_are_nan(tmp_path):
    content = make_group()
    content["mbis_charges"][1, 2] = np.inf
    content["dft_total_gradient"][2, 0, 0] = np.nan
    conformers = read(tmp_path, content).conformers
    assert [bool(np.isnan(c.mbis_charges).all()) for c in conformers] == [False, True, False, False]
    assert [bool(np.isnan(c.largest_force)) for c in conformers] == [False, False, True, False]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("smiles", lambda v: np.array(v[0].encode())),
        ("smiles", lambda v: np.array([v[0].encode()])),
        ("smiles", lambda v: v[0]),
        ("subset", lambda v: v[0]),
        ("mbis_charges", lambda v: v[:, :, 0]),
        ("atomic_numbers", lambda v: v.astype(np.uint8)),
        ("atomic_numbers", lambda v: v.astype(">i8")),
        ("scf_dipole", lambda v: v.astype(np.longdouble)),
    ],
)
def test_other_forms_of_the_same(tmp_path, name, change):
    expected = read(tmp_path, make_group())
    content = make_group()
    content[name] = change(content[name])
    found = read(tmp_path, content)
    assert found.species == expected.species
    assert found.subset == expected.subset
    np.testing.assert_array_equal(found.atomic_numbers, expected.atomic_numbers)
    for one, other in zip(found.conformers, expected.conformers, strict=True):
        np.testing.assert_array_equal(one.mbis_charges, other.mbis_charges)
        np.testing.assert_array_equal(one.dipole, other.dipole)


def test_single_precision_and_integers(tmp_path):
    content = make_group()
    content["conformations"] = content["conformations"].astype(np.float32)
    content["dft_total_energy"] = np.array([-1, -2, -3, -4])
    group = read(tmp_path, content)
    assert group.conformers[0].positions.dtype == np.float64
    assert [c.energy for c in group.conformers] == [-1.0, -2.0, -3.0, -4.0]


def test_a_single_conformer_with_a_scalar_energy(tmp_path):
    content = make_group(conformers=1)
    content["dft_total_energy"] = -5.0
    assert [c.energy for c in read(tmp_path, content).conformers] == [-5.0]


def _without(*names):
    return lambda content: [content.pop(name) for name in names]


def _with(name, value):
    return lambda content: content.update({name: value})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (dict.clear, "it is empty"),
        (_without("smiles"), "it has no smiles"),
        (
            _without("scf_quadrupole", "dft_total_energy"),
            "it has no dft_total_energy, scf_quadrupole",
        ),
        (
            _with("conformations", np.zeros((4, 2, 3))),
            r"conformations has the shape \(4, 2, 3\) instead of \(4, 3, 3\)",
        ),
        (_with("scf_dipole", np.zeros((3, 3))), r"scf_dipole has the shape \(3, 3\) instead of"),
        (_with("mbis_charges", np.zeros((4, 3, 2))), r"mbis_charges has the shape \(4, 3, 2\)"),
        (_with("mbis_dipoles", np.zeros((4, 3, 3, 1))), "mbis_dipoles has the shape"),
        (_with("dft_total_gradient", np.zeros(4)), "dft_total_gradient has the shape"),
        (_with("dft_total_energy", np.zeros((4, 1))), "dft_total_energy has the shape"),
        (_with("dft_total_energy", np.zeros(0)), "it holds no conformer"),
        (_with("atomic_numbers", np.zeros((3, 1), int)), "atomic_numbers has the shape"),
        (_with("atomic_numbers", np.zeros(0, int)), "atomic_numbers has the shape"),
        (_with("atomic_numbers", np.ones(1001, int)), "not that of 1 to 1000 atoms"),
        (_with("atomic_numbers", np.array([8, 1, 0])), "atomic number 0, which is no element's"),
        (_with("atomic_numbers", np.array([8, 1, -1])), "atomic number -1, which"),
        (_with("atomic_numbers", np.array([8, 1, 119])), "atomic number 119, which"),
        (
            _with("atomic_numbers", np.array([8, 1, 2**64 - 1], np.uint64)),
            "atomic number 18446744073709551615",
        ),
        (_with("atomic_numbers", np.array([8.0, 1, 1])), "atomic_numbers is of the type float64"),
        (_with("atomic_numbers", np.array([1, 8, 1])), "atoms of its SMILES are not its"),
        (_with("dft_total_energy", ["a"] * 4), "dft_total_energy is of the type object"),
        (_with("scf_dipole", np.zeros((4, 3), complex)), "scf_dipole is of the type complex128"),
        (_with("scf_dipole", np.zeros((4, 3), bool)), "scf_dipole is of the type bool"),
        (_with("scf_dipole", np.zeros((4, 3), [("x", float)])), "scf_dipole is of the type"),
        (_with("scf_dipole", h5py.Empty("f8")), "scf_dipole holds nothing"),
        (_with("smiles", 1.0), "smiles is of the type float64"),
        (_with("smiles", ["O", "O"]), "smiles is not one text"),
        (_with("smiles", [""]), "its SMILES has 0 characters"),
        (_with("smiles", ["O" * 40_000]), "smiles is not one text of up to 32768 bytes"),
        (_with("smiles", ["not a molecule"]), "its SMILES 'not a molecule' cannot be read"),
        (_with("smiles", np.array([b"\xff"])), "smiles is not UTF-8 text"),
        (_with("conformations", np.full((4, 3, 3), 5000.0)), "farther than 1000 Å"),
    ],
)
def test_every_rejection_has_its_reason(tmp_path, change, expected):
    content = make_group()
    change(content)
    assert re.search(expected, reason(tmp_path, content))


@pytest.mark.parametrize("name", sorted(UNITS))
@pytest.mark.parametrize("unit", ["nanometers", b"kJ/mol", 1.5, ["a", "b"], "x" * 40_000])
def test_another_unit_is_an_error(tmp_path, name, unit):
    found = reason(tmp_path, make_group(), units={**UNITS, name: unit})
    assert re.fullmatch(rf"{name} is in '.{{0,40}}' instead of {re.escape(UNITS[name])}", found)


def test_units_as_bytes_or_in_an_array(tmp_path):
    units = {name: unit.encode() for name, unit in UNITS.items()}
    units["conformations"] = ["bohr"]
    assert isinstance(read(tmp_path, make_group(), units=units), Group)


@pytest.mark.parametrize(
    ("n_atoms", "n_conformers", "expected"),
    [
        (1000, 2**40, "dft_total_energy has the shape .* not that of up to 100000 conformers"),
        (2**40, 4, "atomic_numbers has the shape"),
        (1000, 100_000, "it holds 100000 conformers of 1000 atoms"),
    ],
)
def test_no_memory_is_taken_for_sizes_that_are_not_plausible(
    tmp_path, n_atoms, n_conformers, expected
):
    """Datasets in chunks that were never written claim any size in a file of kilobytes."""
    content = make_group()

    def claim(name, shape, dtype):
        def write(group):
            group.create_dataset(name, shape, dtype, chunks=(1,) * len(shape), fillvalue=1)

        content[name] = write

    claim("atomic_numbers", (n_atoms,), "i2")
    claim("dft_total_energy", (n_conformers,), "f8")
    claim("conformations", (n_conformers, n_atoms, 3), "f4")
    assert re.search(expected, reason(tmp_path, content))


def test_large_chunks_are_not_read(tmp_path):
    content = make_group()

    def write(group):
        group.create_dataset("scf_dipole", (4, 3), "f8", maxshape=(None, 3), chunks=(10_000_000, 3))

    content["scf_dipole"] = write
    assert reason(tmp_path, content) == "scf_dipole is in chunks of 240000000 bytes"


def test_nothing_outside_the_file_is_read(tmp_path):
    """Links out of a group and values kept in other files, each to something that exists."""
    other = tmp_path / "other.hdf5"
    write_spice(other, {"inside": make_group()})
    values = make_group()["scf_dipole"]
    (tmp_path / "values.bin").write_bytes(values.tobytes())

    def virtual(group):
        layout = h5py.VirtualLayout(values.shape, "f8")
        layout[:] = h5py.VirtualSource(str(other), "inside/scf_dipole", shape=values.shape)
        group.create_virtual_dataset("scf_dipole", layout)

    def external(group):
        stored = [(str(tmp_path / "values.bin"), 0, values.nbytes)]
        group.create_dataset("scf_dipole", values.shape, "f8", external=stored)

    def external_link(group):
        group["scf_dipole"] = h5py.ExternalLink(str(other), "inside/scf_dipole")

    def soft_link(group):
        group["kept"] = values
        group["scf_dipole"] = h5py.SoftLink("/name/kept")

    def subgroup(group):
        group.create_group("scf_dipole")

    not_followed = "scf_dipole is a link to another place, which is not followed"
    elsewhere = "scf_dipole is kept in another file, which is not read"
    for write, expected in (
        (virtual, elsewhere),
        (external, elsewhere),
        (external_link, not_followed),
        (soft_link, not_followed),
        (subgroup, "scf_dipole is not a dataset"),
    ):
        assert reason(tmp_path, {**make_group(), "scf_dipole": write}) == expected


def test_roots_that_are_no_groups_of_this_file(tmp_path):
    other = write_spice(tmp_path / "other.hdf5", {"inside": make_group()})
    path = write_spice(tmp_path / "spice.hdf5", {"c": make_group(), "e\nf": make_group()})
    with h5py.File(path, "a") as file:
        file["a"] = h5py.ExternalLink(str(other), "inside")
        file["b"] = h5py.SoftLink("/c")
        file["d"] = np.zeros(3)
        file[b"\xff"] = np.zeros(3)
        file["F\\C=C\\F, é"] = np.zeros(3)
    link = "it is a link to another place, which is not followed"
    found = {item.record: item.reason for item in read_file(path) if isinstance(item, Rejected)}
    assert found == {
        "a": link,
        "b": link,
        "d": "it is not a group",
        "e\\nf": "its name is not printable text",
        "\\\\xff": "its name is not printable text",
        "F\\C=C\\F, é": "it is not a group",
    }


def test_a_damaged_dataset_is_its_group_s_own_fault(tmp_path):
    groups = {"a": make_group(), "b": make_group()}
    path = write_spice(tmp_path / "spice.hdf5", groups, libver="latest")
    content = path.read_bytes()
    last = content.rindex(b"OHDR")
    path.write_bytes(content[:last] + b"XXXX" + content[last + 4 :])
    group, rejected = read_file(path)
    assert isinstance(group, Group)
    assert rejected.record == "b"
    assert rejected.reason.startswith("scf_quadrupole cannot be read: ")


@pytest.mark.parametrize("track_order", [False, True])
@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_groups_come_in_the_order_of_their_names(tmp_path, track_order, libver):
    names = [f"{number}" for number in range(30)]
    random.Random(1).shuffle(names)
    path = tmp_path / "spice.hdf5"
    group = make_group(conformers=1)
    write_spice(path, dict.fromkeys(names, group), track_order=track_order, libver=libver)
    assert [item.name for item in read_file(path)] == sorted(names)


VALUES = (
    None, 0, 1.5, "text", np.array([b"\xff"]), np.zeros(0), np.zeros((4, 3)), np.zeros((4, 3, 3)),
    np.full((4, 3, 3), np.nan), np.zeros((4, 3, 1), complex), np.ones((4, 3), bool),
    np.zeros(4, [("a", "i4"), ("b", "f8")]), ["O"] * 4, h5py.Empty("f4"), np.full(4, 1e300),
    np.arange(3), np.array([8, 1, 1], np.int8), np.full((4, 3, 3, 3), 1e200, np.longdouble),
    np.array([1 << 62] * 3), np.float16(3), np.zeros((1, 1, 1, 1, 1, 1)),
)  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_in_a_group_it_is_read_or_rejected(tmp_path, seed):
    rng = random.Random(seed)
    groups = {}
    for number in range(10):
        content = make_group(seed=number)
        for name in rng.sample(sorted(content), rng.choice([1, 1, 2, 3])):
            value = rng.choice(VALUES)
            content.pop(name) if value is None else content.update({name: value})
        groups[f"{number}"] = content
    units = {**UNITS, rng.choice(sorted(UNITS)): rng.choice(["", b"\xff", np.zeros(2), 7])}
    path = write_spice(tmp_path / "spice.hdf5", groups, rng.choice([UNITS, UNITS, units]))
    for item in read_file(path, rng.choice(["all", "lowest", 2])):
        if isinstance(item, Rejected):
            assert item.reason
            assert "\n" not in item.reason
        else:
            for c in item.conformers:
                for values in (c.energy, c.positions, c.dipole, c.quadrupole):
                    assert np.isfinite(values).all()


@needs_spice
def test_spice_s_conventions_are_ours():
    """MBIS charges, dipoles and quadrupoles give the moments of SPICE's own density."""
    group, _ = read_file(SPICE / "SPICE-1.1.4_n2.hdf5")
    assert len(group.conformers) == 50
    with h5py.File(SPICE / "SPICE-1.1.4_n2.hdf5") as file:
        names = ("conformations", "mbis_charges", "mbis_dipoles", "mbis_quadrupoles")
        names += ("scf_dipole", "scf_quadrupole")
        raw = {name: file["103147721"][name][()].astype(float) for name in names}
    for c in group.conformers:
        # In the archive's own frame and convention.
        r, q = raw["conformations"][c.number], raw["mbis_charges"][c.number, :, 0]
        mu, moment = raw["mbis_dipoles"][c.number], raw["mbis_quadrupoles"][c.number]
        np.testing.assert_allclose(q @ r + mu.sum(axis=0), raw["scf_dipole"][c.number], atol=1e-3)
        mixed = r.T @ mu
        second = np.einsum("a,ai,aj->ij", q, r, r) + mixed + mixed.T + moment.sum(axis=0)
        np.testing.assert_allclose(second, raw["scf_quadrupole"][c.number], atol=4e-3)
        # In ours, about the centre of nuclear charge of an ion.
        positions = centred(group, c)
        dipole = dipole_terms(c.mbis_charges, positions, c.mbis_dipoles).sum(axis=0)
        np.testing.assert_allclose(dipole, c.dipole, atol=1e-3)
        quadrupole = quadrupole_terms(c.mbis_charges, positions, c.mbis_dipoles).sum(axis=0)
        assert np.abs(quadrupole - c.quadrupole).max() > 0.05
        quadrupole += c.mbis_quadrupoles.sum(axis=0)
        np.testing.assert_allclose(quadrupole, c.quadrupole, atol=6e-3)
        assert c.mbis_charges.sum() == pytest.approx(1.0, abs=1e-3)
