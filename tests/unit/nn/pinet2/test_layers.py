import pytest
import torch

from mepflow.nn.pinet2.layers import (
    DotProduct,
    OutputHead,
    PairDense,
    PairInteraction,
    Pairs,
    traceless_square,
)
from mepflow.nn.segments import segment_sum


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_segment_sum_is_a_loop_over_the_rows():
    values, index = random(7, 2, 3), torch.tensor([0, 0, 1, 3, 3, 3, 1])
    expected = torch.zeros(5, 2, 3, dtype=torch.float64)
    for row, segment in zip(values, index, strict=True):
        expected[segment] += row
    torch.testing.assert_close(segment_sum(values, index, 5), expected, rtol=0, atol=1e-15)


def test_pair_dense_is_a_dense_layer_on_both_rows():
    layer = PairDense(3, 4).double()
    p1, i, j = random(5, 3), torch.tensor([0, 2, 4]), torch.tensor([1, 0, 3])
    both = torch.cat([p1[i], p1[j]], dim=1)
    torch.testing.assert_close(layer(p1, Pairs(i, j)), layer.linear(both), rtol=0, atol=1e-14)


def test_pair_interaction_contracts_tanh_with_the_basis():
    layer = PairInteraction(3, [5, 4], n_basis=6).double()
    p1, i, j, basis = random(5, 3), torch.tensor([0, 2]), torch.tensor([1, 0]), random(2, 6, seed=1)
    hidden = torch.tanh(layer.dense[1](torch.tanh(layer.dense[0](p1, Pairs(i, j)))))
    expected = torch.einsum("pbc,pb->pc", hidden.view(2, 6, 4), basis)
    torch.testing.assert_close(layer(p1, Pairs(i, j), basis), expected, rtol=0, atol=1e-14)


def test_traceless_square_is_that_of_the_outer_product():
    u = torch.nn.functional.normalize(random(4, 3), dim=1)
    matrices = u[:, :, None] * u[:, None, :] - torch.eye(3, dtype=torch.float64) / 3.0
    expected = matrices[:, [0, 1, 0, 0, 1], [0, 1, 1, 2, 2]]
    torch.testing.assert_close(traceless_square(u), expected, rtol=0, atol=1e-15)


def matrices(components):
    xx, yy, xy, xz, yz = components.unbind(1)
    rows = [[xx, xy, xz], [xy, yy, yz], [xz, yz, -xx - yy]]
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def test_dot_product_of_matrices_is_frobenius():
    p5 = random(6, 5, 3)
    found = DotProduct(5, 3, weighted=False, plain=False).double()(p5)
    expected = matrices(p5).square().sum(dim=(1, 2))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)


def test_weighted_dot_product_is_bilinear_frobenius():
    layer, p5 = DotProduct(5, 3, weighted=True, plain=False).double(), random(6, 5, 3)
    left, right = matrices(layer.left(p5)), matrices(layer.right(p5))
    expected = (left * right).sum(dim=(1, 2))
    torch.testing.assert_close(layer(p5), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("rank", "plain"), [(3, False), (5, True)])
def test_other_dot_products_are_plain(rank, plain):
    px = random(6, rank, 3)
    found = DotProduct(rank, 3, weighted=False, plain=plain).double()(px)
    torch.testing.assert_close(found, px.square().sum(dim=1), rtol=0, atol=1e-14)


def test_heads_are_linear_and_unbiased_ones_vanish_with_their_input():
    p3 = random(4, 3, 8)
    head = OutputHead(8, [6, 5], bias=False).double()
    assert head(p3).shape == (4, 3)
    torch.testing.assert_close(head(2.0 * p3), 2.0 * head(p3), rtol=0, atol=1e-14)
    assert not head(torch.zeros_like(p3)).any()
    assert not [name for name, _ in head.named_parameters() if "bias" in name]
    assert head(p3).std() > 0.01
