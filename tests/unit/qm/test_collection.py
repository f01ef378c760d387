"""The shards of a reference joined, with the verdicts before and after it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mepflow.errors import InputError, StateError
from mepflow.molecules import GridValues, Molecule, MoleculeTable
from mepflow.qm.collection import collect_reference, merge_verdicts, with_archive_labels
from mepflow.qm.stored_reference import published_reference, with_stored_potentials
from mepflow.selection.splits import write_splits
from mepflow.selection.verdicts import COLUMNS, funnel, read_funnel, read_verdicts
from mepflow.storage.csv_file import write_csv
from reference_cases import EIGHT_MOLECULES

GRIDS = {"mk": {"molecules": "test"}, "plane": {"molecules": "showcase"}}


@pytest.fixture
def references(tmp_path):
    """Two shards in another order than the candidates' verdicts, which are written beside them."""
    paths = [tmp_path / "1.h5", tmp_path / "0.h5"]
    EIGHT_MOLECULES.select([7, 3, 4, 0]).save(paths[0])
    EIGHT_MOLECULES.select([6, 1, 2, 5]).save(paths[1])
    before = pd.DataFrame(
        [(key, "kept", "", "") for key in EIGHT_MOLECULES.ids]
        + [("gdb_000000", "rejected", "smiles_changed", "CO became CN")],
        columns=list(COLUMNS),
    )
    before.to_csv(tmp_path / "candidates.csv", index=False)
    write_csv(funnel(before, ["charged", "smiles_changed"]), tmp_path / "funnel.csv")
    return paths


def collect(tmp_path, paths, tolerance=0.01, split=None, grids=GRIDS, stored=None, published=None):
    collect_reference(
        shard_paths=paths,
        candidates_path=tmp_path / "candidates.h5",
        splits_path=tmp_path / "splits.csv",
        candidate_verdicts_path=tmp_path / "candidates.csv",
        candidate_funnel_path=tmp_path / "funnel.csv",
        computed_split=split,
        stored=stored,
        published=published,
        grids=grids,
        dipole_tolerance_debye=tolerance,
        reference_path=tmp_path / "reference.h5",
        computed_path=tmp_path / "computed.h5",
        verdicts_path=tmp_path / "verdicts.csv",
        funnel_path=tmp_path / "all.csv",
    )
    return read_verdicts(tmp_path / "verdicts.csv")


def test_shards_are_joined_filtered_and_sorted(tmp_path, references):
    verdicts = collect(tmp_path, references)
    assert list(verdicts["id"]) == [f"gdb_{number:06d}" for number in range(9)]
    assert list(verdicts["reason"][:3]) == ["smiles_changed", "", "dipole_mismatch"]
    steps = read_funnel(tmp_path / "all.csv").itertuples(index=False, name=None)
    assert list(steps) == [
        ("archive", 0, 9),
        ("charged", 0, 9),
        ("smiles_changed", 1, 8),
        ("scf_not_converged", 3, 5),
        ("dipole_mismatch", 3, 2),
    ]
    kept = MoleculeTable.load(tmp_path / "reference.h5")
    assert (tmp_path / "computed.h5").read_bytes() == (tmp_path / "reference.h5").read_bytes()
    assert kept.ids == ["gdb_000001", "gdb_000008"]
    np.testing.assert_array_equal(
        kept.properties["dipole"], EIGHT_MOLECULES.select([0, 7]).properties["dipole"]
    )


def test_the_shards_order_changes_nothing(tmp_path, references):
    outcomes = set()
    for paths in (references, references[::-1]):
        collect(tmp_path, paths)
        outcomes.add(
            tuple((tmp_path / name).read_bytes() for name in ("reference.h5", "verdicts.csv"))
        )
    assert len(outcomes) == 1


def test_shards_that_do_not_fit_the_candidates_are_refused(tmp_path, references):
    for paths, key in (
        (references[:1], "gdb_000002"),
        ([*references, references[0]], "gdb_000001"),
    ):
        with pytest.raises(StateError, match=f"{key} is missing, foreign or repeated"):
            collect(tmp_path, paths)
    before = read_verdicts(tmp_path / "candidates.csv")
    with pytest.raises(StateError, match="gdb_000008 is missing, foreign"):
        merge_verdicts(before, before[before["reason"] == ""], EIGHT_MOLECULES.ids[:-1])


