import numpy as np
import pytest
import torch

from mepflow.models.multipole_model import Multipoles
from mepflow.models.variants import LossWeights
from mepflow.training.loss import Labels, Residuals, residuals, summarise, weighted_loss

RNG = np.random.default_rng(4)
DIPOLE, QUADRUPOLE = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 6))
ERRORS = Residuals(torch.from_numpy(DIPOLE), torch.from_numpy(QUADRUPOLE))


@pytest.mark.parametrize("weights", [(100.0, 1.0), (1.0, 0.0), (0.0, 2.0)])
def test_loss_is_the_weighted_sum_of_means_over_components(weights: tuple[float, float]) -> None:
    expected = weights[0] * (DIPOLE**2).sum() / 15 + weights[1] * (QUADRUPOLE**2).sum() / 30
    loss = weighted_loss(ERRORS, LossWeights(*weights)).item()
    assert loss == pytest.approx(expected, rel=1e-14)


def test_a_target_without_weight_does_not_count_at_all() -> None:
    unknown = Residuals(ERRORS.dipole, torch.full((5, 6), float("nan")))
    assert torch.isfinite(weighted_loss(unknown, LossWeights(1.0, 0.0)))


def test_residuals_compare_the_six_stored_components() -> None:
    full = torch.arange(9.0).reshape(1, 3, 3)
    predicted = Multipoles(torch.empty(0), None, torch.ones(1, 3), full + full.mT)
    errors = residuals(predicted, Labels(torch.zeros(1, 3), torch.zeros(1, 6)))
    assert errors.dipole.tolist() == [[1.0, 1.0, 1.0]]
    assert errors.quadrupole.tolist() == [[0.0, 8.0, 16.0, 4.0, 8.0, 12.0]]  # xx yy zz xy xz yz


def test_summary_does_not_depend_on_the_batches() -> None:
    parts = [
        Residuals(ERRORS.dipole[rows], ERRORS.quadrupole[rows]) for rows in ([0], [1, 2, 3, 4])
    ]
    weights = LossWeights(3.0, 1.0)
    summary = summarise(parts, weights)
    assert summary == summarise([ERRORS], weights)
    assert summary.loss == pytest.approx(weighted_loss(ERRORS, weights).item(), rel=1e-14)
    assert summary.dipole_mae == pytest.approx(np.abs(DIPOLE).mean(), rel=1e-14)
    assert summary.dipole_rmse == pytest.approx(np.sqrt((DIPOLE**2).mean()), rel=1e-14)
    assert summary.quadrupole_mae == pytest.approx(np.abs(QUADRUPOLE).mean(), rel=1e-14)
    assert summary.quadrupole_rmse == pytest.approx(np.sqrt((QUADRUPOLE**2).mean()), rel=1e-14)
