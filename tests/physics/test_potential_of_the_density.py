"""The potential of a density: blocks, memory, and ions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from pyscf import gto

from mepflow.molecules import Molecule
from mepflow.qm import properties
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.properties import potential_on_points
from mepflow.qm.reference_record import reference_record
from mepflow.qm.scf import run_scf

ROOT = Path(__file__).resolve().parents[2]
ROWS = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())["levels_of_theory"]
LEVEL = LevelOfTheory.from_row("svp", ROWS["wb97m-d3bj-def2-svp"])
QM9_LEVEL = LevelOfTheory.from_row("qm9", ROWS["b3lyp-6-31g-2df-p-quick"])
WATER = Molecule(
    "w", np.array([8, 1, 1], np.uint8), np.array([[0, 0, 0.2], [1.4, 0, -0.9], [-1.4, 0, -0.9]])
)
RAYS = 1000.0 * np.array([[1, 0, 0], [0, -1, 0], [0, 0, 1], [0.6, 0, -0.8]])


@pytest.mark.parametrize("level", [LEVEL, QM9_LEVEL], ids=["pure", "mixed"])
@pytest.mark.parametrize("block_bytes", [1, 40_000, 2**30])
def test_blocks_do_not_change_the_potential(
    level: LevelOfTheory, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Point by point with the whole matrix of integrals, the definition, against the blocks."""
    mean_field = run_scf(WATER, replace(level, functional="lda,vwn", grid_level=0)).mean_field
    points = np.random.default_rng(3).normal(scale=4.0, size=(230, 3))
    monkeypatch.setattr(properties, "_BLOCK_BYTES", block_bytes)
    found = potential_on_points(mean_field, points)
    mol, density = mean_field.mol, mean_field.make_rdm1()
    for point, value in list(zip(points, found, strict=True))[::23]:
        with mol.with_rinv_origin(point):
            electronic = np.einsum("ij,ji->", mol.intor("int1e_rinv"), density)
        nuclear = (mol.atom_charges() / np.linalg.norm(mol.atom_coords() - point, axis=1)).sum()
        assert value == pytest.approx(nuclear - electronic, abs=1e-11)


def test_blocks_of_a_large_molecule_stay_small() -> None:
    """1,500 functions: with the whole matrix 200 points would take 3.6 GB."""
    mol = gto.M(atom=[("He", (0, 0, 3.0 * k)) for k in range(300)], basis="6-31g**", verbose=0)
    assert mol.nao == 1500
    blocks = list(properties._shell_blocks(mol))
    assert [first for first, _ in blocks[1:]] == [last for _, last in blocks[:-1]]
    assert (blocks[0][0], blocks[-1][1]) == (0, mol.nbas)
    offsets = mol.ao_loc_nr()
    largest = max(offsets[last] - offsets[first] for first, last in blocks)
    assert 8 * properties._POINTS_PER_BLOCK * largest * mol.nao <= 20 * 2**20


@pytest.mark.parametrize(
    ("numbers", "positions", "charge"),
    [
        ([19], [[0.0, 0, 0]], 1),
        ([53], [[0.0, 0, 0]], -1),
        ([20], [[1.0, 0, 0]], 2),
        ([7, 1, 1, 1, 1], [[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], 1),
        ([8, 1], [[0, 0, 0], [0, 0, 1.83]], -1),
    ],
    ids=["K+", "I-", "Ca2+", "NH4+", "OH-"],
)
def test_potential_of_an_ion_tends_to_its_charge_over_the_distance(
    numbers: list[int], positions: list[list[float]], charge: int
) -> None:
    atoms = np.array(positions, float) * (1.12 if len(numbers) == 5 else 1.0)
    ion = Molecule("ion", np.array(numbers, np.uint8), atoms, charge)
    level = replace(LEVEL, functional="pbe", grid_level=1)
    result = run_scf(ion, level)
    assert result.converged
    found = potential_on_points(result.mean_field, RAYS)
    # What is left is the dipole about the coordinates' origin: below 2 / r².
    np.testing.assert_allclose(found, charge / 1000.0, atol=3e-6)


def test_reference_of_an_ion_has_its_charge_and_grid() -> None:
    grid = {"kind": "shells", "molecules": "test", "scales": [1.4], "points_per_angstrom2": 0.5}
    hydroxide = Molecule(
        "OH-", np.array([8, 1], np.uint8), np.array([[0.0, 0, 0], [0, 0, 1.83]]), -1
    )
    record = reference_record(hydroxide, replace(LEVEL, functional="pbe"), {"mk": grid})
    assert str(record["failure"]) == ""
    assert record["mulliken_charges"].sum() == pytest.approx(-1.0, abs=1e-8)
    assert (record["mep/mk"] < 0).all()
