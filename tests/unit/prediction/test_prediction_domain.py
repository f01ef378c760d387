"""Refusals and warnings for molecules that the models have not been made for."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from mepflow.errors import InputError
from mepflow.prediction.domain_warnings import n_fragments, refuse_unknown_elements, warnings_about
from mepflow.prediction.model_folder import Ensemble
from mepflow.prediction.structures import from_atoms


@pytest.fixture(scope="module")
def ensemble(models: Path) -> Ensemble:
    return Ensemble.load(models)


def warned(ensemble: Ensemble, atoms: Atoms, charge: int | None = None) -> tuple[str, ...]:
    return warnings_about(from_atoms(atoms, charge).molecule, ensemble)


def test_usual_molecules_pass(ensemble: Ensemble) -> None:
    for name in ("H2O", "CH4", "CH3CH2OH", "C6H6", "HCN"):
        atoms = molecule(name)
        refuse_unknown_elements(from_atoms(atoms).molecule, name, ensemble)
        assert warned(ensemble, atoms) == ()


def test_unknown_elements_are_refused_by_name(ensemble: Ensemble) -> None:
    structure = from_atoms(Atoms("PtClH", np.eye(3) * 3))
    message = r"it.xyz contains Cl, Pt, which the model AC-AD-DQ-c .* \(it knows H, C, N, O, F\)"
    with pytest.raises(InputError, match=message):
        refuse_unknown_elements(structure.molecule, "it.xyz", ensemble)


def test_sizes(ensemble: Ensemble) -> None:
    assert warned(ensemble, molecule("H2")) == (
        "it has 2 atoms, the training molecules had 3 to 12: the result is an extrapolation",
    )
    (warning,) = warned(ensemble, molecule("C3H9N"))
    assert warning.startswith("it has 13 atoms")


def test_charges(ensemble: Ensemble) -> None:
    assert warned(ensemble, molecule("CH3"), 1) == ()
    (warning,) = warned(ensemble, molecule("OH") + Atoms("O", [[0, 0, 1.4]]), -1)
    assert warning == (
        "its total charge is -1, those of the training molecules were 0, +1: the result is an "
        "extrapolation"
    )


def test_odd_electrons_rare_elements_and_fragments(ensemble: Ensemble) -> None:
    (warning,) = warned(ensemble, molecule("CH3"))
    assert "odd number of electrons" in warning
    assert warned(ensemble, molecule("CH3"), -1)[0].startswith("its total charge is -1")
    assert warned(ensemble, molecule("CF4")) == ("only 7 of the 50 training molecules held F",)
    two = molecule("H2O")
    two.translate([0, 0, 3])
    (warning,) = warned(ensemble, molecule("H2O") + two)
    assert warning.startswith("it has 2 fragments")


@pytest.mark.parametrize("name", ["C6H6", "SiH4", "CH3SCH3", "H2", "N2", "P2", "C2H6"])
def test_molecules_are_one_fragment(name: str) -> None:
    assert n_fragments(from_atoms(molecule(name)).molecule) == 1


def test_an_ion_pair_is_two_fragments() -> None:
    assert n_fragments(from_atoms(molecule("LiF")).molecule) == 2
