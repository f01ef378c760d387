"""Predictions: means, spreads, symmetry, and ASE's ways to them."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from ase import Atoms
from ase.build import molecule
from scipy.spatial.transform import Rotation

import mepflow
from mepflow.electrostatics.potential import potential
from mepflow.errors import InputError
from mepflow.geometry.grids import grid_points
from mepflow.models.ensemble_spread import spread
from mepflow.multipoles import dipole_terms, quadrupole_terms
from mepflow.nn.pinet2 import native
from mepflow.prediction import predictor as module
from mepflow.prediction.predictor import DomainWarning, Predictor
from mepflow.prediction.result import CHARGE_GRID
from mepflow.prediction.structures import from_atoms
from mepflow.units import ANGSTROM_IN_BOHR, BOHR_IN_ANGSTROM

ROOT = Path(__file__).resolve().parents[3]


def test_terms_give_the_multipoles(predictor: Predictor, ethanol: Atoms) -> None:
    prediction = predictor.predict(ethanol)
    positions = ethanol.positions * ANGSTROM_IN_BOHR
    centre = ethanol.numbers @ positions / ethanol.numbers.sum()
    np.testing.assert_allclose(prediction.origin, centre, rtol=1e-12)
    terms = (prediction.atomic_charges, positions - centre, prediction.atomic_dipoles)
    assert abs(prediction.atomic_charges.sum()) < 1e-14
    assert np.abs(prediction.atomic_charges).max() > 1e-3
    np.testing.assert_allclose(prediction.dipole, dipole_terms(*terms).sum(axis=0), atol=1e-13)
    quadrupole = quadrupole_terms(*terms).sum(axis=0)
    np.testing.assert_allclose(prediction.quadrupole, quadrupole, atol=1e-12)


@pytest.mark.filterwarnings("ignore::mepflow.prediction.predictor.DomainWarning")
def test_charges_add_up_to_the_total_charge(predictor: Predictor) -> None:
    atoms = molecule("CH3")
    for charge in (-1, 0, 1):
        assert predictor.predict(atoms, charge).charges.sum() == pytest.approx(charge, abs=1e-14)
    atoms.info["charge"] = -1
    assert predictor.predict(atoms).molecule.total_charge == -1


def test_charges_stand_alone(predictor: Predictor, ethanol: Atoms) -> None:
    """They are the constrained least-squares fit that SciPy finds, and far better than a part."""
    prediction = predictor.predict(ethanol)
    molecule = prediction.molecule
    points = grid_points(CHARGE_GRID, molecule.atomic_numbers, molecule.positions)
    inverse = 1.0 / np.linalg.norm(points[:, None] - molecule.positions, axis=-1)
    wanted = prediction.potential(points)
    n = len(molecule)
    matrix = np.block([[inverse.T @ inverse, np.ones((n, 1))], [np.ones((1, n)), np.zeros((1, 1))]])
    expected = np.linalg.solve(matrix, [*(inverse.T @ wanted), 0.0])[:n]
    np.testing.assert_allclose(prediction.charges, expected, atol=1e-8)
    assert abs(prediction.charges.sum()) < 1e-13
    left = np.sqrt(np.mean((inverse @ prediction.charges - wanted) ** 2))
    assert left == pytest.approx(prediction.charges_deviation(points, wanted), rel=1e-10)
    of_a_part = np.sqrt(np.mean((inverse @ prediction.atomic_charges - wanted) ** 2))
    assert left < 0.4 * of_a_part


def test_the_shells_of_the_charges_are_those_of_the_definitions() -> None:
    grids = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())["grids"]
    assert CHARGE_GRID["kind"] == grids["mk"]["kind"] == "shells"
    assert CHARGE_GRID["scales"] == grids["mk"]["scales"]


def test_mean_and_spread_over_the_models(
    models: Path, predictor: Predictor, ethanol: Atoms
) -> None:
    whole = predictor.predict(ethanol)
    singles = [mepflow.load(models / f"seed-{n}" / "model.pt").predict(ethanol) for n in (1, 2, 10)]
    charges = np.array([single.charges for single in singles])
    np.testing.assert_allclose(whole.model_charges, charges, atol=1e-15)
    np.testing.assert_allclose(whole.charges, charges.sum(axis=0) / 3, atol=1e-15)
    deviations = np.sum((charges - charges.mean(axis=0)) ** 2, axis=0)
    np.testing.assert_allclose(whole.charges_spread, np.sqrt(deviations / 2), atol=1e-15)
    points = np.array([[9.0, 1.0, -3.0], [0.0, -8.0, 4.0]])
    values = np.array([single.potential(points) for single in singles])
    np.testing.assert_allclose(whole.potential(points), values.mean(axis=0), atol=1e-15)
    np.testing.assert_allclose(whole.potential_spread(points), spread(values), atol=1e-15)
    assert whole.charges_spread.min() > 1e-6
    for name in ("charges", "atomic_charges", "atomic_dipoles", "dipole", "quadrupole"):
        of_one = getattr(singles[0], f"{name}_spread")
        assert of_one.shape == getattr(whole, name).shape == getattr(whole, f"{name}_spread").shape
        assert np.isnan(of_one).all()
    assert np.isnan(singles[0].potential_spread(points)).all()


def test_potential_is_that_of_the_terms(predictor: Predictor, ethanol: Atoms) -> None:
    prediction = predictor.predict(ethanol)
    points = np.array([[9.0, 1.0, -3.0]])
    positions = ethanol.positions * ANGSTROM_IN_BOHR
    terms = (prediction.atomic_charges, prediction.atomic_dipoles)
    expected = potential(points, positions, *terms)
    np.testing.assert_allclose(prediction.potential(points), expected, rtol=1e-13)


def test_turning_moving_and_renumbering(precise: Predictor, ethanol: Atoms) -> None:
    first = precise.predict(ethanol)
    rotation = Rotation.from_euler("xyz", [0.3, 1.1, -0.7]).as_matrix()
    order = [4, 2, 0, 8, 1, 3, 7, 5, 6]
    turned = ethanol[order]
    turned.positions = turned.positions @ rotation.T + [3.0, -2.0, 5.0]
    other = precise.predict(turned)
    np.testing.assert_allclose(other.atomic_charges, first.atomic_charges[order], atol=1e-13)
    # The shells are laid in the frame of the input.
    np.testing.assert_allclose(other.charges, first.charges[order], atol=0.02)
    np.testing.assert_allclose(other.dipole, rotation @ first.dipole, atol=1e-12)
    expected = rotation @ first.quadrupole @ rotation.T
    np.testing.assert_allclose(other.quadrupole, expected, atol=1e-11)
    assert first.atomic_dipoles is not None
    assert other.atomic_dipoles is not None
    expected = first.atomic_dipoles[order] @ rotation.T
    np.testing.assert_allclose(other.atomic_dipoles, expected, atol=1e-12)


@pytest.mark.parametrize("double_precision", [False, True])
@pytest.mark.parametrize("limit", [1, 12, 500])
def test_molecules_together_are_as_alone(
    models: Path,
    ethanol: Atoms,
    limit: int,
    double_precision: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To the last bit where the compiled loops run, whose sums do not know of other molecules."""
    predictor = Predictor.load(models, double_precision=double_precision)
    monkeypatch.setattr(module, "ATOMS_AT_ONCE", limit)
    named = ("H2O", "C6H6", "CH3CN", "HF", "C2H2")
    molecules = [ethanol, *(molecule(name) for name in named), ethanol[[0, 4, 5, 6]]]
    together = list(predictor.predict_all([from_atoms(atoms) for atoms in reversed(molecules)]))
    assert len(together) == 7
    tolerance = 0.0 if native.usable(torch.zeros(1)) else 1e-6
    for atoms, prediction in zip(reversed(molecules), together, strict=True):
        (alone,) = predictor.predict_all([from_atoms(atoms)])
        for name in ("charges", "atomic_charges_spread", "atomic_dipoles", "dipole", "quadrupole"):
            one, other = getattr(alone, name), getattr(prediction, name)
            np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


