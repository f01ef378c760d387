"""Kinds of molecules by their SMILES."""

import pytest

from mepflow.errors import InputError
from mepflow.evaluation.groups import GROUPS, groups_of


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("C", "not aromatic"),
        ("c1ccccc1", "aromatic"),
        ("Cc1ccco1", "aromatic"),
        ("C[N+](=O)[O-]", "not aromatic, formal charges"),
        ("CC(N)=O", "not aromatic, carbonyl, amide"),
        ("NCC(=O)O", "not aromatic, carbonyl, hydroxyl, amine"),
        ("COC(C)=O", "not aromatic, carbonyl, ether or ester oxygen"),
        ("N#CCF", "not aromatic, nitrile, fluorine"),
        ("CNC", "not aromatic, amine"),
        ("Nc1ccccc1", "aromatic"),
        ("CS(N)(=O)=O", "not aromatic, sulphur"),
        ("COP(=O)(O)O", "not aromatic, hydroxyl, phosphorus"),  # its ester oxygen has one carbon
        ("Clc1ccccn1", "aromatic, chlorine or bromine"),
        ("O=C1OC[C@H](CF)O1", "not aromatic, carbonyl, ether or ester oxygen, fluorine"),
    ],
)
def test_groups_of_a_molecule(smiles: str, expected: str) -> None:
    found = groups_of(smiles)
    wanted = {"all", *expected.split(", ")}
    assert set(found) == wanted
    assert list(found) == sorted(found, key=GROUPS.index)


def test_a_molecule_without_smiles_is_in_no_group_but_all() -> None:
    assert groups_of("") == ("all",)
    with pytest.raises(InputError, match="no SMILES"):
        groups_of("C(")
