import math

import pytest
import torch

from mepflow.nn.basis import BASES, CUTOFF_FUNCTIONS, RadialBasis

CUTOFF = 4.2


def radial(kind="gaussian", cutoff_function="f1", n_basis=5):
    return RadialBasis(kind, n_basis, CUTOFF, cutoff_function, gamma=3.0)


@pytest.mark.parametrize(
    ("name", "middle"),
    [("f1", 0.5), ("f2", (math.tanh(0.5) / math.tanh(1.0)) ** 3), ("hip", 0.5)],
)
def test_cutoff_functions_from_one_to_zero(name, middle):
    d = torch.tensor([0.0, 0.5 * CUTOFF, CUTOFF], dtype=torch.float64)
    values = radial(cutoff_function=name).cutoff_values(d)
    torch.testing.assert_close(
        values, torch.tensor([1.0, middle, 0.0], dtype=torch.float64), rtol=0, atol=1e-15
    )


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize("name", list(CUTOFF_FUNCTIONS))
def test_slope_vanishes_at_the_cutoff(name, kind):
    d = torch.tensor([CUTOFF], dtype=torch.float64, requires_grad=True)
    basis = radial(kind, name)(d)
    basis.sum().backward()
    assert basis.abs().max() < 1e-15
    assert d.grad.abs() < 1e-15


def test_hip_is_f1():
    d = torch.linspace(0.0, CUTOFF, 50, dtype=torch.float64)
    f1, hip = (radial(cutoff_function=name).cutoff_values(d) for name in ("f1", "hip"))
    torch.testing.assert_close(f1, hip, rtol=0, atol=1e-15)


def test_gaussians_have_centres_on_both_ends():
    centres = [0.0, 0.25 * CUTOFF, 0.5 * CUTOFF, 0.75 * CUTOFF, CUTOFF]
    d = 1.3
    fc = 0.5 * (math.cos(math.pi * d / CUTOFF) + 1.0)
    expected = [math.exp(-3.0 * (d - centre) ** 2) * fc for centre in centres]
    found = radial()(torch.tensor([d], dtype=torch.float64))[0]
    torch.testing.assert_close(
        found, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-15
    )


def test_polynomials_are_powers_of_the_cutoff_function():
    d = torch.tensor([0.0, 1.3, 4.0], dtype=torch.float64)
    basis = radial("polynomial", n_basis=4)
    fc = basis.cutoff_values(d)
    torch.testing.assert_close(
        basis(d), torch.stack([fc, fc**2, fc**3, fc**4], dim=1), rtol=0, atol=1e-15
    )
