"""Graphs of atoms and pairs: the input of the network.

Lengths are in ångström, as in the network's cut-off and basis; everything else of mepflow is in
atomic units, so callers convert with :data:`mepflow.units.BOHR_IN_ANGSTROM`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import torch
from scipy.spatial import cKDTree
from torch import Tensor

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

UNKNOWN_SPECIES: Final = -1
"""Species of an element that is not in the network's list: its one-hot row is all zero."""
_DISTANCES_AT_ONCE: Final = 1 << 16
"""Distances that are computed together, between all atoms of some molecules: they fit a cache."""


@dataclass(frozen=True)
class Graph:
    """Atoms of one or more molecules and the ordered pairs within the cut-off.

    Atom ``pair_i`` receives what the pair carries, atom ``pair_j`` is its neighbour, and both
    orders of a pair are present. Molecules share no pair.

    ============== ====== =======================================================================
    species        (N,)   int64, index into the network's elements, or :data:`UNKNOWN_SPECIES`
    positions      (N, 3) ångström
    molecule       (N,)   int64, non-decreasing index of the atom's molecule
    pair_i, pair_j (P,)   int64, sorted by ``pair_i``, then ``pair_j``
    distance       (P,)   ångström, \\|r_j − r_i\\|
    direction      (P, 3) unit vector from atom i to atom j
    ============== ====== =======================================================================
    """

    species: Tensor
    positions: Tensor
    molecule: Tensor
    pair_i: Tensor
    pair_j: Tensor
    distance: Tensor
    direction: Tensor
    n_molecules: int

    def to(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> Self:
        """Return the graph on ``device``, its real numbers as ``dtype``; indices stay int64."""

        def move(values: Tensor) -> Tensor:
            return values.to(device=device, dtype=dtype if values.is_floating_point() else None)

        moved: dict[str, Any] = {
            name: move(values) for name, values in vars(self).items() if isinstance(values, Tensor)
        }
        return replace(self, **moved)

    def with_positions(self, positions: Tensor) -> Self:
        """Return the graph with the same pairs at other ``positions`` (N, 3) in ångström.

        Distances and directions are differentiable functions of the new positions.
        """
        distance, direction = graph_geometry(positions, self.pair_i, self.pair_j)
        return replace(self, positions=positions, distance=distance, direction=direction)


def species_of(atomic_numbers: npt.ArrayLike, elements: Sequence[int]) -> IntArray:
    """Return each atom's index (n,) into ``elements``, or :data:`UNKNOWN_SPECIES`."""
    match = np.asarray(atomic_numbers)[:, None] == np.asarray(elements)[None, :]
    return np.where(match.any(axis=1), match.argmax(axis=1), UNKNOWN_SPECIES).astype(np.int64)


def neighbour_pairs(positions: npt.ArrayLike, cutoff: float) -> tuple[IntArray, IntArray]:
    """Return the ordered pairs (i, j) of one molecule with 0 < \\|r_j − r_i\\| < ``cutoff``.

    ``positions`` (n, 3) and ``cutoff`` are in ångström. Both bounds are strict. The pairs are
    sorted by i, then j.
    """
    points = np.asarray(positions, dtype=float).reshape(-1, 3)
    found = cKDTree(points).query_pairs(cutoff, output_type="ndarray")
    distance = np.linalg.norm(points[found[:, 1]] - points[found[:, 0]], axis=1)
    found = found[(distance > 0.0) & (distance < cutoff)]
    pairs = np.concatenate([found, found[:, ::-1]]).astype(np.int64)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return pairs[:, 0], pairs[:, 1]


def graph_geometry(positions: Tensor, pair_i: Tensor, pair_j: Tensor) -> tuple[Tensor, Tensor]:
    """Return distances (P,) and unit vectors (P, 3) from atoms i to atoms j, differentiable."""
    difference = positions.index_select(0, pair_j) - positions.index_select(0, pair_i)
    distance = torch.linalg.vector_norm(difference, dim=-1)
    return distance, difference / distance[:, None]


def build_graph(
    molecules: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]],
    cutoff: float,
    dtype: torch.dtype = torch.float64,
) -> Graph:
    """Return the graph of (species (n,), positions (n, 3) in ångström) of each molecule.

    ``cutoff`` is in ångström. The pairs are chosen in float64 and the distances computed in
    ``dtype``, so that the pairs do not depend on the precision.
    """
    counts = np.array([len(np.asarray(species)) for species, _ in molecules], dtype=np.int64)
    flat = [np.asarray(positions, dtype=float).reshape(-1, 3) for _, positions in molecules]
    points = np.concatenate([np.empty((0, 3)), *flat])
    pairs = list(_pairs_by_block(points, counts, cutoff))
    pair_i, pair_j = (torch.from_numpy(_join([found[side] for found in pairs])) for side in (0, 1))
    positions = torch.from_numpy(points).to(dtype)
    distance, direction = graph_geometry(positions, pair_i, pair_j)
    return Graph(
        species=torch.from_numpy(_join([species for species, _ in molecules])),
        positions=positions,
        molecule=torch.from_numpy(np.repeat(np.arange(len(molecules)), counts)),
        pair_i=pair_i,
        pair_j=pair_j,
        distance=distance,
        direction=direction,
        n_molecules=len(molecules),
    )


