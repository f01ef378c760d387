import numpy as np
import pytest
import torch

from mepflow.electrostatics import potential as module
from mepflow.electrostatics.potential import Shells, potential


@pytest.fixture(params=["compiled", "plain"], autouse=True)
def way(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setattr(module, "_library", lambda: None)
    elif module._library() is None:
        pytest.skip("no C++ compiler")
    return request.param


@pytest.fixture
def system():
    rng = np.random.default_rng(11)
    quadrupoles = rng.normal(size=(5, 3, 3))
    quadrupoles += np.swapaxes(quadrupoles, 1, 2)
    points = rng.normal(size=(37, 3))
    points *= 6.0 / np.linalg.norm(points, axis=1, keepdims=True)
    return [
        points,
        rng.uniform(-2.0, 2.0, (5, 3)),
        rng.normal(size=5),
        rng.normal(size=(5, 3)),
        quadrupoles - np.trace(quadrupoles, axis1=1, axis2=2)[:, None, None] * np.eye(3) / 3.0,
    ]


SHELLS = Shells(np.array([1.0, 4.0, 7.0, 6.0, 5.0]), np.array([0.39, 0.47, 0.3, 0.51, 0.62]))


@pytest.mark.parametrize("block_bytes", [1, 5 * 16 * 8 * 10, 10**9])
def test_blocks_do_not_change_the_result(system, block_bytes):
    whole = potential(*system)
    assert whole.shape == (37,)
    np.testing.assert_allclose(
        potential(*system, block_bytes=block_bytes), whole, rtol=1e-13, atol=1e-15
    )


def test_memory_stays_within_the_bound():
    tracemalloc = pytest.importorskip("tracemalloc")
    rng = np.random.default_rng(0)
    points = rng.uniform(5.0, 9.0, (20_000, 3))
    positions, charges = rng.uniform(-2.0, 2.0, (30, 3)), rng.normal(size=30)
    dipoles, quadrupoles = rng.normal(size=(30, 3)), rng.normal(size=(30, 3, 3))
    bound = 8 * 2**20
    tracemalloc.start()
    potential(points, positions, charges, dipoles, quadrupoles, block_bytes=bound)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < bound + 3 * points[:, 0].nbytes


@pytest.mark.parametrize("n_points", [1, 255, 256, 700])
@pytest.mark.parametrize("left_out", [(), (3,), (4,), (3, 4)], ids=["all", "no μ", "no Θ", "q"])
@pytest.mark.parametrize("radii", [None, np.linspace(0.0, 3.0, 5)])
@pytest.mark.parametrize("shells", [None, SHELLS])
@pytest.mark.parametrize("way", ["compiled"], indirect=True)
def test_compiled_and_plain_are_equal(system, n_points, left_out, radii, shells):
    points, *terms = [None if k in left_out else array for k, array in enumerate(system)]
    points = np.random.default_rng(1).uniform(-6.0, 6.0, (n_points, 3))
    plain = module._in_blocks(points, *terms, radii, *(shells or (None, None)), 10_000)
    scale = np.abs(plain).max()
    found = potential(points, *terms, radii=radii, penetration=shells)
    # The exponential of the compiled loop is good to 1e-10.
    np.testing.assert_allclose(found, plain, atol=(1e-10 if shells else 1e-13) * scale)


@pytest.mark.parametrize("precision", [np.float64, np.float32])
@pytest.mark.parametrize("way", ["compiled"], indirect=True)
def test_shells_at_any_distance(precision):
    """From inside a shell to where no floating-point number is left of it."""
    distances = np.concatenate([np.geomspace(0.01, 20.0, 500), [1e2, 1e3, 1e5]])
    points = np.zeros((503, 3), dtype=precision)
    points[:, 1] = distances
    electrons, widths = (np.array([value], dtype=precision) for value in (6.0, 0.41))
    nowhere, nothing = np.zeros((1, 3), dtype=precision), np.zeros(1, dtype=precision)
    found = potential(points, nowhere, nothing, penetration=Shells(electrons, widths))
    assert found.dtype == precision
    exact = 6.0 * (1.0 / distances + 0.5 / 0.41) * np.exp(-distances / 0.41)
    rtol, atol = (2e-10, 1e-290) if precision == np.float64 else (2e-5, 1e-33)
    np.testing.assert_allclose(found, exact, rtol=rtol, atol=atol)


def test_shells_add_to_the_multipoles(system):
    nothing = 0.0 * system[2]
    alone = potential(system[0], system[1], nothing, penetration=SHELLS)
    assert np.abs(alone).max() > 1e-4
    both = potential(*system, penetration=SHELLS)
    np.testing.assert_allclose(both, potential(*system) + alone, rtol=1e-12)


def test_any_layout_and_mixed_precision_are_taken(system):
    exact = potential(*system)
    points, positions, charges, dipoles, quadrupoles = system
    spread = np.zeros((74, 6))
    spread[::2, ::2] = points
    turned = quadrupoles.swapaxes(1, 2)
    found = potential(spread[::2, ::2], np.asfortranarray(positions), charges, dipoles, turned)
    np.testing.assert_allclose(found, exact, rtol=1e-13)
    single = dipoles.astype(np.float32)
    found = potential(points, positions, charges, single, quadrupoles)
    assert found.dtype == np.float64
    expected = potential(points, positions, charges, single.astype(float), quadrupoles)
    np.testing.assert_array_equal(found, expected)


def test_wrong_shapes_are_refused(system):
    with pytest.raises(ValueError, match=r"shape|broadcast"):
        potential(system[0], system[1], system[2][:3])


def test_terms_add_up(system):
    points, positions, charges, dipoles, quadrupoles = system
    none = 0.0 * charges
    parts = (
        potential(points, positions, charges)
        + potential(points, positions, none, dipoles)
        + potential(points, positions, none, quadrupoles=quadrupoles)
    )
    np.testing.assert_allclose(potential(*system), parts, rtol=1e-12, atol=1e-14)
    first, second = ([a[rows] for a in system[1:]] for rows in (slice(2), slice(2, None)))
    np.testing.assert_allclose(
        potential(points, *first) + potential(points, *second), parts, rtol=1e-12, atol=1e-14
    )


def test_torch_gives_numpys_values_and_gradients(system):
    tensors = [torch.from_numpy(array) for array in system]
    tensors[2].requires_grad_()
    values = potential(*tensors)
    np.testing.assert_allclose(values.detach().numpy(), potential(*system), rtol=1e-13)
    values.sum().backward()
    distances = np.linalg.norm(system[0][None] - system[1][:, None], axis=-1)
    np.testing.assert_allclose(tensors[2].grad.numpy(), (1.0 / distances).sum(axis=1), rtol=1e-12)


def test_torch_gives_numpys_shells_and_their_derivatives(system):
    tensors = [torch.from_numpy(array).requires_grad_() for array in (*system[:2], *SHELLS)]

    def shells(points, positions, electrons, widths):
        nothing = torch.zeros_like(electrons)
        return potential(points, positions, nothing, penetration=Shells(electrons, widths))

    expected = potential(system[0], system[1], 0.0 * system[2], penetration=SHELLS)
    np.testing.assert_allclose(shells(*tensors).detach().numpy(), expected, rtol=2e-10)
    assert torch.autograd.gradcheck(shells, tensors)


@pytest.mark.parametrize(
    "convert", [lambda a: a.astype(np.float32), lambda a: torch.tensor(a).float()]
)
def test_single_precision_is_kept_and_good_to_its_digits(system, convert):
    exact = potential(*system)
    single = potential(*[convert(array) for array in system])
    assert str(single.dtype).endswith("float32")
    np.testing.assert_allclose(np.asarray(single), exact, atol=2e-6 * np.abs(exact).max())


def test_no_points_give_no_values(system):
    assert potential(system[0][:0], *system[1:]).shape == (0,)


@pytest.mark.parametrize("block_bytes", [1, 10**9])
@pytest.mark.parametrize("library", [np.asarray, torch.from_numpy])
def test_a_point_on_an_atom_is_refused_by_its_number(system, library, block_bytes):
    system[0][17] = system[1][3]
    with pytest.raises(ValueError, match="point 17 lies on atom 3"):
        potential(*[library(array) for array in system], block_bytes=block_bytes)


def test_a_position_that_is_not_a_number_is_refused(system):
    system[1][2, 0] = np.nan
    with pytest.raises(ValueError, match="not a number"):
        potential(*system)
