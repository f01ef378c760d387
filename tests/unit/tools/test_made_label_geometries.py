"""The geometries of the label sets in the repository, and the program that makes them."""

import gzip
from pathlib import Path

import label_relaxation
import make_label_geometries
import numpy as np
import pytest
from label_displacement import Rejected, changed_bonds
from label_distribution import counts
from label_list import (
    COLUMNS,
    FOLDER,
    GROUP_SEPARATOR,
    SETS,
    list_path,
    read_rows,
    rejected_path,
    write_rows,
)
from make_label_geometries import make, make_set
from rdkit import Chem

from mepflow.archives.label_geometries import (
    TEXT_KEYS,
    LabelGeometry,
    read_label_geometries,
)


@pytest.fixture(scope="module", params=SETS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def geometries(name: str) -> list[LabelGeometry]:
    return read_label_geometries(FOLDER / f"{name}.jsonl.gz")


def test_geometries_stand_in_the_order_of_the_list(
    name: str, geometries: list[LabelGeometry]
) -> None:
    rejected = rejected_path(FOLDER, name)
    refused = {row["id"] for row in read_rows(rejected)} if rejected.exists() else set()
    listed = [row["id"] for row in read_rows(list_path(FOLDER, name))]
    made = [one.id for one in geometries]
    reached = [key for key in listed[: len(made) + len(refused)] if key not in refused]
    assert made == reached


def test_every_molecule_is_made_or_rejected_by_name(
    name: str, geometries: list[LabelGeometry]
) -> None:
    rejected = rejected_path(FOLDER, name)
    refused = read_rows(rejected) if rejected.exists() else []
    assert len(geometries) + len(refused) == len(read_rows(list_path(FOLDER, name)))
    assert len(geometries) >= {"organic": 1600, "bench": 110}[name]
    assert all(row["reason"] for row in refused)


def test_rejections_keep_the_shares_of_organic() -> None:
    made = read_label_geometries(FOLDER / "organic.jsonl.gz")
    for feature, least in (("element", 0.08), ("functional group", 0.01)):
        shares = {key: n / len(made) for key, n in counts(made, feature).items()}
        assert {key: share for key, share in shares.items() if share < least} == {}
    assert counts(made, "kind")["neutral"] / len(made) == pytest.approx(0.75, abs=0.01)
    assert counts(made, "geometry")["minimum"] / len(made) == pytest.approx(2 / 3, abs=0.02)
    assert 5.0 <= np.mean([one.heavy_atoms for one in made]) <= 5.5


def test_geometries_have_what_the_list_says(name: str, geometries: list[LabelGeometry]) -> None:
    rows = {row["id"]: row for row in read_rows(list_path(FOLDER, name))}
    for one in geometries:
        row = rows[one.id]
        assert one.texts == {key: row[key] for key in TEXT_KEYS}
        assert one.charge == int(row["charge"])
        assert GROUP_SEPARATOR.join(one.groups) == row["groups"]


def test_bonds_are_those_of_the_smiles(geometries: list[LabelGeometry]) -> None:
    for one in geometries:
        molecule = Chem.AddHs(Chem.MolFromSmiles(one.texts["smiles"]))
        numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
        assert one.atomic_numbers.tolist() == numbers
        assert changed_bonds(molecule, one.positions_angstrom) == "", one.id
        assert (sum(numbers) - one.charge) % 2 == 0
        np.testing.assert_allclose(one.positions_angstrom.mean(axis=0), 0, atol=2e-6)


def test_geometries_are_made_again(name: str, geometries: list[LabelGeometry]) -> None:
    pytest.importorskip("tblite")
    rows = {row["id"]: row for row in read_rows(list_path(FOLDER, name))}
    smallest = sorted(geometries, key=lambda one: len(one.atomic_numbers))[:3]
    for one in smallest:
        again = make(rows[one.id])
        np.testing.assert_allclose(again.positions_angstrom, one.positions_angstrom, atol=1e-3)


def small_list(folder: Path) -> list[str]:
    """Write a list of five molecules; return their ids."""
    rows = read_rows(list_path(FOLDER, "organic"))[:5]
    write_rows(rows, list_path(folder, "organic"), COLUMNS)
    return [row["id"] for row in rows]


def line(smiles: str, kind: str, environment: str) -> tuple[list[int], np.ndarray]:
    """Stand in for the calculation: atoms on a line; the second molecule of the list is refused."""
    if smiles == read_rows(list_path(FOLDER, "organic"))[1]["smiles"]:
        raise Rejected("bonds changed in the relaxation: lost C–O")
    numbers = [a.GetAtomicNum() for a in Chem.AddHs(Chem.MolFromSmiles(smiles)).GetAtoms()]
    return numbers, np.outer(np.arange(len(numbers)), [1.5, 0.0, 0.0])


def test_a_stopped_run_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_label_geometries, "geometry", line)
    ids = small_list(tmp_path / "whole")
    small_list(tmp_path / "parts")
    make_set("organic", tmp_path / "whole", None)
    for most in (1, 2, 0, None):
        make_set("organic", tmp_path / "parts", most)
    for file in ("organic.jsonl.gz", "organic-rejected.csv"):
        assert (tmp_path / "parts" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    made = read_label_geometries(tmp_path / "whole" / "organic.jsonl.gz")
    assert [one.id for one in made] == [ids[0], *ids[2:]]
    refused = read_rows(rejected_path(tmp_path / "whole", "organic"))
    assert [(row["id"], row["reason"]) for row in refused] == [
        (ids[1], "bonds changed in the relaxation: lost C–O")
    ]


def test_positions_keep_six_decimals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def third(smiles: str, kind: str, environment: str) -> tuple[list[int], np.ndarray]:
        return [1, 1], np.array([[1 / 3, 0.0, 0.0], [-1 / 3, 1e-9, 0.0]])

    monkeypatch.setattr(make_label_geometries, "geometry", third)
    small_list(tmp_path)
    make_set("organic", tmp_path, 1)
    text = gzip.decompress((tmp_path / "organic.jsonl.gz").read_bytes()).decode()
    assert "0.333333," in text
    assert "e-" not in text


def test_a_molecule_of_which_no_conformer_exists_is_refused() -> None:
    impossible = Chem.AddHs(Chem.MolFromSmiles("C1#CC1"))
    with pytest.raises(Rejected, match="RDKit embeds no conformer"):
        label_relaxation.conformers(impossible, 1)


def test_conformers_of_equal_energy_count_once() -> None:
    assert label_relaxation._distinct([2.0, 1.0, 1.01, 3.0, 1.02]) == [1, 0, 3]
