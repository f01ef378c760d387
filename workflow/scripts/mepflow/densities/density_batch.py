"""Molecules as one graph for the density network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from mepflow.densities.function_layout import FunctionLayout
from mepflow.errors import InputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DensityGraph:
    """A molecule or several: atomic numbers (n,), positions (n, 3) in bohr, and what follows.

    ``pairs`` (2, e) are receiving and sending atoms within the cut-off, ``parts`` (n,) the
    connected part of each atom, ``charges`` (k,) the total charge of each part in e; ``places``
    (P,) where each function's coefficient stands among the network's numbers (n · width);
    ``functions`` and ``atoms`` are their numbers in each molecule. Where the last pair between two
    parts comes within the cut-off, they begin to share electrons: a density that is not
    continuous there, unless each part has them nearly right by itself.
    """

    numbers: Tensor
    positions: Tensor
    pairs: Tensor
    parts: Tensor
    charges: Tensor
    places: Tensor
    functions: tuple[int, ...]
    atoms: tuple[int, ...]

    @property
    def molecules(self) -> Tensor:
        """The molecule (n,) of each atom, from 0 on."""
        counts = torch.tensor(self.atoms, device=self.numbers.device)
        return torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)

    def without_pairs(self) -> "DensityGraph":
        """Return the graph with no neighbours at all."""
        return replace(self, pairs=self.pairs[:, :0])

    def at(self, positions: Tensor) -> "DensityGraph":
        """Return the graph with other positions (n, 3) and the same pairs."""
        return replace(self, positions=positions)

    def to(self, device: torch.device, dtype: torch.dtype) -> "DensityGraph":
        """Return the graph on a device, its positions and charges in a precision."""
        whole = (self.numbers, self.pairs, self.parts, self.places)
        numbers, pairs, parts, places = (values.to(device) for values in whole)
        positions, charges = (v.to(device, dtype) for v in (self.positions, self.charges))
        return DensityGraph(
            numbers, positions, pairs, parts, charges, places, self.functions, self.atoms
        )


def density_graph(
    layout: FunctionLayout,
    numbers: IntArray,
    positions: FloatArray,
    charge: int,
    cutoff: float,
    name: str = "the molecule",
) -> DensityGraph:
    """Return the graph of one molecule; ``cutoff`` in bohr.

    Raises :class:`InputError` where an element has no functions, or several parts, beyond the
    cut-off from each other, share a total charge: nothing says which of them carries it.
    """
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    near = (distances < cutoff) & ~np.eye(len(numbers), dtype=bool)
    pairs = np.array(np.nonzero(near))
    count, parts = connected_components(coo_array(near), directed=False)
    if charge and count > 1:
        raise InputError(
            f"{name} has a charge of {charge} and {count} parts that are further apart than the"
            " density model sees: predict each part by itself."
        )
    places = layout.places(np.asarray(numbers, dtype=np.int64))
    return DensityGraph(
        torch.as_tensor(np.asarray(numbers, dtype=np.int64)),
        torch.as_tensor(positions),
        torch.as_tensor(pairs),
        torch.as_tensor(parts.astype(np.int64)),
        torch.full((count,), float(charge), dtype=torch.float64),
        torch.as_tensor(places),
        (len(places),),
        (len(numbers),),
    )


def joined(graphs: Sequence[DensityGraph], width: int) -> DensityGraph:
    """Return several graphs as one; ``width`` is the layout's numbers per atom."""
    atoms = np.cumsum([0, *(len(g.numbers) for g in graphs)])
    parts = np.cumsum([0, *(len(g.charges) for g in graphs)])
    return DensityGraph(
        torch.cat([g.numbers for g in graphs]),
        torch.cat([g.positions for g in graphs]),
        torch.cat(
            [g.pairs + int(start) for g, start in zip(graphs, atoms[:-1], strict=True)], dim=1
        ),
        torch.cat([g.parts + int(start) for g, start in zip(graphs, parts[:-1], strict=True)]),
        torch.cat([g.charges for g in graphs]),
        torch.cat([g.places + int(s) * width for g, s in zip(graphs, atoms[:-1], strict=True)]),
        tuple(count for g in graphs for count in g.functions),
        tuple(count for g in graphs for count in g.atoms),
    )
