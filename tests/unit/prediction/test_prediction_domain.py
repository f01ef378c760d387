"""Refusals and warnings for molecules that the models have not been made for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from mepflow.errors import InputError
from mepflow.prediction.charged_groups import charged_groups, n_fragments, neighbours_of
from mepflow.prediction.domain_warnings import refuse_unknown_elements, warnings_about
from mepflow.prediction.model_folder import Ensemble
from mepflow.prediction.rdkit_records import from_smiles
from mepflow.prediction.structures import from_atoms


@pytest.fixture(scope="module")
def ensemble(models: Path) -> Ensemble:
    return Ensemble.load(models)


def warned(ensemble: Ensemble, atoms: Atoms, charge: int | None = None) -> tuple[str, ...]:
    (found,) = warnings_about([from_atoms(atoms, charge)], ensemble)
    return found


def bare(name: str) -> Atoms:
    """A molecule of ASE's without the magnetic moments that state its spin."""
    atoms = molecule(name)
    return Atoms(atoms.numbers, atoms.positions)


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
    assert warned(ensemble, bare("CH3"), 1) == ()
    (warning,) = warned(ensemble, bare("OH") + Atoms("O", [[0, 0, 1.4]]), -1)
    assert warning == (
        "its total charge is -1, those of the training molecules were 0, +1: the result is an "
        "extrapolation"
    )


def test_odd_electrons_rare_elements_and_fragments(ensemble: Ensemble) -> None:
    (warning,) = warned(ensemble, bare("CH3"))
    assert "odd number of electrons" in warning
    assert warned(ensemble, bare("CH3"), -1)[0].startswith("its total charge is -1")
    assert warned(ensemble, molecule("CF4")) == ("only 7 of the 50 training molecules held F",)
    two = molecule("H2O")
    two.translate([0, 0, 3])
    (warning,) = warned(ensemble, molecule("H2O") + two)
    assert warning.startswith("it has 2 fragments")


def glycine(*, ionic: bool) -> Atoms:
    """Glycine with its proton at the nitrogen, or at the oxygen, from RDKit."""
    record = from_smiles("[NH3+]CC(=O)[O-]" if ionic else "NCC(=O)O", "glycine")
    return Atoms(record.atomic_numbers, record.positions)


def test_a_zwitterion_is_named(ensemble: Ensemble) -> None:
    neutral_only = replace(ensemble, domains=(replace(ensemble.domains[0], total_charges=(0,)),))
    (warning,) = warned(neutral_only, glycine(ionic=True), 0)
    assert warning.startswith("it is a zwitterion with an ammonium group and a carboxylate group")
    assert warned(neutral_only, glycine(ionic=False), 0) == ()
    assert warned(ensemble, glycine(ionic=True), 0) == ()


@pytest.mark.parametrize(
    ("smiles", "charge"),
    [
        ("C[NH3+]", 1), ("CC(=O)[O-]", -1), ("COP(=O)([O-])[O-]", -2), ("NC(N)=[NH2+]", 1),
        ("CS(=O)(=O)[O-]", -1), ("C[O-]", -1), ("[O-][N+](=O)[O-]", -1), ("C[NH2+]CC[NH3+]", 2),
    ],
)  # fmt: skip
def test_a_charge_that_is_assumed_against_the_groups(
    ensemble: Ensemble, smiles: str, charge: int
) -> None:
    record = from_smiles(smiles, "ion")
    atoms = Atoms(record.atomic_numbers, record.positions)
    found = [text for text in warned(ensemble, atoms) if "would make it" in text]
    assert len(found) == 1
    assert found[0].endswith(f"would make it {charge:+d}")
    assert not [text for text in warned(ensemble, atoms, charge) if "would make it" in text]


@pytest.mark.parametrize(
    "smiles",
    [
        "C[N+](C)(C)[O-]",
        "C[N+](=O)[O-]",
        "CS(C)=O",
        "CS(=O)(=O)N",
        "COP(=O)(OC)OC",
        "NC(N)=O",
        "CC(=O)OC",
        "NC(N)=N",
        "C=[N+]=[N-]",
    ],
)
def test_neutral_molecules_have_no_charged_groups(smiles: str) -> None:
    record = from_smiles(smiles, "neutral")
    found = from_atoms(Atoms(record.atomic_numbers, record.positions)).molecule
    assert charged_groups(found, neighbours_of([found])[0]) == []


@pytest.mark.parametrize("info", [{"multiplicity": 3}, {"spin": 2}, {"uhf": 2}, {"magmoms": True}])
def test_an_open_shell_that_the_input_states(ensemble: Ensemble, info: dict[str, int]) -> None:
    atoms = molecule("H2O")
    if "magmoms" in info:
        atoms.set_initial_magnetic_moments([1.0, 0.5, 0.5])
    else:
        atoms.info = info
    (warning,) = warned(ensemble, atoms)
    assert warning.startswith("its input states a multiplicity of 3: models know closed shells")


def test_a_spin_that_does_not_fit(ensemble: Ensemble) -> None:
    atoms = molecule("H2O")
    atoms.info["multiplicity"] = 2
    (warning,) = warned(ensemble, atoms)
    assert warning.startswith(
        "its input states a multiplicity of 2, which 10 electrons cannot have"
    )


@pytest.mark.parametrize("name", ["C6H6", "SiH4", "CH3SCH3", "H2", "N2", "P2", "C2H6"])
def test_molecules_are_one_fragment(name: str) -> None:
    assert n_fragments(neighbours_of([from_atoms(molecule(name)).molecule])[0]) == 1


def test_an_ion_pair_is_two_fragments() -> None:
    assert n_fragments(neighbours_of([from_atoms(molecule("LiF")).molecule])[0]) == 2
