import math

import numpy as np
import pytest
import torch

from mepflow.training.loss import Residual, Residuals, summarise, weighted_loss

RNG = np.random.default_rng(4)
DIPOLE, QUADRUPOLE, CHARGES = (RNG.normal(size=shape) for shape in ((5, 3), (5, 6), (9, 1)))
COUNTED = np.array([True, False, True, True, True, False, True, True, True])
ERRORS: Residuals = {
    "dipole": Residual(torch.from_numpy(DIPOLE), None),
    "quadrupole": Residual(torch.from_numpy(QUADRUPOLE), None),
    "charges": Residual(torch.from_numpy(CHARGES), torch.from_numpy(COUNTED)),
}


@pytest.mark.parametrize(
    "weights",
    [{"dipole": 100.0, "quadrupole": 1.0}, {"dipole": 1.0}, {"quadrupole": 2.0, "charges": 5.0}],
)
def test_loss_is_the_weighted_sum_of_means_over_components(weights: dict[str, float]) -> None:
    means = {
        "dipole": (DIPOLE**2).sum() / 15,
        "quadrupole": (QUADRUPOLE**2).sum() / 30,
        "charges": (CHARGES[COUNTED] ** 2).sum() / 7,
    }
    expected = sum(weight * means[name] for name, weight in weights.items())
    assert weighted_loss(ERRORS, weights).item() == pytest.approx(expected, rel=1e-14)


def test_a_target_without_weight_does_not_count_at_all() -> None:
    unknown = Residual(torch.full((5, 6), math.nan), None)
    assert torch.isfinite(weighted_loss({**ERRORS, "quadrupole": unknown}, {"dipole": 1.0}))


def test_rows_that_do_not_count_have_no_gradient_whatever_they_hold() -> None:
    values = torch.tensor([[1.0], [math.nan], [3.0]], requires_grad=True)
    errors = {"charges": Residual(values, torch.tensor([True, False, True]))}
    weighted_loss(errors, {"charges": 2.0}).backward()
    assert values.grad is not None
    assert values.grad.flatten().tolist() == [2.0, 0.0, 6.0]


def test_a_batch_without_any_label_has_the_loss_0() -> None:
    errors = {"charges": Residual(torch.ones(3, 1), torch.zeros(3, dtype=torch.bool))}
    assert weighted_loss(errors, {"charges": 2.0}).item() == 0.0


def test_summary_does_not_depend_on_the_batches() -> None:
    parts = [
        {
            "dipole": Residual(ERRORS["dipole"].values[rows], None),
            "quadrupole": Residual(ERRORS["quadrupole"].values[rows], None),
            "charges": Residual(ERRORS["charges"].values[atoms], torch.from_numpy(COUNTED)[atoms]),
        }
        for rows, atoms in (([0], [0, 1]), ([1, 2, 3, 4], [2, 3, 4, 5, 6, 7, 8]))
    ]
    weights = {"dipole": 3.0, "quadrupole": 1.0, "charges": 2.0}
    summary = summarise(parts, weights)
    assert summary == summarise([ERRORS], weights)
    assert summary.loss == pytest.approx(weighted_loss(ERRORS, weights).item(), rel=1e-14)
    known = CHARGES[COUNTED]
    assert summary.columns == pytest.approx(
        {
            "validation_dipole_mae_e_bohr": np.abs(DIPOLE).mean(),
            "validation_dipole_rmse_e_bohr": np.sqrt((DIPOLE**2).mean()),
            "validation_quadrupole_mae_e_bohr2": np.abs(QUADRUPOLE).mean(),
            "validation_quadrupole_rmse_e_bohr2": np.sqrt((QUADRUPOLE**2).mean()),
            "validation_charges_mae_e": np.abs(known).mean(),
            "validation_charges_rmse_e": np.sqrt((known**2).mean()),
        },
        rel=1e-14,
    )