def join_graphs(graphs: Iterable[Graph]) -> Graph:
    """Return one graph of the molecules of all ``graphs``, at least one, in their order.

    Each graph is released once it is copied: if the caller keeps none, the graphs and their join
    are never both in memory as a whole.
    """
    columns: dict[str, list[Tensor]] = defaultdict(list)
    atoms = molecules = 0
    for graph in graphs:
        start = {"molecule": molecules, "pair_i": atoms, "pair_j": atoms}
        for name, value in vars(graph).items():
            if isinstance(value, Tensor):
                columns[name].append(value + start[name] if name in start else value)
        atoms += len(graph.species)
        molecules += graph.n_molecules
    tensors: dict[str, Any] = {name: torch.cat(columns.pop(name)) for name in list(columns)}
    return Graph(**tensors, n_molecules=molecules)


def _pairs_by_block(
    points: FloatArray, counts: IntArray, cutoff: float
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the pairs of consecutive molecules of ``counts`` atoms, in the order of a graph."""
    first_atoms = np.cumsum(counts) - counts
    for block in _blocks(counts):
        start = int(first_atoms[block.start])
        atoms = points[start : start + int(counts[block].sum())]
        if len(atoms) ** 2 > _DISTANCES_AT_ONCE and block.stop - block.start == 1:
            pair_i, pair_j = neighbour_pairs(atoms, cutoff)
        else:
            pair_i, pair_j = _pairs_of_block(atoms, counts[block], cutoff)
        yield pair_i + start, pair_j + start


def _blocks(counts: IntArray) -> Iterator[slice]:
    """Yield runs of molecules with few enough distances, as if all were as large as the largest."""
    first = widest = 0
    for index, count in enumerate(counts.tolist()):
        wider = max(widest, count)
        if index > first and (index + 1 - first) * wider**2 > _DISTANCES_AT_ONCE:
            yield slice(first, index)
            first, wider = index, count
        widest = wider
    if len(counts):
        yield slice(first, len(counts))


def _pairs_of_block(
    points: FloatArray, counts: IntArray, cutoff: float
) -> tuple[IntArray, IntArray]:
    """Return the pairs of some small molecules from all their distances."""
    largest = int(counts.max())
    present = np.arange(largest) < counts[:, None]
    square = np.zeros((len(counts), largest, largest))
    for axis in range(3):
        padded = np.full(present.shape, np.nan)  # what is not there is near nothing
        padded[present] = points[:, axis]
        square += (padded[:, None, :] - padded[:, :, None]) ** 2
    distance = np.sqrt(square, out=square)
    molecule, i, j = np.nonzero((distance > 0.0) & (distance < cutoff))
    start = (np.cumsum(counts) - counts)[molecule]
    return start + i, start + j


def _join(parts: Sequence[npt.ArrayLike]) -> IntArray:
    return np.concatenate([np.empty(0), *(np.asarray(part) for part in parts)]).astype(np.int64)
