"""The field: minus the numeric gradient of the potential, and Coulomb's law."""

import numpy as np
import pytest

from mepflow.electrostatics import field as module
from mepflow.electrostatics.field import potential_and_field
from mepflow.electrostatics.potential import Shells, potential


@pytest.fixture(params=["compiled", "arrays"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "arrays":
        monkeypatch.setattr(module, "_library", lambda: None)
        monkeypatch.setattr(module, "_BLOCK_NUMBERS", 500)
    elif module._library() is None:
        pytest.skip("no compiler")


def multipoles(n: int):
    rng = np.random.default_rng(5)
    matrices = rng.normal(0, 0.3, (n, 3, 3))
    matrices += matrices.transpose(0, 2, 1)
    matrices -= np.trace(matrices, axis1=1, axis2=2)[:, None, None] / 3 * np.eye(3)
    return (
        rng.uniform(-2, 2, (n, 3)), rng.normal(0, 0.4, n), rng.normal(0, 0.4, (n, 3)), matrices,
        Shells(rng.uniform(1, 6, n), rng.uniform(0.3, 0.6, n)),
    )  # fmt: skip


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kinds", ["q", "qd", "qdt", "qt", "qdts"])
def test_it_is_minus_the_gradient(kinds: str) -> None:
    positions, charges, dipoles, quadrupoles, shells = multipoles(6)
    points = np.random.default_rng(6).normal(0, 1, (40, 3))
    points *= 4.5 / np.linalg.norm(points, axis=1)[:, None]
    terms = (charges, dipoles if "d" in kinds else None, quadrupoles if "t" in kinds else None)
    shown = shells if "s" in kinds else None
    values, fields = potential_and_field(points, positions, *terms, shown)
    at = lambda where: potential(where, positions, *terms, penetration=shown)  # noqa: E731
    np.testing.assert_allclose(values, at(points), rtol=1e-12)
    h = 1e-3
    for axis in range(3):
        step = h * np.eye(3)[axis]
        near, far = (
            at(points + step) - at(points - step),
            at(points + 2 * step) - at(points - 2 * step),
        )
        np.testing.assert_allclose(fields[:, axis], -(8 * near - far) / (12 * h), atol=2e-11)


@pytest.mark.usefixtures("way")
def test_a_charge_alone_has_coulombs_field() -> None:
    values, fields = potential_and_field(np.array([[0, 0, 2.0]]), np.zeros((1, 3)), np.array([3.0]))
    np.testing.assert_allclose(values, [1.5], rtol=1e-15)
    np.testing.assert_allclose(fields, [[0, 0, 0.75]], rtol=1e-15)


@pytest.mark.usefixtures("way")
def test_a_point_on_an_atom_is_refused_and_no_points_are_nothing() -> None:
    with pytest.raises(ValueError, match="lies on an atom"):
        potential_and_field(np.zeros((1, 3)), np.zeros((1, 3)), np.ones(1))
    values, fields = potential_and_field(np.empty((0, 3)), np.zeros((1, 3)), np.ones(1))
    assert (values.shape, fields.shape) == ((0,), (0, 3))
