"""Multipoles in OpenMM's AMOEBA force give the potential that the prediction gives."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from mepflow.multipoles import from_second_moment
from mepflow.prediction.amoeba_multipoles import BOHR_IN_NM, Z_ONLY, Z_THEN_X, amoeba_text
from mepflow.prediction.predictor import Predictor
from mepflow.prediction.structures import from_atoms
from mepflow.units import HARTREE_PER_E_IN_KJ_PER_MOL_E

openmm = pytest.importorskip("openmm")


def predicted(predictor: Predictor, atoms: Atoms):
    """Return a prediction that has quadrupoles, which are along the bond in a linear molecule."""
    structure = from_atoms(atoms, 0, "one")
    (prediction,) = predictor.predict_all([structure])
    rng = np.random.default_rng(3)
    shape = prediction.model_atomic_dipoles.shape
    dipoles, quadrupoles = rng.normal(0, 0.3, shape), rng.normal(0, 0.5, (*shape, 3))
    quadrupoles = from_second_moment(quadrupoles + quadrupoles.swapaxes(-1, -2))
    if len(atoms) < 3:
        axis = atoms.positions[1] - atoms.positions[0]
        axis /= np.linalg.norm(axis)
        dipoles = dipoles[..., :1] * axis
        quadrupoles = quadrupoles[..., :1, :1] * (3 * np.outer(axis, axis) - np.eye(3))
    changed = replace(
        prediction, model_atomic_dipoles=dipoles, model_atomic_quadrupoles=quadrupoles
    )
    return changed, structure


@pytest.mark.parametrize(("name", "kind"), [("CH3CH2OH", Z_THEN_X), ("HF", Z_ONLY)])
def test_the_potential_of_openmm_is_ours(predictor: Predictor, name: str, kind: int) -> None:
    atoms = molecule(name)
    atoms.rotate(50, (1, 2, 3))
    prediction, structure = predicted(predictor, atoms)
    content = json.loads(amoeba_text(prediction, structure))
    assert {one["axis_type"] for one in content["multipoles"]} == {kind}
    system, force = openmm.System(), openmm.AmoebaMultipoleForce()
    for one in content["multipoles"]:
        system.addParticle(1.0)
        force.addMultipole(
            one["charge_e"], one["dipole_e_nm"], one["quadrupole_e_nm2"], one["axis_type"],
            one["z"], one["x"], one["y"], 0.39, 0.1, 0.0,
        )  # fmt: skip
    force.setPolarizationType(force.Direct)
    system.addForce(force)
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    # The molecule turns in the simulation, and its multipoles with it.
    context.setPositions(np.array(content["positions_nm"]) @ turn.T)
    points = np.random.default_rng(1).normal(size=(40, 3))
    points *= np.linspace(8.0, 25.0, 40)[:, None] / np.linalg.norm(points, axis=1)[:, None]
    grid = [openmm.Vec3(*point) for point in (points @ turn.T * BOHR_IN_NM).tolist()]
    found = np.array(force.getElectrostaticPotential(grid, context))
    expected = prediction.potential(points) * HARTREE_PER_E_IN_KJ_PER_MOL_E
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2e-6 * np.abs(expected).max())
