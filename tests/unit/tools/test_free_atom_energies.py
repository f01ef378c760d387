"""Free atoms have the spin of their ground state."""

import pytest
from free_atom_energies import free_atom_energy
from pyscf import gto, scf

from mepflow.errors import ConfigError
from mepflow.qm.levels import LevelOfTheory

HARTREE_FOCK = LevelOfTheory("tiny", "hf", "sto-3g", None, None, None, 0, 1e-10, 50)


def test_hydrogen_has_the_energy_of_its_functions() -> None:
    # One electron in STO-3G: textbook value (Szabo and Ostlund).
    assert free_atom_energy("H", HARTREE_FOCK) == pytest.approx(-0.466582, abs=1e-6)


def test_oxygen_is_a_triplet() -> None:
    expected = scf.UHF(gto.M(atom="O", basis="sto-3g", spin=2, verbose=0)).kernel()
    assert free_atom_energy("O", HARTREE_FOCK) == pytest.approx(expected, abs=1e-8)


def test_a_mixed_basis_is_refused() -> None:
    level = LevelOfTheory("mixed", "hf", "gaussian-6-31g(2df,p)", None, None, None, 0, 1e-9, 9)
    with pytest.raises(ConfigError, match="mixes Cartesian and pure"):
        free_atom_energy("C", level)