def test_no_reference_left_names_the_counts(tmp_path, references):
    EIGHT_MOLECULES.select([1, 3]).save(references[0])
    frame = read_verdicts(tmp_path / "candidates.csv")
    ids = ["gdb_000000", "gdb_000002", "gdb_000004"]
    frame[frame["id"].isin(ids)].to_csv(tmp_path / "candidates.csv", index=False)
    with pytest.raises(
        InputError, match=r"1 smiles_changed, 1 scf_not_converged, 1 dipole_mismatch"
    ):
        collect(tmp_path, references[:1])
    assert not (tmp_path / "reference.h5").exists()


SPLIT_OF = {"b": "test", "a": "train", "d": "test", "c": "validation", "e": "test"}


def archive_candidates():
    """Return candidates of one or two atoms each with an archive's labels, in no order."""
    generator = np.random.default_rng(1)
    molecules = [
        Molecule(key, np.full(1 + row % 2, 8, np.uint8), generator.normal(size=(1 + row % 2, 3)))
        for row, key in enumerate(SPLIT_OF)
    ]
    count = len(molecules)
    labels = {
        "archive_dipole": generator.normal(size=(count, 3)),
        "archive_quadrupole": generator.normal(size=(count, 3, 3)),
    }
    return MoleculeTable.from_molecules(molecules, labels).with_texts(archive_group=list(SPLIT_OF))


def write_candidates(tmp_path, candidates, showcase=""):
    """Write the files of a dataset whose candidates all pass the filters before the reference."""
    candidates.save(tmp_path / "candidates.h5")
    rows = [(key, SPLIT_OF[key], int(key == showcase)) for key in sorted(SPLIT_OF)]
    write_splits(pd.DataFrame(rows, columns=["id", "split", "showcase"]), tmp_path / "splits.csv")
    verdicts = pd.DataFrame([(key, "kept", "", "") for key in SPLIT_OF], columns=list(COLUMNS))
    verdicts.to_csv(tmp_path / "candidates.csv", index=False)
    write_csv(funnel(verdicts, []), tmp_path / "funnel.csv")


def computed_of(candidates, keys, failed=()):
    """Return what a shard makes of some candidates: their labels and MEP, nan where it failed."""
    table = candidates.select([candidates.ids.index(key) for key in keys])
    converged = np.array([key not in failed for key in keys], dtype=float)
    factor = np.where(converged == 1, 1.0, np.nan)[:, None]
    atoms = np.arange(len(table.positions), dtype=float)
    points = [(np.full((2, 3), row), np.full(2, 0.5 * row)) for row in range(len(keys))]
    return (
        MoleculeTable(
            **{
                **vars(table),
                "grids": {"mk": GridValues.from_ragged(points)},
                "metadata": {"level_of_theory": {"name": "ours"}},
            }
        )
        .with_properties(
            dipole=table.properties["archive_dipole"] * factor,
            quadrupole=table.properties["archive_quadrupole"] * factor[:, :, None],
            scf_converged=converged,
            mulliken_charges=atoms,
        )
        .with_texts(failure=["" if key not in failed else "why" for key in keys])
    )


def test_labels_of_the_archive_and_potentials_of_the_test_set(tmp_path):
    candidates = archive_candidates()
    write_candidates(tmp_path, candidates)
    shard = computed_of(candidates, ["b", "e", "d"], failed=["e"])
    shard.save(tmp_path / "0.h5")
    with pytest.raises(StateError, match="missing, foreign or repeated"):
        collect(tmp_path, [tmp_path / "0.h5"])
    verdicts = collect(tmp_path, [tmp_path / "0.h5"], split="test")
    assert dict(zip(verdicts["id"], verdicts["reason"], strict=True)) == {
        "a": "", "b": "", "c": "", "d": "", "e": "scf_not_converged"
    }  # fmt: skip
    assert MoleculeTable.load(tmp_path / "computed.h5").ids == ["b", "d"]
    reference = MoleculeTable.load(tmp_path / "reference.h5")
    assert reference.ids == ["a", "b", "c", "d"]
    assert reference.metadata["level_of_theory"]["name"] == "ours"
    np.testing.assert_array_equal(reference.properties["scf_converged"], [np.nan, 1, np.nan, 1])
    for row, key in enumerate(reference.ids):
        own = candidates.ids.index(key)
        for name in ("dipole", "quadrupole"):
            np.testing.assert_array_equal(
                reference.property_of(name, row), candidates.property_of(f"archive_{name}", own)
            )
        positions = reference.molecule(row).positions
        np.testing.assert_allclose(reference.property_of("origin", row), positions.mean(axis=0))
        assert len(reference.grids["mk"].of(row)[1]) == (2 if key in "bd" else 0)
    np.testing.assert_array_equal(reference.grids["mk"].of(3)[1], [1.0, 1.0])
    np.testing.assert_array_equal(
        reference.property_of("mulliken_charges", 3), shard.property_of("mulliken_charges", 2)
    )
    assert np.isnan(reference.property_of("mulliken_charges", 0)).all()


