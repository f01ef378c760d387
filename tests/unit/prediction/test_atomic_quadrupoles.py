"""Models with atomic quadrupoles: potential, spreads and files hold all terms."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read

from mepflow.electrostatics.potential import potential
from mepflow.models.ensemble_spread import spread
from mepflow.multipoles import components
from mepflow.prediction.csv_tables import atom_columns
from mepflow.prediction.geometry_files import extxyz_text
from mepflow.prediction.predictor import Predictor
from mepflow.units import ANGSTROM_IN_BOHR


def test_atomic_quadrupoles_are_terms_of_the_potential_and_of_every_file(
    save: Callable[..., Path], tmp_path: Path, ethanol: Atoms
) -> None:
    for seed in (1, 2):
        save(tmp_path / f"seed-{seed}" / "model.pt", seed, "AC-AD-AQ-DQ-c")
    prediction = Predictor.load(tmp_path).predict(ethanol)
    assert prediction.atomic_quadrupoles is not None
    assert prediction.atomic_quadrupoles_spread is not None
    assert prediction.model_atomic_quadrupoles is not None
    assert prediction.are_charges_fitted
    points = np.array([[9.0, 1.0, -3.0], [-5.0, 6.0, 2.0]])
    positions = ethanol.positions * ANGSTROM_IN_BOHR
    terms = (prediction.atomic_charges, prediction.atomic_dipoles, prediction.atomic_quadrupoles)
    expected = potential(points, positions, *terms)
    np.testing.assert_allclose(prediction.potential(points), expected, rtol=1e-13)
    assert np.abs(expected - potential(points, positions, *terms[:2])).min() > 1e-6
    assert prediction.model_atomic_dipoles is not None
    each = zip(
        prediction.model_atomic_charges,
        prediction.model_atomic_dipoles,
        prediction.model_atomic_quadrupoles,
        strict=True,
    )
    of_models = np.array([potential(points, positions, *one) for one in each])
    np.testing.assert_allclose(prediction.potential_spread(points), spread(of_models), atol=1e-15)
    columns = atom_columns([prediction], with_charges=True)
    six = components(prediction.atomic_quadrupoles)
    assert columns["atomic_theta_prime_xz_e_bohr2"] == six[:, 4].tolist()
    deviations = components(prediction.atomic_quadrupoles_spread)
    assert columns["atomic_theta_prime_zz_spread_e_bohr2"] == deviations[:, 2].tolist()
    (tmp_path / "a.xyz").write_text(extxyz_text([prediction], [{}]))
    written = read(tmp_path / "a.xyz").arrays["atomic_theta_prime_xx_yy_zz_xy_xz_yz_e_bohr2"]
    np.testing.assert_allclose(written, six, atol=1e-8)
