"""Names and formulas of molecules."""

import numpy as np
import pytest

from mepflow.molecules import Molecule
from mepflow.selection.common_names import COMMON_NAMES, common_name, formula
from mepflow.selection.identity import canonical_smiles


def test_every_name_is_of_one_molecule_in_its_canonical_form() -> None:
    assert {smiles: canonical_smiles(smiles) for smiles in COMMON_NAMES} == {
        smiles: smiles for smiles in COMMON_NAMES
    }
    assert len(set(COMMON_NAMES.values())) == len(COMMON_NAMES)


@pytest.mark.parametrize(
    ("smiles", "name"),
    [
        ("OCC", "ethanol"),
        ("[H]C([H])=O", "formaldehyde"),
        ("O=C1OC[C@H](CF)O1", "fluoropropylene carbonate"),
        ("CCCCCCCCC", ""),
        ("", ""),
        ("no SMILES", ""),
    ],
)
def test_a_name_belongs_to_the_molecule_however_it_is_written(smiles, name) -> None:
    assert common_name(smiles) == name


@pytest.mark.parametrize(
    ("numbers", "charge", "text"),
    [
        ([8, 1, 1], 0, "H₂O"),
        ([6] * 12 + [1] * 10, 0, "C₁₂H₁₀"),
        ([7, 1, 1, 1, 1], 1, "H₄N⁺"),
        ([6, 8, 8, 8], -2, "CO₃²⁻"),
        ([17, 6, 1, 1, 1], 0, "CH₃Cl"),
    ],
)
def test_formulas_are_in_hills_order(numbers, charge, text) -> None:
    atoms = np.array(numbers, np.uint8)
    assert formula(Molecule("m", atoms, np.zeros((len(atoms), 3)), charge)) == text
