"""Files of labels: what goes in comes out, and what is wrong is refused in one sentence."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mepflow.archives.label_archive import reference_of_labels
from mepflow.archives.label_columns import LARGEST_STEP, OF_THE_DENSITY, StoredPotential
from mepflow.archives.label_file import read_labels, write_labels
from mepflow.archives.label_geometries import read_label_geometries
from mepflow.archives.label_packing import no_labels, with_records
from mepflow.archives.label_points import points_checksum
from mepflow.archives.label_set import LabelSet
from mepflow.errors import InputError
from mepflow.geometry.grids import grid_points
from mepflow.units import ANGSTROM_IN_BOHR

LEVELS = [{"name": "one", "grid_level": 3}, {"name": "two", "grid_level": 0}]
GRIDS = {"mk": {"kind": "shells", "scales": [1.4], "points_per_angstrom2": 0.5}}
FUNCTIONS = 7


def row(identifier: str, shift: float = 0.0) -> dict[str, Any]:
    return {
        "id": identifier,
        "name": f"water {identifier}",
        "smiles": "O",
        "kind": "neutral",
        "split": "train",
        "geometry": "minimum",
        "environment": "gas",
        "charge": 0,
        "groups": ["alcohol", "other"],
        "atomic_numbers": [8, 1, 1],
        "positions_angstrom": [[0.0, 0.0, shift], [0.0, 0.757123, 0.587], [0.0, -0.757, 0.587]],
    }


def record(identifier: str, seed: int = 0, **changes: Any) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    atoms, geometry = 3, row(identifier, shift=0.001 * seed)
    positions = np.array(geometry["positions_angstrom"]) * ANGSTROM_IN_BOHR
    points = grid_points(GRIDS["mk"], np.array([8, 1, 1], np.uint8), positions)
    square = random.normal(size=(3, 3))
    found: dict[str, Any] = {
        "geometry": json.dumps(geometry),
        "levels": json.dumps(LEVELS),
        "grids": json.dumps(GRIDS),
        "mep/mk": random.normal(scale=0.05, size=len(points)),
        "mep/hf_mk": random.normal(scale=0.05, size=len(points)),
        "points_checksum/mk": np.array(points_checksum(points), np.uint64),
        "quadrupole": square + square.T,
        "hf_quadrupole": square + square.T,
        "density_coefficients": random.normal(size=FUNCTIONS),
        "mbis_second_moments": random.normal(size=(atoms, 6)),
    }
    for name in ("energy", "homo", "lumo", "electronic_spatial_extent", "hf_energy"):
        found[name] = random.normal()
    for name in ("functions", "grid_size", "scf_cycles", "cpu_seconds"):
        found[name] = random.integers(1, 100)
    for name in ("dipole", "hf_dipole"):
        found[name] = random.normal(size=3)
    for name in ("gradient", "mbis_dipoles"):
        found[name] = random.normal(size=(atoms, 3))
    for name in ("mulliken", "lowdin", "hirshfeld", "mbis"):
        found[f"{name}_charges"] = random.normal(size=atoms)
    return {name: np.asarray(value) for name, value in (found | changes).items()}


def failure(identifier: str) -> dict[str, Any]:
    kept = ("geometry", "levels", "grids", "cpu_seconds")
    found = {name: value for name, value in record(identifier).items() if name in kept}
    return found | {"failure": np.array("SCF not converged")}


EMPTY = no_labels(LEVELS, GRIDS, ("mk",), {"program": "1"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "labels.h5"
    write_labels(file, with_records(EMPTY, [record("b", 1), failure("c"), record("a", 2)]))
    return file


def test_what_goes_in_comes_out(path: Path) -> None:
    labels = read_labels(path)
    assert labels.ids == ["a", "b"]
    assert labels.failed == {"id": ["c"], "smiles": ["O"], "reason": ["SCF not converged"]}
    assert labels.finished == {"a", "b", "c"}
    assert json.loads(labels.texts["groups"][0]) == ["alcohol", "other"]
    assert (labels.levels, labels.software) == (LEVELS, {"program": "1"})
    expected = record("b", 1)
    for name in ("gradient", "mbis_second_moments", "hirshfeld_charges", "density_coefficients"):
        np.testing.assert_array_equal(labels.of(name, 1), expected[name].astype(np.float32))
    np.testing.assert_array_equal(labels.of("dipole", 1), expected["dipole"])
    molecule = labels.molecule(1)
    angstrom = np.array(row("b", 0.001)["positions_angstrom"])
    np.testing.assert_array_equal(molecule.positions, angstrom * ANGSTROM_IN_BOHR)


def test_potentials_come_with_their_points(path: Path) -> None:
    labels = read_labels(path)
    for name in ("mk", "hf_mk"):
        points, potential = labels.potential(name, 1)
        step = labels.stored_potential(name, 1).step
        assert 0 < step < LARGEST_STEP
        np.testing.assert_allclose(potential, record("b", 1)[f"mep/{name}"], atol=0.5001 * step)
        assert points.shape == (len(potential), 3)
    table = labels.to_table(("mk",))
    np.testing.assert_array_equal(table.grids["mk"].of(1)[1], labels.potential("mk", 1)[1])
    np.testing.assert_allclose(table.property_of("quadrupole", 1), record("b", 1)["quadrupole"])


@pytest.mark.parametrize("values", [[], [0.3], [0.0, 0.0], [-0.2, 0.3, 0.1], [0.05, 0.06]])
def test_steps_are_fine(values: list[float]) -> None:
    stored = StoredPotential.of(np.array(values))
    np.testing.assert_allclose(stored.values(), values, atol=0.5001 * stored.step)
    if len(values) > 1:
        assert stored.step <= LARGEST_STEP


def test_the_same_content_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    labels = with_records(read_labels(path), [record("a", 5), record("b", 5), failure("a")])
    write_labels(tmp_path / "again.h5", labels)
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()
    other = with_records(EMPTY, [record("a", 2), record("b", 1), failure("c")])
    write_labels(tmp_path / "other.h5", other)
    assert (tmp_path / "other.h5").read_bytes() == path.read_bytes()


def test_a_failed_molecule_may_succeed_later(path: Path) -> None:
    labels = with_records(read_labels(path), [record("c", 3)])
    assert labels.ids == ["a", "b", "c"]
    assert labels.failed["id"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"levels": json.dumps([{"name": "one", "grid_level": 4}, LEVELS[1]])},
        {"grids": json.dumps({"mk": {**GRIDS["mk"], "scales": [1.5]}})},
    ],
)
def test_other_settings_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="d was computed at another level"):
        with_records(EMPTY, [record("d", **changes)])


def test_positions_with_more_decimals_are_refused() -> None:
    geometry = row("d", shift=0.1234567)
    with pytest.raises(InputError, match="more than 6 decimals"):
        with_records(EMPTY, [record("d", geometry=json.dumps(geometry))])


@pytest.mark.parametrize("change", ["scales", "geometry"])
def test_other_points_are_refused(path: Path, change: str) -> None:
    labels = read_labels(path)
    if change == "scales":
        labels = replace(labels, grids={"mk": {**GRIDS["mk"], "scales": [1.40001]}})
    else:
        labels.columns["positions"][0, 0] += 2
    with pytest.raises(InputError, match="a: the points of grid mk are not those"):
        labels.potential("mk", 0)


@pytest.mark.parametrize(
    "change",
    [
        {"points_per_angstrom2": 1e12},
        {"points_per_angstrom2": -1.0},
        {"scales": "wide"},
        {"kind": "plane"},
        {"kind": "box", "outer_angstrom": 3.0, "spacing_angstrom": 1e-4},
    ],
)
def test_points_without_end_are_refused(path: Path, change: dict[str, Any]) -> None:
    labels = replace(read_labels(path), grids={"mk": {**GRIDS["mk"], **change}})
    with pytest.raises(InputError, match="a: the points of grid mk cannot be made again"):
        labels.potential("mk", 0)


def test_atoms_far_apart_are_refused(path: Path) -> None:
    box = {"kind": "box", "inner_scale": 1.0, "outer_angstrom": 2.0, "spacing_angstrom": 0.5}
    labels = replace(read_labels(path), grids={"mk": box})
    labels.columns["positions"][:3] = np.diag([2 * 10**9] * 3)
    with pytest.raises(InputError, match="not plausible"):
        labels.potential("mk", 0)


def damaged(path: Path, change: str) -> LabelSet:
    with h5py.File(path, "r+") as file:
        if change == "another kind":
            file.attrs["format"] = "mepflow molecules"
        elif change == "another version":
            file.attrs["format_version"] = 99
        elif change == "no column":
            del file["gradient"]
        elif change == "link":
            del file["gradient"]
            file["gradient"] = h5py.ExternalLink("elsewhere.h5", "/gradient")
        elif change == "rows":
            del file["gradient"]
            file["gradient"] = np.zeros((5, 3), "f4")
        elif change == "offsets":
            file["atom_offsets"][1] = 7
        elif change == "nan":
            file["energy"][0] = np.nan
        elif change == "levels":
            file.attrs["levels"] = "{}"
        elif change == "huge":
            del file["texts/id"]
            file.create_dataset("texts/id", shape=(10**12,), dtype="S1", chunks=True)
    return read_labels(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("another kind", "is not a mepflow labels file"),
        ("another version", "another version"),
        ("no column", "damaged .gradient"),
        ("link", "damaged .gradient"),
        ("rows", "damaged .gradient"),
        ("offsets", "damaged .atom_offsets"),
        ("nan", "damaged .energy"),
        ("levels", "damaged .levels"),
        ("huge", "damaged .texts/id claims"),
    ],
)
def test_damage_is_refused(path: Path, change: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        damaged(path, change)


def test_no_cut_file_is_read(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    cut = tmp_path / "cut.h5"
    for length in range(0, len(content), len(content) // 20):
        cut.write_bytes(content[:length])
        with pytest.raises(InputError):
            read_labels(cut)
    with pytest.raises(InputError, match="does not exist"):
        read_labels(tmp_path / "none.h5")


def test_geometries_are_read_in_their_order(tmp_path: Path) -> None:
    header = {"format": "mepflow label geometries", "version": 1}
    text = "\n".join(json.dumps(line) for line in (header, row("z"), row("y", 0.2)))
    (tmp_path / "a.jsonl").write_text(text)
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as file:
        file.write(text)
    for name in ("a.jsonl", "a.jsonl.gz"):
        found = read_label_geometries(tmp_path / name)
        assert [geometry.id for geometry in found] == ["z", "y"]
        assert json.loads(found[1].to_line()) == row("y", 0.2)
        assert found[0].heavy_atoms == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "../a"}, "name of a file"),
        ({"id": "z"}, "twice"),
        ({"charge": "1"}, "charge"),
        ({"name": None}, "name is not a text"),
        ({"atomic_numbers": [8, 1, 300]}, "no numbers"),
        ({"positions_angstrom": [[0, 0, 0]]}, "three numbers"),
        ({"positions_angstrom": [[0, 0, 0], [0, 0, 0.1], [1, 0, 0]]}, "closer"),
        ({"positions_angstrom": [[0, 0, float("nan")], [0, 0, 1], [1, 0, 0]]}, "origin"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    lines = [row("z"), row("y") | change]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(InputError, match=f"line 2.*{message}"):
        read_label_geometries(tmp_path / "a.jsonl")


def test_a_set_of_moments_alone_has_no_columns_of_the_density(tmp_path: Path) -> None:
    kept = {name: value for name, value in record("a").items() if name not in OF_THE_DENSITY}
    empty = no_labels(LEVELS, GRIDS, ("mk",), {"program": "1"}, moments_alone=True)
    path = tmp_path / "moments.h5"
    write_labels(path, with_records(empty, [kept]))
    labels = with_records(read_labels(path), [record("b", 1)])
    assert labels.moments_alone
    assert labels.ids == ["a", "b"]
    assert not set(OF_THE_DENSITY) & set(labels.columns)
    np.testing.assert_array_equal(labels.of("dipole", 0), kept["dipole"])
    table = reference_of_labels(labels, ("mk",), path)
    np.testing.assert_array_equal(table.grids["mk"].of(1)[1], labels.potential("mk", 1)[1])
    assert not any(name.startswith("archive_mbis") for name in table.properties)
