"""What inputs say of charge and spin: a table of the habits of the field's programs."""

import numpy as np
import pytest
from ase import Atoms

from mepflow.errors import InputError
from mepflow.prediction.charge_statements import (
    Statement,
    multiplicity_of_spin,
    of_comment,
    of_pairs,
)
from mepflow.prediction.structures import from_atoms
from mepflow.prediction.xyz import read_xyz
from read_records import read_all

COMMENTS = {  # of XYZ files: total charge, multiplicity, spin, whether something is left unclear
    "-2 1": (-2, 1, None, False),
    " 0   3 ": (0, 3, None, False),
    "+1, 2": (1, 2, None, False),
    "charge=-1": (-1, None, None, False),
    "Charge: -1, Multiplicity: 1": (-1, 1, None, False),
    "CHARGE -1 MULT 2": (-1, 2, None, False),
    "total charge = +2": (2, None, None, False),
    "net charge 1": (1, None, None, False),
    "chrg=-1 uhf=1": (-1, 2, None, False),
    "acetate, q = -1": (-1, None, None, False),
    "charge of 2+": (2, None, None, False),
    "step 3 charge=1.0 energy -40.1": (1, None, None, False),
    "spin=1 charge=0": (0, None, 1, False),
    "oxygen, triplet": (None, 3, None, False),
    "methyl radical": (None, None, None, True),
    "carbonate dianion": (None, None, None, True),
    "the charge is minus one": (None, None, None, True),
    "water": (None, None, None, False),
    "": (None, None, None, False),
    "12 34 56": (None, None, None, False),
    "frame 12": (None, None, None, False),
    "E = -76.4 i = 3": (None, None, None, False),
    "7": (None, None, None, False),
    "recharged battery, multi-step": (None, None, None, True),
}


@pytest.mark.parametrize(("comment", "expected"), COMMENTS.items(), ids=COMMENTS)
def test_comments(comment: str, expected: tuple[int | None, int | None, int | None, bool]) -> None:
    found = of_comment(comment)
    unclear = bool(found.not_understood)
    assert (found.total_charge, found.multiplicity, found.spin, unclear) == expected


PAIRS = {
    "charge": (-1, Statement(total_charge=-1)),
    "Total-Charge": ("+1", Statement(total_charge=1)),
    "net_charge": (2.0, Statement(total_charge=2)),
    "formal charge": ("1-", Statement(total_charge=-1)),
    "Q": (0, Statement(total_charge=0)),
    "chrg": ("-1.0", Statement(total_charge=-1)),
    "mult": (3, Statement(multiplicity=3)),
    "spin_multiplicity": ("doublet", Statement(multiplicity=2)),
    "uhf": (1, Statement(multiplicity=2)),
    "spin": (1, Statement(spin=1)),
    "charge_model": ("AM1-BCC", Statement(not_understood=("charge_model=AM1-BCC",))),
    "charges": (np.array([0.1, -0.1]), Statement()),
    "energy": (-3.0, Statement()),
    "charged": (True, Statement()),
}


@pytest.mark.parametrize(("key", "case"), PAIRS.items(), ids=PAIRS)
def test_pairs(key: str, case: tuple[object, Statement]) -> None:
    value, expected = case
    assert of_pairs({key: value}, "f.xyz") == expected


def test_statements_that_differ_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"f.xyz states total charges that differ, 0 and 1: remove"
    ):
        of_pairs({"charge": 1, "total_charge": 0}, "f.xyz")
    assert of_pairs({"charge": 1, "total_charge": 1.0}, "f.xyz") == Statement(total_charge=1)
    for value in (0.5, "abc", "1 2", 1e9):
        with pytest.raises(InputError, match="is not a whole total charge"):
            of_pairs({"charge": value}, "f.xyz")
    for value in (0, 2.5, "x"):
        with pytest.raises(InputError, match="is not a spin state"):
            of_pairs({"multiplicity": value}, "f.xyz")


@pytest.mark.parametrize(
    ("spin", "electrons", "multiplicity"),
    [(0, 10, 1), (1, 10, 1), (1, 9, 2), (2, 10, 3), (2, 9, 2)],
)
def test_the_electrons_tell_what_a_spin_is(spin: int, electrons: int, multiplicity: int) -> None:
    assert multiplicity_of_spin(spin, electrons) == multiplicity


def test_columns_and_arrays_of_atoms() -> None:
    text = "2\nProperties=species:S:1:pos:R:3:initial_charges:R:1\nO 0 0 0 -1.2\nH 0 0 1 0.2\n"
    (record,) = read_all(read_xyz(text, "f.xyz"))
    assert record.stated == Statement(total_charge=-1)
    (record,) = read_all(read_xyz(text.replace("-1.2", "-0.7"), "f.xyz"))
    assert record.stated.not_understood == ("charges of the atoms that add up to -0.5 e",)
    atoms = Atoms("OH", [[0, 0, 0], [0, 0, 1]])
    atoms.set_initial_charges([-1.0, 0.0])
    assert from_atoms(atoms).molecule.total_charge == -1
    atoms.set_initial_charges([0.0, 0.0])
    assert from_atoms(atoms).charge_source == "assumed"
    assert from_atoms(atoms, 1).charge_source == "given"


def test_what_is_not_understood_is_told() -> None:
    (record,) = read_all(read_xyz("1\nfluoride anion\nF 0 0 0\n", "f.xyz"))
    assert record.stated.total_charge is None
    assert record.stated.not_understood == ("fluoride anion",)
    assert record.info == {"comment": "fluoride anion"}
