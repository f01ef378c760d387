"""A table written block by block is the table written at once."""

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mepflow.archives.molecule_writer import open_writer
from mepflow.fields import FIELDS, TEXTS
from mepflow.molecules import GridValues, Molecule, MoleculeTable


def make_block(counts, seed=0, metadata=None):
    """Return a table with every field, text and a ragged grid, and numbers of its own."""
    rng = np.random.default_rng([seed, *counts])
    molecules = [
        Molecule(f"{seed}_{row}", rng.integers(1, 9, n), rng.normal(size=(n, 3)), row, f"C{row}é")
        for row, n in enumerate(counts)
    ]
    properties = {
        name: [rng.normal(size=f.shape if f.per == "molecule" else (n, *f.shape)) for n in counts]
        for name, f in FIELDS.items()
    }
    sizes = rng.integers(0, 4, len(counts))
    grid = GridValues.from_ragged([(rng.normal(size=(p, 3)), rng.normal(size=p)) for p in sizes])
    table = MoleculeTable.from_molecules(molecules, properties, {"mk": grid}, metadata or {})
    return table.with_texts(**{name: [f"{name} {seed}"] * len(counts) for name in TEXTS})


def write(path, blocks):
    with open_writer(path) as writer:
        for block in blocks:
            writer.append(block)


def content(path):
    """Return everything in a file but how its datasets are laid out."""
    found = {}
    with h5py.File(path) as file:
        found[""] = dict(file.attrs)
        file.visititems(lambda name, node: found.update({name: contained(node)}))
    return found


def contained(node):
    if isinstance(node, h5py.Group):
        return dict(node.attrs)
    return dict(node.attrs), node.shape, node.dtype, node[()].tolist()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
@given(st.lists(st.lists(st.integers(1, 4), max_size=4), min_size=1, max_size=4))
def test_blocks_give_the_file_of_the_whole(tmp_path, parts):
    blocks = [make_block(counts, seed) for seed, counts in enumerate(parts)]
    write(tmp_path / "blocks.h5", blocks)
    MoleculeTable.concatenate(blocks).save(tmp_path / "whole.h5")
    assert content(tmp_path / "blocks.h5") == content(tmp_path / "whole.h5")
    loaded = MoleculeTable.load(tmp_path / "blocks.h5")
    assert loaded.ids == [i for block in blocks for i in block.ids]


def test_blocks_larger_than_a_chunk(tmp_path):
    blocks = [make_block([700] * 5, seed) for seed in range(3)]
    write(tmp_path / "blocks.h5", blocks)
    MoleculeTable.concatenate(blocks).save(tmp_path / "whole.h5")
    assert content(tmp_path / "blocks.h5") == content(tmp_path / "whole.h5")


def test_metadata_is_merged_as_in_joined_tables(tmp_path):
    parts = ({"level": {"a": 1}, "x": 1}, {"level": {"a": 2, "b": 3}}, {"y": 4})
    blocks = [make_block([1], seed, part) for seed, part in enumerate(parts)]
    write(tmp_path / "blocks.h5", blocks)
    expected = MoleculeTable.concatenate(blocks).metadata
    assert MoleculeTable.load(tmp_path / "blocks.h5").metadata == expected
    assert expected == {"level": {"a": 1, "b": 3}, "x": 1, "y": 4}


def test_the_same_blocks_give_the_same_bytes(tmp_path):
    blocks = [make_block([2, 3], seed) for seed in range(3)]
    for name in ("one.h5", "other.h5"):
        write(tmp_path / name, blocks)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "other.h5").read_bytes()


def test_a_block_with_other_columns_is_refused(tmp_path):
    block = make_block([2])
    fewer = MoleculeTable.from_molecules([block.molecule(0)])
    with pytest.raises(ValueError, match=r"differs from the first one in .*properties/dipole"):
        write(tmp_path / "blocks.h5", [block, fewer])
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "blocks.h5"
    write(path, [make_block([2])])
    before = path.read_bytes()

    def breaking_off():
        yield make_block([3])
        raise KeyError("x")

    with pytest.raises(KeyError):
        write(path, breaking_off())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_no_block_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no tables to join"):
        write(tmp_path / "blocks.h5", [])
    assert list(tmp_path.iterdir()) == []
