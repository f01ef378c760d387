"""Levels of theory: elements without basis functions or core potential are refused by name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from mepflow.elements import ATOMIC_NUMBERS
from mepflow.errors import ConfigError, InputError
from mepflow.molecules import Molecule
from mepflow.qm.levels import LevelOfTheory
from mepflow.qm.scf import build_molecule

ROOT = Path(__file__).resolve().parents[3]
ROWS = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())["levels_of_theory"]
# fmt: off
SPICE_ELEMENTS = [
    "H", "Li", "B", "C", "N", "O", "F", "Na", "Mg", "Si", "P", "S", "Cl", "K", "Ca", "Br", "I",
]
# fmt: on
SPICE_LEVELS = ("wb97m-d3bj-def2-tzvppd", "wb97m-d3bj-def2-svp")
SMALL: dict[str, Any] = ROWS["wb97m-d3bj-def2-svp"]


def diatomic(one: str, other: str, charge: int = 0) -> Molecule:
    numbers = np.array([ATOMIC_NUMBERS[one], ATOMIC_NUMBERS[other]], dtype=np.uint8)
    return Molecule(one + other, numbers, np.array([[0.0, 0, 0], [0, 0, 3.0]]), charge)


@pytest.mark.parametrize("name", SPICE_LEVELS)
def test_levels_of_spice_cover_its_elements(name: str) -> None:
    level = LevelOfTheory.from_row(name, ROWS[name])
    assert list(level.basis_functions(SPICE_ELEMENTS)) == sorted(SPICE_ELEMENTS)
    potentials = level.core_potentials(SPICE_ELEMENTS)
    assert {symbol: potential[0] for symbol, potential in potentials.items()} == {"I": 28}


def test_potential_replaces_the_core_alone() -> None:
    level = LevelOfTheory.from_row("svp", SMALL)
    mol = build_molecule(diatomic("H", "I"), level)
    assert mol.nelectron == 54 - 28
    np.testing.assert_array_equal(mol.atom_charges(), [1, 25])
    light = build_molecule(diatomic("H", "Br"), level)
    assert light.nelectron == 36


@pytest.mark.parametrize("basis", ["def2-svp", "def2-TZVPPD", "ma-def2-svp", "lanl2dz"])
def test_valence_functions_without_potential_are_refused(basis: str) -> None:
    level = LevelOfTheory.from_row("bare", SMALL | {"basis": basis})
    bare = replace(level, effective_core_potential=None, density_fitting=None)
    with pytest.raises(InputError, match=r"only valence functions for I, .*filter I out\.$"):
        build_molecule(diatomic("H", "I"), bare)
    build_molecule(diatomic("H", "F"), bare)


def test_all_electron_functions_need_no_potential() -> None:
    level = LevelOfTheory.from_row("all", SMALL | {"basis": "sto-3g", "density_fitting": None})
    bare = replace(level, effective_core_potential=None)
    assert build_molecule(diatomic("H", "I"), bare).nelectron == 54


def test_elements_without_functions_are_named() -> None:
    small = LevelOfTheory.from_row("svp", SMALL)
    with pytest.raises(InputError, match=r"def2-svp has no functions for U"):
        small.basis_functions(["H", "U"])
    fitted = replace(small, density_fitting="cc-pvqz-jkfit")
    with pytest.raises(InputError, match="cc-pvqz-jkfit has no functions for Na"):
        fitted.basis_functions(["Na", "Cl"])
    with pytest.raises(InputError, match="no functions for Cl: it covers H, C, N, O and F"):
        LevelOfTheory.from_row("qm9", ROWS["b3lyp-6-31g-2df-p"]).basis_functions(["Cl"])


def test_shells_are_counted_with_the_bare_charges() -> None:
    level = LevelOfTheory.from_row("svp", SMALL)
    with pytest.raises(InputError, match="53 electrons"):
        build_molecule(diatomic("H", "I", charge=1), level)
    assert build_molecule(diatomic("Na", "I", charge=0), level).nelectron == 11 + 53 - 28


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"effective_core_potential": "nonsense"}, "no effective core potential 'nonsense'"),
        ({"functional": "nonsense"}, "does not know the functional 'nonsense'"),
        ({"dispersion": "d3bj"}, "set `dispersion` to null"),
        ({"functional": "wb97m-v", "dispersion": "d3bj"}, "set `dispersion` to null"),
        ({"functional": "b3lyp-d3bj", "dispersion": "d4"}, "set `dispersion` to null"),
    ],
)
def test_rows_that_mean_nothing_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LevelOfTheory.from_row("odd", SMALL | changes)


def test_dispersion_may_be_named_beside_a_functional_without_one() -> None:
    level = LevelOfTheory.from_row("d4", SMALL | {"functional": "b3lyp", "dispersion": "d4"})
    assert level.dispersion == "d4"


def test_keys_must_be_those_of_a_level() -> None:
    row = {key: value for key, value in SMALL.items() if key != "effective_core_potential"}
    with pytest.raises(ConfigError, match="must have exactly the keys"):
        LevelOfTheory.from_row("old", row)
