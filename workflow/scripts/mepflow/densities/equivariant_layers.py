"""Layers of the density network: features (atoms, (L + 1)², channels), degree by degree.

Every layer commutes with rotations and reflections of the molecule, since it mixes channels within
a degree, multiplies by scalars, or couples degrees by :mod:`mepflow.densities.coupling_paths`. The
weights of many small matrices are kept as (matrices, in, out).
"""

import math

import torch
from torch import Tensor, nn

from mepflow.densities.coupling_paths import CouplingPaths, coupling_paths


def random_weights(count: int, rows: int, columns: int, inputs: int) -> nn.Parameter:
    """Return matrices (count, rows, columns) that keep the variance of ``inputs`` numbers."""
    return nn.Parameter(torch.randn(count, rows, columns) / math.sqrt(inputs))


class MixedChannels(nn.Module):
    """Mixes the channels of the paths that lead to each degree: rows to (L + 1)² components."""

    def __init__(self, counts: list[int], channels: int) -> None:
        super().__init__()
        self.counts = counts
        self.weights = nn.ParameterList(
            random_weights(count, channels, channels, count * channels) for count in counts
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Return features (n, (L + 1)², c) of rows (n, r, c)."""
        parts = zip(self.by_degree(rows), self.weights, strict=True)
        found = [torch.einsum("npmc,pcd->nmd", part, weights) for part, weights in parts]
        return torch.cat(found, dim=1)

    def by_degree(self, rows: Tensor) -> list[Tensor]:
        """Return the rows (n, r, c) of each degree as (n, paths, 2l + 1, c)."""
        widths = [2 * degree + 1 for degree in range(len(self.counts))]
        sizes = [count * width for count, width in zip(self.counts, widths, strict=True)]
        parts = zip(torch.split(rows, sizes, dim=1), self.counts, widths, strict=True)
        return [
            part.reshape(len(part), count, width, part.shape[-1]) for part, count, width in parts
        ]


class Gate(nn.Module):
    """Scalars through SiLU; features of higher degree times a function of the scalars."""

    _of_row: Tensor

    def __init__(self, degree: int, channels: int) -> None:
        super().__init__()
        self.degree = degree
        if degree:
            self.weights = random_weights(degree, channels, channels, channels)
        sizes = torch.tensor([2 * k + 1 for k in range(1, degree + 1)], dtype=torch.long)
        self.register_buffer(
            "_of_row", torch.repeat_interleave(torch.arange(degree), sizes), persistent=False
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape (n, (L + 1)², c)."""
        scalars = features[:, 0]
        if self.degree == 0:
            return nn.functional.silu(features)
        factors = torch.sigmoid(torch.einsum("nc,kcd->nkd", scalars, self.weights))
        higher = features[:, 1:] * factors[:, self._of_row]
        return torch.cat([nn.functional.silu(scalars)[:, None], higher], dim=1)


class MessagePassing(nn.Module):
    """One round: neighbours' features coupled with the direction to them, mixed, squared, gated.

    ``degrees`` are L before and after it. Features up to ``product_degree`` are multiplied with
    each other, unless it is None.
    """

    _edge: Tensor
    _square: Tensor

    def __init__(
        self,
        degrees: tuple[int, int],
        edge_degree: int,
        channels: int,
        radial: int,
        product_degree: int | None,
    ) -> None:
        super().__init__()
        before, after = degrees
        paths = coupling_paths(before, edge_degree, after)
        self._keep("_edge", paths)
        hidden = 2 * radial
        # Without a bias, so that it vanishes with the radial functions at the cut-off.
        self.radial_first = nn.Linear(radial, hidden, bias=False)
        self.radial_weights = random_weights(len(paths.paths), hidden, channels, hidden)
        self.mixed = MixedChannels(paths.counts(), channels)
        self._kept_rows = (min(before, after) + 1) ** 2
        self.own = MixedChannels([1] * (min(before, after) + 1), channels)
        self.product: MixedChannels | None = None
        if product_degree is not None:
            kept = min(product_degree, after)
            squared = coupling_paths(kept, kept, after, ordered=True)
            self._keep("_square", squared)
            self.product = MixedChannels(squared.counts(), channels)
        self.gate = Gate(after, channels)

    def _keep(self, name: str, paths: CouplingPaths) -> None:
        self.register_buffer(name, paths.coefficients, persistent=False)

    def forward(
        self, features: Tensor, pairs: Tensor, harmonics: Tensor, radial: Tensor, scale: float
    ) -> Tensor:
        """Return features (n, (L' + 1)², c).

        ``pairs`` (2, e): receiving and sending atoms; ``harmonics`` (e, (E + 1)²) of the direction,
        ``radial`` (e, k) functions of the distance; ``scale`` on the sum over neighbours.
        """
        receivers, senders = pairs
        second, rows, first = self._edge.shape
        coupling = (harmonics @ self._edge.reshape(second, -1)).view(-1, rows, first)
        hidden = nn.functional.silu(self.radial_first(radial))
        factors = torch.einsum("eh,phc->epc", hidden, self.radial_weights)
        messages = self._weighted(coupling @ features[senders], factors)
        summed = messages.new_zeros(len(features), rows, messages.shape[-1])
        summed = summed.index_add(0, receivers, messages) * scale
        mixed = self.mixed(summed)
        own = self.own(features[:, : self._kept_rows])
        mixed = mixed + nn.functional.pad(own, (0, 0, 0, mixed.shape[1] - own.shape[1]))
        found: Tensor = self.gate(mixed if self.product is None else mixed + self._squared(mixed))
        return found

    def _weighted(self, rows: Tensor, factors: Tensor) -> Tensor:
        """Return rows (e, r, c) times the factors (e, p, c) of their paths."""
        counts = self.mixed.counts
        parts = zip(self.mixed.by_degree(rows), torch.split(factors, counts, dim=1), strict=True)
        return torch.cat([(part * of[:, :, None]).flatten(1, 2) for part, of in parts], dim=1)

    def _squared(self, features: Tensor) -> Tensor:
        assert self.product is not None
        kept = self._square.shape[0]
        by_channel = features[:, :kept].transpose(1, 2)  # (n, c, m)
        pairs = (by_channel[..., :, None] * by_channel[..., None, :]).flatten(2)
        matrix = self._square.permute(2, 0, 1).reshape(pairs.shape[-1], -1)
        found: Tensor = self.product((pairs @ matrix).transpose(1, 2))
        # Products of low degrees reach less high than the round may.
        return nn.functional.pad(found, (0, 0, 0, features.shape[1] - found.shape[1]))
