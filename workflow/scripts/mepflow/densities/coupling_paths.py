r"""Products of equivariant features: which degrees couple to which, and with what coefficients.

A feature of degree l is 2l + 1 numbers that turn like the harmonics of
:mod:`mepflow.densities.solid_harmonics`. All have the natural parity (−1)^l, so (l₁, l₂) → l₃ is
possible where l₁ + l₂ + l₃ is even. The coefficients are Wigner's 3j symbols from e3nn, whose
harmonics are ours with the components of vectors in the order y, z, x.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class CouplingPaths:
    """Paths by the degree they lead to, and their coefficients in one dense tensor.

    ``coefficients`` (m₂, r, m₁): components of the second and first factor, and r = Σ (2l₃ + 1)
    rows; ``paths`` (l₁, l₂, l₃) are in the order of the rows, sorted by l₃.
    """

    paths: tuple[tuple[int, int, int], ...]
    coefficients: Tensor

    def counts(self) -> list[int]:
        """How many paths lead to each degree from 0 on."""
        degrees = [path[2] for path in self.paths]
        return [degrees.count(degree) for degree in range(max(degrees) + 1)]


def coupling_paths(
    first: int, second: int, product: int, *, ordered: bool = False
) -> CouplingPaths:
    """Return the paths between degrees up to ``first`` and ``second`` to those up to ``product``.

    ``ordered`` leaves out those with l₁ > l₂: of two equal factors they are there twice.
    Scaled so that rows of random factors with components of variance 1 have about that variance.
    """
    # Only here: importing e3nn takes seconds, and only who builds a network needs it.
    from e3nn import o3

    paths = sorted(
        (path for path in _possible(first, second, product) if not ordered or path[0] <= path[1]),
        key=lambda path: (path[2], path),
    )
    rows = sum(2 * path[2] + 1 for path in paths)
    coefficients = torch.zeros((second + 1) ** 2, rows, (first + 1) ** 2, dtype=torch.float64)
    start = 0
    for l1, l2, l3 in paths:
        stop = start + 2 * l3 + 1
        symbols = o3.wigner_3j(l1, l2, l3, dtype=torch.float64)  # (m1, m2, m3)
        block = (2 * l3 + 1) ** 0.5 * symbols.permute(1, 2, 0)
        coefficients[l2**2 : (l2 + 1) ** 2, start:stop, l1**2 : (l1 + 1) ** 2] = block
        start = stop
    return CouplingPaths(tuple(paths), coefficients)


def _possible(first: int, second: int, product: int) -> Iterator[tuple[int, int, int]]:
    for l1 in range(first + 1):
        for l2 in range(second + 1):
            for l3 in range(abs(l1 - l2), min(l1 + l2, product) + 1, 2):
                yield l1, l2, l3
