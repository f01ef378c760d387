"""The molecule table: rows stay together through selecting, joining, writing and reading."""

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mepflow.errors import InputError
from mepflow.fields import FIELDS, TEXTS
from mepflow.molecules import GridValues, Molecule, MoleculeTable, offsets


def make_table(counts=(3, 1, 2), prefix="gdb_"):
    """Return a table in which every number tells its molecule, atom and field."""
    rng = np.random.default_rng(sum(counts) + len(prefix))
    molecules = [
        Molecule(
            f"{prefix}{row:06d}",
            rng.integers(1, 9, n).astype(np.uint8),
            rng.normal(size=(n, 3)),
            row - 1,
            f"C{row}",
        )
        for row, n in enumerate(counts)
    ]
    properties = {
        name: [
            rng.normal(size=spec.shape if spec.per == "molecule" else (n, *spec.shape))
            for n in counts
        ]
        for name, spec in FIELDS.items()
    }
    grids = {
        name: GridValues.from_ragged(
            [(rng.normal(size=(points, 3)), rng.normal(size=points)) for points in sizes]
        )
        for name, sizes in {"mk": [(5 * row) % 7 for row in range(len(counts))]}.items()
    }
    table = MoleculeTable.from_molecules(molecules, properties, grids, {"level": {"x": [1]}})
    return table.with_texts(
        **{name: [f"{name} {row} é" for row in range(len(counts))] for name in TEXTS}
    )


def row_of(table, row):
    """Return everything a table says about one molecule."""
    molecule = table.molecule(row)
    return [
        molecule.id,
        molecule.smiles,
        molecule.total_charge,
        molecule.atomic_numbers.tolist(),
        molecule.positions.tolist(),
        {name: table.property_of(name, row).tolist() for name in table.properties},
        {name: [part.tolist() for part in grid.of(row)] for name, grid in table.grids.items()},
        {name: column[row] for name, column in table.texts.items()},
    ]


def rows(table):
    return [row_of(table, row) for row in range(len(table))]


def test_a_table_keeps_what_it_was_given():
    numbers, positions = np.array([8, 1], np.uint8), np.arange(6.0).reshape(2, 3)
    molecules = [
        Molecule("b", numbers, positions, -1, "[OH-]"),
        Molecule("a", numbers[:1], positions[1:]),
    ]
    table = MoleculeTable.from_molecules(
        molecules,
        {
            "energy": [-1.0, -2.0],
            "dipole": [[1, 2, 3], [4, 5, 6]],
            "mulliken_charges": [[0.1, -0.1], [7.0]],
            "atomic_dipoles": [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]]],
        },
    )
    assert len(table) == 2
    assert table.ids == ["b", "a"]
    np.testing.assert_array_equal(table.atom_offsets, [0, 2, 3])
    np.testing.assert_array_equal(table.total_charge, [-1, 0])
    assert len(table.molecule(0)) == 2
    np.testing.assert_array_equal(table.molecule(1).positions, [[3, 4, 5]])
    np.testing.assert_array_equal(table.property_of("mulliken_charges", 1), [7.0])
    np.testing.assert_array_equal(table.property_of("atomic_dipoles", 1), [[7, 8, 9]])
    np.testing.assert_array_equal(table.property_of("dipole", 1), [4, 5, 6])
    assert table.property_of("energy", 1) == -2.0


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.data())
def test_selected_rows_are_the_rows(counts, data):
    table = make_table(counts)
    wanted = data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=8))
    assert rows(table.select(wanted)) == [row_of(table, row) for row in wanted]
    assert table.select(wanted).metadata == table.metadata


@given(st.lists(st.lists(st.integers(1, 4), max_size=4), min_size=1, max_size=4))
def test_joined_rows_are_the_rows(parts):
    tables = [make_table(counts, f"{part}_") for part, counts in enumerate(parts)]
    joined = MoleculeTable.concatenate(tables)
    assert rows(joined) == [row for table in tables for row in rows(table)]
    pieces = [joined.select([row]) for row in range(len(joined))]
    if pieces:
        assert rows(MoleculeTable.concatenate(pieces)) == rows(joined)


def test_joining_nothing_is_an_error():
    with pytest.raises(ValueError, match="no tables to join"):
        MoleculeTable.concatenate([])


def test_order_by_id_forgets_the_order():
    table = make_table((3, 1, 2, 4))
    shuffled = table.select([2, 0, 3, 1])
    assert shuffled.ids != table.ids
    assert rows(shuffled.sorted_by_id()) == rows(table)


@pytest.mark.parametrize("counts", [(3, 1, 2), (1,), ()])
def test_a_file_gives_the_table_back(tmp_path, counts):
    table = make_table(counts)
    table.save(tmp_path / "table.h5")
    loaded = MoleculeTable.load(tmp_path / "table.h5")
    assert rows(loaded) == rows(table)
    assert loaded.metadata == table.metadata
    assert list(loaded.properties) == sorted(table.properties)
    assert loaded.atomic_numbers.dtype == np.uint8
    assert loaded.positions.dtype == np.float64
    assert list(tmp_path.iterdir()) == [tmp_path / "table.h5"]


