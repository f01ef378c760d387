"""Batches of a few fixed sizes, so that a GPU can repeat the work of a step by heart.

All shapes follow from a batch's :class:`Capacity`, and the host never waits for the device.
"""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from mepflow.models.device_data import DeviceDataset, Runs
from mepflow.models.multipole_model import Batch
from mepflow.nn.graph import UNKNOWN_SPECIES, Graph
from mepflow.training.batches import IntArray

_CAPACITIES_PER_MEAN: Final = 25
"""A capacity is a multiple of a 25th of a mean batch: 2 % of the rows are padding, on average."""
_ALIGNMENT: Final = 16
"""Numbers of rows are multiples of this, so that one kind of each kernel does for all."""


class Capacity(NamedTuple):
    """Numbers of rows of a padded batch."""

    atoms: int
    pairs: int


class _Rows(NamedTuple):
    """Rows of some runs, followed by padding.

    ``flat`` is a row's index in the flat tensors (0 for padding), ``run`` its run's position among
    the chosen ones (their number for padding), ``shift`` what its index changes by, ``n_real`` the
    number of rows that are no padding and ``real`` which ones these are.
    """

    flat: Tensor
    run: Tensor
    real: Tensor
    n_real: Tensor
    shift: Tensor


def capacity_for(dataset: DeviceDataset, molecules: IntArray) -> Capacity:
    """Return a capacity for these rows of ``dataset`` and at least one atom of padding.

    The batches of a training share a handful of capacities.
    """
    atoms, pairs = (
        len(molecules) * float(runs.host_length.mean()) for runs in (dataset.atoms, dataset.pairs)
    )
    fullness = max(
        (dataset.atoms.total(molecules) + 1) / atoms,
        dataset.pairs.total(molecules) / max(pairs, 1.0),
    )
    multiple = math.ceil(fullness * _CAPACITIES_PER_MEAN) / _CAPACITIES_PER_MEAN
    return Capacity(*(math.ceil(multiple * n / _ALIGNMENT) * _ALIGNMENT for n in (atoms, pairs)))


def padded_batch(dataset: DeviceDataset, molecules: Tensor, capacity: Capacity) -> Batch:
    """Return the molecules of these rows and, as the last one, a molecule of padding.

    ``capacity`` is of :func:`capacity_for`. The atoms of padding are of no known element and have
    no neighbours but themselves, at the cut-off: they add nothing to anything.
    """
    atoms = _gathered(dataset.atoms, molecules, capacity.atoms)
    pairs = _gathered(dataset.pairs, molecules, capacity.pairs)
    flat = dataset.inputs.graph
    atom_shift = atoms.shift[pairs.run]
    stand_in = _atoms_of_padding(atoms, pairs)
    graph = Graph(
        species=_or(UNKNOWN_SPECIES, atoms.real, flat.species[atoms.flat]),
        positions=_or(0.0, atoms.real, flat.positions[atoms.flat]),
        molecule=atoms.run,
        pair_i=torch.where(pairs.real, flat.pair_i[pairs.flat] + atom_shift, stand_in),
        pair_j=torch.where(pairs.real, flat.pair_j[pairs.flat] + atom_shift, stand_in),
        distance=_or(dataset.cutoff, pairs.real, flat.distance[pairs.flat]),
        direction=_or(0.0, pairs.real, flat.direction[pairs.flat]),
        n_molecules=len(molecules) + 1,
    )
    return Batch(
        graph,
        _or(0.0, atoms.real, dataset.inputs.positions[atoms.flat]),
        pad(dataset.inputs.total_charge[molecules], (0, 1)),
    )


def padded_atoms(
    dataset: DeviceDataset, molecules: Tensor, capacity: Capacity
) -> tuple[Tensor, Tensor]:
    """Return the flat index of each atom of :func:`padded_batch`, and which are no padding."""
    atoms = _gathered(dataset.atoms, molecules, capacity.atoms)
    return atoms.flat, atoms.real


def _gathered(runs: Runs, molecules: Tensor, n_rows: int) -> _Rows:
    length = runs.length[molecules]
    end = length.cumsum(0)
    shift = pad(end - length - runs.start[molecules], (0, 1))
    rows = torch.arange(n_rows, device=length.device)
    run = torch.searchsorted(end, rows, right=True)
    real = run < len(molecules)
    return _Rows(_or(0, real, rows - shift[run]), run, real, end[-1], shift)


def _atoms_of_padding(atoms: _Rows, pairs: _Rows) -> Tensor:
    """Return an atom of padding for each pair of padding, none with many more pairs than others."""
    n_atoms, n_pairs = len(atoms.flat) - atoms.n_real, len(pairs.flat) - pairs.n_real
    beyond = torch.arange(len(pairs.flat), device=pairs.flat.device) - pairs.n_real
    return atoms.n_real + beyond.clamp(min=0) * n_atoms // n_pairs.clamp(min=1)


def _or(value: float, real: Tensor, values: Tensor) -> Tensor:
    """Return ``values``, and ``value`` in the rows that are padding."""
    padding = ~real
    return values.masked_fill(padding if values.dim() == 1 else padding[:, None], value)
