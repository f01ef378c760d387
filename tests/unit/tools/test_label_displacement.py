"""Normal modes against analytic ones; displacements along them and turns about bonds."""

import label_displacement
import numpy as np
import numpy.typing as npt
import pytest
from ase import Atoms
from ase.build import molecule as build
from ase.calculators.morse import MorsePotential
from ase.units import kB
from label_displacement import (
    Rejected,
    atoms_clash,
    changed_bonds,
    displaced_along_modes,
    thermal_spread,
    turned_about_a_bond,
)
from label_list import TURNABLE
from normal_modes import normal_modes, vibrational_basis
from rdkit import Chem
from rdkit.Chem import AllChem, rdMolTransforms

from mepflow import units

FloatArray = npt.NDArray[np.float64]

DEPTH_EV, STEEPNESS, LENGTH = 4.0, 2.0, 0.75


def morse_pair() -> Atoms:
    """Two hydrogens at the minimum of a Morse potential, in a direction of no axis."""
    direction = np.array([1.0, 2.0, -2.0]) / 3
    atoms = Atoms("H2", np.outer([0.0, LENGTH], direction))
    atoms.calc = MorsePotential(epsilon=DEPTH_EV, rho0=STEEPNESS, r0=LENGTH, rcut1=3.0, rcut2=4.0)
    return atoms


def morse_frequency() -> float:
    """ω in hartree: k = 2 D (ρ₀/r₀)², reduced mass m/2."""
    constant = 2 * DEPTH_EV * (STEEPNESS / LENGTH) ** 2 / units.HARTREE_IN_EV
    constant *= units.BOHR_IN_ANGSTROM**2
    mass = float(Atoms("H").get_masses()[0]) * units.DALTON_IN_ELECTRON_MASS
    return float((constant / (mass / 2)) ** 0.5)


def embedded(smiles: str) -> tuple[Chem.Mol, FloatArray]:
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert AllChem.EmbedMolecule(molecule, randomSeed=1) == 0
    AllChem.MMFFOptimizeMolecule(molecule)
    return molecule, molecule.GetConformer().GetPositions()


def test_frequency_of_a_morse_pair() -> None:
    values, modes = normal_modes(morse_pair())
    assert values.shape == (1,)
    assert values[0] ** 0.5 == pytest.approx(morse_frequency(), rel=1e-3)
    np.testing.assert_allclose(modes.T @ modes, [[1.0]], atol=1e-12)


def test_the_hessian_leaves_the_atoms_where_they_are() -> None:
    atoms = morse_pair()
    before = atoms.get_positions()
    normal_modes(atoms)
    np.testing.assert_array_equal(atoms.get_positions(), before)


@pytest.mark.parametrize(("name", "count"), [("H2O", 3), ("CO2", 4), ("CH4", 9), ("H2", 1)])
def test_vibrations_are_free_of_translations_and_rotations(name: str, count: int) -> None:
    atoms = build(name)
    masses = np.repeat(atoms.get_masses(), 3)
    positions = atoms.get_positions()
    basis = vibrational_basis(positions, masses)
    assert basis.shape == (3 * len(atoms), count)
    steps = (basis / np.sqrt(masses)[:, None]).T.reshape(count, -1, 3)
    np.testing.assert_allclose(np.einsum("a,mai->mi", masses[::3], steps), 0, atol=1e-10)
    turning = np.cross(positions[None], steps * masses[::3, None]).sum(axis=1)
    np.testing.assert_allclose(turning, 0, atol=1e-10)


def test_one_atom_has_no_modes() -> None:
    values, modes = normal_modes(Atoms("He", [[0.0, 0.0, 0.0]]))
    assert values.shape == (0,)
    assert modes.shape == (3, 0)


def test_spread_at_high_and_low_temperature() -> None:
    frequencies = np.array([0.002, 0.01])
    cold = thermal_spread(frequencies**2, 1.0)
    np.testing.assert_allclose(cold**2, 1 / (2 * frequencies), rtol=1e-12)
    kelvin = 1e6
    hot = thermal_spread(frequencies**2, kelvin)
    classical = kelvin * kB / units.HARTREE_IN_EV / frequencies**2
    np.testing.assert_allclose(hot**2, classical, rtol=1e-4)
    soft = label_displacement.LOWEST_WAVENUMBER * units.WAVENUMBER_IN_HARTREE
    np.testing.assert_allclose(
        thermal_spread(np.array([-1e-9, 0.0, 1e-12]), 300.0),
        thermal_spread(np.array([soft**2]), 300.0)[0],
    )


class OneDeviation:
    """A generator whose normal numbers are all one, at a temperature of its own."""

    def uniform(self, low: float, high: float) -> float:
        assert (low, high) == label_displacement.KELVIN
        return 400.0

    def normal(self, size: int) -> FloatArray:
        return np.ones(size)