def test_precisions(predictor: Predictor, precise: Predictor, ethanol: Atoms) -> None:
    double, single = precise.predict(ethanol), predictor.predict(ethanol)
    for name in ("atomic_charges", "atomic_dipoles", "dipole", "quadrupole", "charges"):
        expected, found = getattr(double, name), getattr(single, name)
        assert found.dtype == np.float64
        difference = np.abs(found - expected).max() / np.abs(expected).max()
        assert 1e-9 < difference < 2e-6
    assert abs(single.atomic_charges.sum()) < 1e-14


def test_a_model_of_charges_alone(
    tmp_path: Path, save: Callable[..., Path], ethanol: Atoms
) -> None:
    prediction = mepflow.load(save(tmp_path / "m.pt", name="AC-DQ")).predict(ethanol)
    assert prediction.atomic_dipoles is None
    assert prediction.atomic_dipoles_spread is None
    np.testing.assert_array_equal(prediction.charges, prediction.atomic_charges)
    points = np.array([[9.0, 1.0, -3.0]])
    assert prediction.potential_spread(points).shape == (1,)


def test_warnings_and_refusals(predictor: Predictor) -> None:
    with pytest.warns(DomainWarning, match="H2: it has 2 atoms"):
        prediction = predictor.predict(molecule("H2"))
    assert len(prediction.warnings) == 1
    good, bad = from_atoms(molecule("H2O")), from_atoms(molecule("HCl"))
    with pytest.raises(InputError, match="ClH contains Cl"):
        next(predictor.predict_all([good, bad]))