def test_nothing_computed_leaves_the_labels():
    candidates = archive_candidates()
    reference = with_archive_labels(candidates, computed_of(candidates, []))
    np.testing.assert_array_equal(
        reference.properties["dipole"], candidates.properties["archive_dipole"]
    )
    assert np.isnan(reference.properties["scf_converged"]).all()


def test_an_archive_without_vectors_keeps_what_was_computed():
    """The multipoles are then those of the test molecules alone, the lengths those of all."""
    candidates = archive_candidates()
    computed = computed_of(candidates, ["b", "d"])
    own = replace(candidates, properties={"archive_dipole_norm": np.arange(5.0)})
    reference = with_archive_labels(own, computed)
    np.testing.assert_array_equal(reference.properties["archive_dipole_norm"], np.arange(5.0))
    for name in ("dipole", "quadrupole"):
        has_it = np.isfinite(reference.properties[name]).reshape(5, -1).all(axis=1)
        assert [key for key, has in zip(reference.ids, has_it, strict=True) if has] == ["b", "d"]


def test_an_archive_with_potentials_is_its_own_reference(tmp_path):
    """Without shards the test molecules' values are the archive's, and its MEP where wanted."""
    candidates = archive_candidates()
    count = len(candidates)
    points = [(np.full((2, 3), row), np.full(2, 0.5 * row)) for row in range(count)]
    nothing = (np.empty((0, 3)), np.empty(0))
    planes = list(points)
    points[candidates.ids.index("e")] = nothing
    grids = {"mk": GridValues.from_ragged(points), "plane": GridValues.from_ragged(planes)}
    charges = np.arange(len(candidates.positions), dtype=float)
    candidates = replace(candidates.with_properties(archive_mulliken_charges=charges), grids=grids)
    write_candidates(tmp_path, candidates, showcase="d")
    verdicts = collect(tmp_path, [], split="test").set_index("id")
    assert verdicts.loc["e", "reason"] == "scf_not_converged"
    assert verdicts.loc["e", "detail"] == "the archive has no potential of it on the grid mk"
    reference = MoleculeTable.load(tmp_path / "reference.h5")
    assert reference.ids == ["a", "b", "c", "d"]
    for row, key in enumerate(reference.ids):
        own = candidates.ids.index(key)
        np.testing.assert_array_equal(
            reference.property_of("dipole", row), candidates.property_of("archive_dipole", own)
        )
        expected = candidates.grids["mk"].of(own) if key in "bd" else nothing
        np.testing.assert_array_equal(reference.grids["mk"].of(row)[1], expected[1])
        is_shown = key == "d"
        assert len(reference.grids["plane"].of(row)[1]) == (2 if is_shown else 0)
        charges = reference.property_of("mulliken_charges", row)
        if key in "bd":
            np.testing.assert_array_equal(
                charges, candidates.property_of("archive_mulliken_charges", own)
            )
        else:
            assert np.isnan(charges).all()


def test_an_archives_potential_of_all_molecules_stays_where_all_are_wanted(tmp_path):
    candidates = archive_candidates()
    points = [(np.full((2, 3), row), np.full(2, 0.5 * row)) for row in range(len(candidates))]
    grids = dict.fromkeys(("mk", "plane"), GridValues.from_ragged(points))
    write_candidates(tmp_path, replace(candidates, grids=grids))
    wanted = {"mk": {"molecules": "all"}, "plane": {"molecules": "test"}}
    collect(tmp_path, [], split="test", grids=wanted)
    reference = MoleculeTable.load(tmp_path / "reference.h5")
    for name, holders in (("mk", set(SPLIT_OF)), ("plane", {"b", "d", "e"})):
        for row, key in enumerate(reference.ids):
            values = reference.grids[name].of(row)[1]
            expected = np.full(2, 0.5 * candidates.ids.index(key)) if key in holders else []
            np.testing.assert_array_equal(values, expected)