def test_one_deviation_is_that_of_a_quantum_oscillator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_displacement, "changed_bonds", lambda *_: "")
    first, second = displaced_along_modes(Chem.Mol(), morse_pair(), OneDeviation())
    frequency, thermal = morse_frequency(), 400.0 * kB / units.HARTREE_IN_EV
    mass = float(Atoms("H").get_masses()[0]) * units.DALTON_IN_ELECTRON_MASS / 2
    variance = 1 / (2 * frequency * mass) / np.tanh(frequency / (2 * thermal))
    change = abs(np.linalg.norm(second - first) - LENGTH) / units.BOHR_IN_ANGSTROM
    assert change == pytest.approx(variance**0.5, rel=1e-3)
    np.testing.assert_allclose((first + second) / 2, morse_pair().positions.mean(0), atol=1e-12)


def test_displacements_that_always_change_bonds_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(label_displacement, "changed_bonds", lambda *_: "lost H–H")
    with pytest.raises(Rejected, match="24 displacements along normal modes: lost H–H"):
        displaced_along_modes(Chem.Mol(), morse_pair(), np.random.default_rng(6))


def test_a_turn_changes_one_torsion_and_nothing_else() -> None:
    molecule, positions = embedded("CCOC(=O)CC")
    generator = np.random.default_rng(4)
    distance = Chem.GetDistanceMatrix(molecule)
    for _ in range(10):
        turned = turned_about_a_bond(molecule, positions, generator)
        changes = np.abs(_distances(turned) - _distances(positions))
        assert changes[distance <= 2].max() < 1e-10
        angles = _changed_torsions(molecule, positions, turned)
        assert len(angles) == 1
        assert 20.0 - 1e-6 <= abs(angles[0]) <= 180.0 + 1e-6


def _distances(positions: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(positions[:, None] - positions[None], axis=-1))


def _changed_torsions(molecule: Chem.Mol, before: FloatArray, after: FloatArray) -> list[float]:
    """Return by how many degrees bonds were turned, those that were not left out."""
    conformers = []
    for positions in (before, after):
        conformer = Chem.Conformer(len(positions))
        conformer.SetPositions(np.ascontiguousarray(positions))
        conformers.append(conformer)
    found = []
    for second, third in molecule.GetSubstructMatches(TURNABLE):
        first, fourth = (
            next(n.GetIdx() for n in molecule.GetAtomWithIdx(a).GetNeighbors() if n.GetIdx() != b)
            for a, b in ((second, third), (third, second))
        )
        angle = [
            rdMolTransforms.GetDihedralDeg(one, first, second, third, fourth) for one in conformers
        ]
        change = (angle[1] - angle[0] + 180.0) % 360.0 - 180.0
        if abs(change) > 1e-6:
            found.append(change)
    return found


def test_a_turn_that_always_clashes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    molecule, positions = embedded("CCCC")
    monkeypatch.setattr(label_displacement, "atoms_clash", lambda *_: True)
    with pytest.raises(Rejected, match="clash in 24 turns"):
        turned_about_a_bond(molecule, positions, np.random.default_rng(5))


def test_changed_bonds_are_named() -> None:
    molecule, positions = embedded("CCO")
    assert changed_bonds(molecule, positions) == ""
    stretched = positions.copy()
    hydrogen = max(n.GetIdx() for n in molecule.GetAtomWithIdx(2).GetNeighbors())
    stretched[hydrogen] += 3.0 * (positions[hydrogen] - positions[2])
    assert changed_bonds(molecule, stretched) == "lost O–H"
    stretched[hydrogen] = positions[0] + np.array([0.0, 0.0, 1.0])
    assert "lost O–H" in changed_bonds(molecule, stretched)
    assert "new C–H" in changed_bonds(molecule, stretched)


def test_only_atoms_several_bonds_apart_clash() -> None:
    molecule, positions = embedded("CCCCC")
    assert not atoms_clash(molecule, positions)
    near = positions.copy()
    near[4] = positions[0] + np.array([2.2, 0.0, 0.0])
    assert Chem.GetDistanceMatrix(molecule)[0, 4] == 4
    assert atoms_clash(molecule, near)
    geminal, tight = embedded("FC(F)F")
    assert not atoms_clash(geminal, 0.5 * tight)


def test_later_displacements_are_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = []

    def note(_: Chem.Mol, positions: FloatArray) -> str:
        lengths.append(np.linalg.norm(positions[1] - positions[0]) - LENGTH)
        return "lost H–H"

    monkeypatch.setattr(label_displacement, "changed_bonds", note)
    with pytest.raises(Rejected):
        displaced_along_modes(Chem.Mol(), morse_pair(), OneDeviation())
    np.testing.assert_allclose(np.array(lengths) / lengths[0], label_displacement.SCALES)
    assert label_displacement.SCALES[0] == 1.0
    assert label_displacement.SCALES[-1] == 0.5