def test_every_number_in_the_file_has_its_unit(tmp_path):
    make_table().save(tmp_path / "table.h5")
    units = {}
    with h5py.File(tmp_path / "table.h5") as file:
        file.visititems(
            lambda name, node: (
                units.update({name: node.attrs.get("units")})
                if isinstance(node, h5py.Dataset) and node.dtype.kind != "O"
                else None
            )
        )
        assert file.attrs["multipole_origin"] == "centre of nuclear charge"
        assert file["properties/dipole"].attrs["description"] == FIELDS["dipole"].description
        assert file["texts/failure"].attrs["description"] == TEXTS["failure"]
    assert None not in units.values()
    assert units["positions"] == units["grids/mk/points"] == "bohr"
    assert units["grids/mk/mep"] == "hartree/e"
    assert units["properties/quadrupole"] == "e*bohr^2"


def test_an_old_file_survives_a_failed_write(tmp_path, monkeypatch):
    path = tmp_path / "table.h5"
    make_table().save(path)
    before = path.read_bytes()
    broken = make_table().with_texts(unheard_of=["a", "b", "c"])
    with pytest.raises(KeyError):
        broken.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def _remove(name):
    def damage(path):
        with h5py.File(path, "a") as file:
            del file[name]

    return damage


def _replace(name, value):
    def damage(path):
        with h5py.File(path, "a") as file:
            if name in file:
                del file[name]
            file[name] = value

    return damage


def _attribute(name, value):
    def damage(path):
        with h5py.File(path, "a") as file:
            file.attrs[name] = value

    return damage


def _broken_group(path):
    """Overwrite the nodes of HDF5's group index."""
    content = path.read_bytes()
    assert content.count(b"SNOD")
    path.write_bytes(content.replace(b"SNOD", b"XXXX"))


def _cut(path):
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "does not exist: run the rule that makes it"),
        (lambda path: path.write_bytes(b""), "is damaged"),
        (lambda path: path.write_text("id,smiles\n"), "is damaged"),
        (_cut, "is damaged"),
        (_remove("positions"), "is damaged"),
        (_remove("id"), "is damaged"),
        (_replace("id", np.arange(3)), "is damaged"),
        (
            _replace("positions", np.zeros((5, 3))),
            "is damaged .*offsets do not .* end at 5, in 4 rows",
        ),
        (_replace("atom_offsets", [0, 3, 6]), "is damaged .*offsets do not .* end at 6, in 4 rows"),
        (_replace("atom_offsets", np.zeros(0, int)), "is damaged"),
        (_broken_group, "is damaged"),
        (_replace("total_charge", [0]), "is damaged .*total_charge has 1 rows, expected 3"),
        (_replace("properties/dipole", np.zeros((3, 2))), "is damaged .*dipole has shape"),
        (_replace("properties/energy", np.zeros(6)), "is damaged .*energy has shape"),
        (_replace("properties/unheard_of", np.zeros(3)), "is damaged"),
        (_replace("properties", np.zeros(3)), "is damaged"),
        (_attribute("metadata", "{"), "is damaged"),
        (_attribute("format", "other"), "is not a mepflow molecules file: make it again"),
        (
            _attribute("format_version", 99),
            "is newer than this program .version 99, this mepflow reads up to 1",
        ),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path, damage, message):
    path = tmp_path / "table.h5"
    make_table().save(path)
    damage(path)
    with pytest.raises(InputError, match=rf"table\.h5 {message}") as caught:
        MoleculeTable.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "columns",
    [
        {"energy": np.zeros(2)},
        {"dipole": np.zeros((3, 2))},
        {"mulliken_charges": np.zeros(3)},
        {"quadrupole": np.zeros((3, 6))},
    ],
)
def test_a_column_that_does_not_fit_is_refused(columns):
    with pytest.raises(ValueError, match=f"{next(iter(columns))} has shape"):
        make_table().with_properties(**columns)


def test_a_text_column_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="failure has 2 rows, expected 3"):
        make_table().with_texts(failure=["a", "b"])


def test_adding_columns_leaves_the_original_alone():
    table = make_table()
    changed = table.with_properties(energy=np.zeros(3)).with_texts(failure=["", "", "x"])
    assert changed.properties["energy"].tolist() == [0, 0, 0]
    assert changed.texts["failure"] == ["", "", "x"]
    assert 0.0 not in table.properties["energy"]
    assert table.texts["failure"][2] != "x"


def test_offsets():
    assert offsets([2, 0, 3]).tolist() == [0, 2, 2, 5]
    assert offsets([]).tolist() == [0]