def test_potentials_beside_the_archive_fill_what_was_not_computed(tmp_path):
    nothing = (np.empty((0, 3)), np.empty(0))
    own = (np.full((2, 3), 9.0), np.array([0.1, 0.2]))
    beside = (np.full((3, 3), 8.0), np.array([0.3, 0.4, 0.5]))
    reference = replace(
        EIGHT_MOLECULES.select([0, 1, 2]),
        grids={"mk": GridValues.from_ragged([own, nothing, nothing])},
    )
    stored = replace(
        EIGHT_MOLECULES.select([1, 0]), grids={"mk": GridValues.from_ragged([beside, beside])}
    )
    filled = with_stored_potentials(reference, stored).grids["mk"]
    assert filled.point_offsets.tolist() == [0, 2, 5, 5]
    np.testing.assert_array_equal(filled.mep, [0.1, 0.2, 0.3, 0.4, 0.5])
    moved = replace(stored, positions=stored.positions + 1e-3)
    with pytest.raises(InputError, match="gdb_000001 has another geometry in the file"):
        with_stored_potentials(reference, moved)


def published_of(candidates, points):
    """Return the results of all candidates but c, in another order, with points of some on mk."""
    rows = [row for row in range(len(candidates)) if candidates.ids[row] != "c"][::-1]
    computed = candidates.select(rows)
    nothing = (np.empty((0, 3)), np.empty(0))
    values = [points.get(key, nothing) for key in computed.ids]
    return replace(
        computed,
        properties={
            "dipole": computed.positions[computed.atom_offsets[:-1]],
            "quadrupole": np.zeros((len(rows), 3, 3)),
            "mulliken_charges": computed.positions[:, 0],
        },
        grids=dict.fromkeys(("mk", "plane"), GridValues.from_ragged(values)),
        metadata={"level_of_theory": {"name": "theirs"}},
    )


def test_a_published_reference_stands_for_the_shards(tmp_path):
    candidates = archive_candidates()
    points = {key: (np.ones((2, 3)), np.full(2, float(ord(key)))) for key in "abd"}
    write_candidates(tmp_path, candidates)
    published = published_of(candidates, points)
    found = published_reference(candidates, published, tmp_path / "splits.csv", GRIDS)
    for row, key in enumerate(found.ids):
        own = found.property_of("mulliken_charges", row)
        expected = np.full(len(own), np.nan) if key == "c" else found.molecule(row).positions[:, 0]
        np.testing.assert_array_equal(own, expected, err_msg=key)
        wanted = points[key][1] if key in "bd" else []  # tests that have some
        np.testing.assert_array_equal(found.grids["mk"].of(row)[1], wanted, err_msg=key)
        assert not len(found.grids["plane"].of(row)[1])  # there is no showcase
    np.testing.assert_array_equal(
        found.properties["archive_dipole"], candidates.properties["archive_dipole"]
    )
    failures = dict(zip(found.ids, found.texts["failure"], strict=True))
    assert failures == {
        **dict.fromkeys("abd", ""),
        "c": "the published reference lacks it",
        "e": "the archive has no potential of it on the grid mk",
    }
    converged = dict(zip(found.ids, found.properties["scf_converged"], strict=True))
    assert converged == {**dict.fromkeys("abd", 1.0), **dict.fromkeys("ce", 0.0)}
    moved = replace(published, positions=published.positions + 1e-3)
    with pytest.raises(InputError, match="has another geometry in the file beside its"):
        published_reference(candidates, moved, tmp_path / "splits.csv", GRIDS)


def test_a_published_reference_of_test_molecules_leaves_other_labels_the_archives(tmp_path):
    candidates = archive_candidates()
    points = {key: (np.ones((2, 3)), np.ones(2)) for key in "bde"}
    write_candidates(tmp_path, candidates)
    published = published_of(candidates, points)
    verdicts = collect(tmp_path, [], tolerance=None, split="test", published=published)
    assert set(verdicts["verdict"]) == {"kept"}
    reference = MoleculeTable.load(tmp_path / "reference.h5")
    own = candidates.sorted_by_id().properties["archive_dipole"]
    np.testing.assert_array_equal(reference.properties["dipole"], own)
    points_of = {key: len(reference.grids["mk"].of(row)[1]) for row, key in enumerate("abcde")}
    assert reference.ids == [*points_of]
    assert points_of == {"a": 0, "b": 2, "c": 0, "d": 2, "e": 2}
    assert reference.metadata["level_of_theory"] == {"name": "theirs"}