def test_ase_calculator(predictor: Predictor, ethanol: Atoms) -> None:
    prediction = predictor.predict(ethanol)
    ethanol.calc = predictor.calculator()
    np.testing.assert_allclose(ethanol.get_charges(), prediction.charges, atol=1e-14)
    dipole = ethanol.get_dipole_moment()
    np.testing.assert_allclose(dipole, prediction.dipole * BOHR_IN_ANGSTROM, atol=1e-13)
    of_charges = prediction.atomic_charges @ ethanol.positions
    of_dipoles = np.sum(prediction.atomic_dipoles, axis=0) * BOHR_IN_ANGSTROM
    np.testing.assert_allclose(of_charges + of_dipoles, dipole, atol=1e-12)
    ethanol.positions[3] += 0.05
    assert abs(ethanol.get_charges()[3] - prediction.charges[3]) > 1e-6
    ethanol.info["charge"] = 2
    with pytest.warns(DomainWarning, match=r"total charge is \+2"):
        assert ethanol.get_charges().sum() == pytest.approx(2.0)
    shared = predictor.calculator()
    for charge in (0, 1):
        water = molecule("H2O")
        water.info["charge"] = charge
        water.calc = shared
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DomainWarning)
            assert water.get_charges().sum() == pytest.approx(charge)
    del ethanol.info["charge"]
    ethanol.calc = predictor.calculator(1)
    with pytest.warns(DomainWarning, match="odd number"):
        charges = ethanol.get_charges()
    assert charges.sum() == pytest.approx(1.0)
    with pytest.raises(NotImplementedError):
        ethanol.get_potential_energy()


def test_a_list_a_smiles_and_atoms(predictor: Predictor, ethanol: Atoms) -> None:
    """What is given alone is a prediction, what is given in a list a list of them."""
    alone = predictor.predict("CCO")
    assert repr(alone) == "Prediction('CCO', 9 atoms, 3 models)"
    assert repr(predictor) == "Predictor('AC-AD-DQ-c', 3 models)"
    found = predictor.predict(["CCO", ethanol])
    assert [len(prediction.molecule) for prediction in found] == [9, 9]
    np.testing.assert_allclose(found[0].dipole, alone.dipole, atol=1e-14)
    np.testing.assert_allclose(found[1].dipole, predictor.predict(ethanol).dipole, atol=1e-14)
    assert predictor.predict([]) == []
    assert predictor.predict(iter([ethanol]))[0].molecule.id == "C2OH6"
    assert predictor.predict("[OH3+]").molecule.total_charge == 1


@pytest.mark.parametrize(
    ("molecules", "message"),
    [
        ("ethanol.xyz", "'ethanol.xyz' is not a SMILES"),
        (["C", "C("], r"Molecule 2 of the list: SMILES: 'C"),
        (["C", "CCl"], "Molecule 2 of the list: 'CCl' contains Cl"),
        ([1], r"Molecule 1 of the list: int is no molecule: give ASE's Atoms \(ase.io.read"),
        (1, "int is no molecule"),
        (None, "NoneType is no molecule"),
    ],
)
def test_what_is_no_molecule_in_python(
    predictor: Predictor, molecules: object, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        predictor.predict(molecules)  # type: ignore[call-overload]


def test_the_models_of_mepflow() -> None:
    prediction = mepflow.predict("CCO")
    assert len(prediction.model_dipoles) == 5
    np.testing.assert_allclose(mepflow.predict(["CCO"])[0].dipole, prediction.dipole, atol=1e-14)
