"""Shards: what they write, and that a killed one goes on where it was."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyscf import dft, gto

from mepflow.errors import ConfigError
from mepflow.geometry.surfaces import surface_values
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.qm import reference_record, shards
from mepflow.qm.energy_gradient import energy_gradient
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.scf import run_scf
from mepflow.qm.shards import JOURNAL_NAME, compute_shard
from mepflow.selection.splits import write_splits
from mepflow.storage.journal import Journal

LEVEL = LevelOfTheory("tiny", "lda,vwn", "sto-3g", None, None, None, 0, 1e-8, 50)
GRIDS: dict[str, dict[str, Any]] = {
    "mk": {"kind": "shells", "molecules": "test", "scales": [1.4], "points_per_angstrom2": 0.3},
    "plane": {
        "kind": "plane",
        "molecules": "showcase",
        "spacing_angstrom": 1.0,
        "margin_angstrom": 1.0,
    },
    "surface": {
        "kind": "surface",
        "molecules": "showcase",
        "scale": 1.0,
        "spacing_angstrom": 0.5,
        "smoothing_angstrom": 0.1,
    },
}
ATOMS = {
    "gdb_000001": ([8, 1, 1], [[0, 0, 0.2], [1.4, 0, -0.9], [-1.4, 0, -0.9]]),
    "gdb_000002": ([9, 1], [[0, 0, 0], [0, 0, 1.75]]),
    "gdb_000003": ([1, 1], [[0, 0, 0], [0, 0, 1.4]]),
    "gdb_000004": ([6, 1, 1, 1], [[0, 0, 0], [2, 0, 0], [-1, 1.73, 0], [-1, -1.73, 0]]),
}


@pytest.fixture
def inputs(tmp_path: Path) -> tuple[Path, Path]:
    molecules = [
        Molecule(key, np.array(numbers, np.uint8), np.array(positions, float))
        for key, (numbers, positions) in ATOMS.items()
    ]
    MoleculeTable.from_molecules(molecules).save(tmp_path / "candidates.h5")
    splits = ["test", "test", "train", "validation"]
    frame = pd.DataFrame({"id": list(ATOMS), "split": splits, "showcase": [1, 0, 0, 0]})
    write_splits(frame, tmp_path / "splits.csv")
    return tmp_path / "candidates.h5", tmp_path / "splits.csv"


def run(
    inputs: tuple[Path, Path],
    folder: Path,
    shard: int = 0,
    of: int = 1,
    code: str = "1",
    split: str | None = None,
    **changes: Any,
) -> Path:
    output = folder / f"{shard}.h5"
    candidates, splits = inputs
    compute_shard(
        candidates=candidates,
        splits=splits,
        output=output,
        state_folder=folder / "state",
        shard=shard,
        shards=of,
        split=split,
        **{"level": LEVEL, "grids": GRIDS, "code": code} | changes,
    )
    return output


def test_shard_holds_labels_and_grids(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    table = MoleculeTable.load(run(inputs, tmp_path))
    assert table.ids == list(ATOMS)
    np.testing.assert_array_equal(table.properties["scf_converged"], [1, 1, 1, 0])
    assert "gradient" not in table.properties
    points = np.diff(table.grids["mk"].point_offsets)
    assert (points[:2] > 0).all()
    assert (points[2:] == 0).all()
    assert list(table.metadata["grids"]["plane"]) == ["gdb_000001"]
    assert np.diff(table.grids["plane"].point_offsets)[1:].sum() == 0
    surface, values = surface_values(table, "gdb_000001", "surface")
    assert len(surface.vertices) == len(values) > 100
    assert table.metadata["level_of_theory"]["functional"] == "lda,vwn"
    assert table.metadata["software"]["pyscf"]
    # The moments are those of the potential far away: V = mu.r/r^3 + r.Theta'.r / (2 r^5) + ...
    assert np.linalg.norm(table.property_of("dipole", 0)) > 0.3
    assert np.trace(table.property_of("quadrupole", 0)) == pytest.approx(0, abs=1e-10)


def test_gradients_where_they_are_asked_for(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    level = replace(LEVEL, convergence_hartree=1e-11)
    table = MoleculeTable.load(run(inputs, tmp_path, gradients=True, level=level))
    for row in range(3):
        numbers, positions = ATOMS[table.ids[row]]
        mol = gto.M(atom=list(zip(numbers, positions, strict=True)), unit="Bohr", basis="sto-3g")
        theirs = dft.RKS(mol, xc="lda,vwn").set(conv_tol=1e-11, verbose=0)
        theirs.grids.level = 0
        expected = theirs.run().nuc_grad_method().kernel()
        assert np.abs(expected).max() > 1e-3
        gradient = table.properties["gradient"][table.atoms(row)]
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-6)
    assert np.isnan(table.properties["gradient"][table.atoms(3)]).all()


def test_open_shell_is_recorded_with_its_reason(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    table = MoleculeTable.load(run(inputs, tmp_path))
    assert "9 electrons" in table.texts["failure"][3]
    assert np.isnan(table.property_of("dipole", 3)).all()
    assert table.texts["failure"][:3] == ["", "", ""]


@pytest.mark.parametrize("broken", ["run_scf", "molecular_properties", "potential_on_points"])
def test_a_calculation_that_raises_is_a_failure_of_its_molecule(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    original, calls = getattr(reference_record, broken), []

    def raising(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            raise IndexError("boolean index did not match")
        return original(*arguments)

    monkeypatch.setattr(reference_record, broken, raising)
    table = MoleculeTable.load(run(inputs, tmp_path))
    assert table.ids == list(ATOMS)
    assert table.texts["failure"][:3] == ["IndexError: boolean index did not match", "", ""]
    np.testing.assert_array_equal(table.properties["scf_converged"], [0, 1, 1, 0])
    assert np.diff(table.grids["mk"].point_offsets)[0] == 0
    assert len(Journal(tmp_path / "state" / JOURNAL_NAME).read()) == len(ATOMS)


@pytest.mark.parametrize(
    "error", [ConfigError("no gpu4pyscf"), MemoryError(), OSError(28, "No space left")]
)
def test_an_error_that_is_not_the_molecules_ends_the_shard(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def raising(*arguments: Any) -> Any:
        raise error

    monkeypatch.setattr(reference_record, "run_scf", raising)
    with pytest.raises(type(error)):
        run(inputs, tmp_path)
    assert not (tmp_path / "state" / JOURNAL_NAME).exists()


def test_shards_share_the_molecules(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    tables = [MoleculeTable.load(run(inputs, tmp_path / str(k), k, 3)) for k in range(3)]
    assert [table.ids for table in tables] == [
        ["gdb_000001", "gdb_000004"],
        ["gdb_000002"],
        ["gdb_000003"],
    ]


def test_a_split_alone_can_be_computed(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    tables = [
        MoleculeTable.load(run(inputs, tmp_path / str(k), k, 3, split="test")) for k in range(3)
    ]
    assert [table.ids for table in tables] == [["gdb_000001"], ["gdb_000002"], []]
    assert len(MoleculeTable.concatenate(tables)) == 2


def test_a_cut_journal_repeats_only_what_was_lost(
    inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = MoleculeTable.load(run(inputs, tmp_path))
    journal = tmp_path / "state" / JOURNAL_NAME
    content = journal.read_bytes()
    journal.write_bytes(content[: len(content) - 7])  # as a kill in the last write leaves it
    computed = []
    original = shards.reference_record

    def counted(molecule: Molecule, *arguments: Any, **settings: Any) -> Any:
        computed.append(molecule.id)
        return original(molecule, *arguments, **settings)

    monkeypatch.setattr(shards, "reference_record", counted)
    second = MoleculeTable.load(run(inputs, tmp_path))
    assert computed == ["gdb_000004"]
    for name in ("energy", "dipole", "quadrupole"):
        np.testing.assert_array_equal(second.properties[name], first.properties[name])
    run(inputs, tmp_path)
    assert computed == ["gdb_000004"]
    run(inputs, tmp_path, code="2")
    run(inputs, tmp_path, code="2", gradients=True)
    assert computed == ["gdb_000004", *ATOMS, *ATOMS]


def test_second_order_solver_takes_over() -> None:
    water = MoleculeTable.from_molecules(
        [Molecule("w", np.array([8, 1, 1], np.uint8), np.array(ATOMS["gdb_000001"][1], float))]
    ).molecule(0)
    impatient = LevelOfTheory("tiny", "lda,vwn", "sto-3g", None, None, None, 0, 1e-8, 2)
    result = run_scf(water, impatient)
    assert result.converged
    assert result.cycles > 2
    expected = run_scf(water, LEVEL).mean_field
    assert result.mean_field.e_tot == pytest.approx(expected.e_tot, abs=1e-7)
    gradients = [energy_gradient(found)[0] for found in (result.mean_field, expected)]
    np.testing.assert_allclose(*gradients, rtol=0, atol=1e-4)
