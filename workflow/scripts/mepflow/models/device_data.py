"""Molecules on the device: a batch is assembled there by index arithmetic alone.

All molecules of a data set and their pairs within the cut-off are flat tensors on the device. No
file is read and no geometry computed during training, there are no worker processes and no loop
over molecules.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mepflow.elements import symbol
from mepflow.errors import InputError
from mepflow.models.multipole_model import Batch
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.nn.graph import UNKNOWN_SPECIES, Graph, build_graph, join_graphs, species_of
from mepflow.units import BOHR_IN_ANGSTROM

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_CHUNK: Final = {"cpu": 64, "cuda": 1024}
"""Molecules that are predicted together: few for the cache of a processor, many to fill a GPU."""
_BUILT_AT_ONCE: Final = 4096
"""Molecules whose graph is built in double precision at a time: bounds the memory on the host."""


@dataclass(frozen=True)
class Runs:
    """Consecutive runs of rows in a flat tensor, one per molecule: their first rows and lengths.

    The lengths are kept on the host too, so that no batch has to wait for the device to tell how
    many rows it has.
    """

    start: Tensor
    length: Tensor
    host_length: IntArray

    @classmethod
    def from_lengths(cls, lengths: IntArray, device: torch.device) -> Self:
        """Return runs that follow each other without a gap."""
        start = torch.from_numpy(np.cumsum(lengths) - lengths).to(device)
        return cls(start, torch.from_numpy(lengths).to(device), lengths)

    def total(self, host_molecules: IntArray) -> int:
        """Return how many rows the runs of ``molecules`` have together."""
        return int(self.host_length[host_molecules].sum())

    def gather(self, molecules: Tensor, host_molecules: IntArray) -> tuple[Tensor, Tensor, Tensor]:
        """Return, for the runs of ``molecules`` put one after the other, each row's flat index.

        Also each row's position in ``molecules``, and each run's first row in the new order.
        """
        length = self.length[molecules]
        total = self.total(host_molecules)
        position = torch.repeat_interleave(length, output_size=total)
        start = length.cumsum(0) - length
        rows = torch.arange(total, device=length.device)
        return rows + (self.start[molecules] - start)[position], position, start


class DeviceDataset:
    """Molecules with their pairs, as flat tensors on one device.

    ``inputs`` are all molecules as one batch, ``atoms`` and ``pairs`` the runs of each molecule.
    """

    def __init__(self, inputs: Batch, n_atoms: IntArray, n_pairs: IntArray, cutoff: float) -> None:
        self.inputs = inputs
        self.cutoff = cutoff
        self.device = inputs.positions.device
        self.atoms = Runs.from_lengths(n_atoms, self.device)
        self.pairs = Runs.from_lengths(n_pairs, self.device)

    @classmethod
    def from_table(
        cls,
        table: MoleculeTable,
        elements: Sequence[int],
        cutoff: float,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        sums: torch.dtype | None = None,
        source: Path | str = "the table",
    ) -> Self:
        """Put a table on ``device`` with its real numbers as ``dtype``.

        Those that are for sums over molecules can be of another precision, ``sums``.
        ``elements`` are those the network knows, ``cutoff`` is in ångström, ``source`` is the
        table's name in an :class:`InputError` about a molecule with another element.
        """
        species = _known_species(table, elements, source)
        rows = [table.atoms(index) for index in range(len(table))]
        angstrom = table.positions * BOHR_IN_ANGSTROM
        parts = (
            rows[first : first + _BUILT_AT_ONCE]
            for first in range(0, max(len(table), 1), _BUILT_AT_ONCE)
        )
        graph = join_graphs(
            build_graph([(species[r], angstrom[r]) for r in part], cutoff).to(device, dtype)
            for part in parts
        )
        offsets = torch.from_numpy(table.atom_offsets).to(device)
        first_pairs = torch.searchsorted(graph.pair_i, offsets)
        inputs = Batch(
            graph,
            torch.from_numpy(_about_centre(table, rows)).to(device, sums or dtype),
            torch.from_numpy(table.total_charge).to(device, sums or dtype),
        )
        return cls(inputs, np.diff(table.atom_offsets), first_pairs.diff().cpu().numpy(), cutoff)

    def __len__(self) -> int:
        return len(self.atoms.host_length)

    def chunks(self, size: int | None = None) -> list[IntArray]:
        """Return all rows in order, in pieces of at most ``size``, for a pass without gradients."""
        size = size or _CHUNK[self.device.type]
        rows = np.arange(len(self), dtype=np.int64)
        return [rows[first : first + size] for first in range(0, len(rows), size)]

    def batch(self, molecules: IntArray) -> Batch:
        """Return the molecules of these rows, in this order; a row may come twice."""
        index = torch.from_numpy(molecules).to(self.device)
        atoms, molecule, first_atom = self.atoms.gather(index, molecules)
        pairs, owner, _ = self.pairs.gather(index, molecules)
        shift = (first_atom - self.atoms.start[index])[owner]
        flat = self.inputs.graph
        graph = Graph(
            species=flat.species[atoms],
            positions=flat.positions[atoms],
            molecule=molecule,
            pair_i=flat.pair_i[pairs] + shift,
            pair_j=flat.pair_j[pairs] + shift,
            distance=flat.distance[pairs],
            direction=flat.direction[pairs],
            n_molecules=len(molecules),
        )
        return replace(
            self.inputs,
            graph=graph,
            positions=self.inputs.positions[atoms],
            total_charge=self.inputs.total_charge[index],
        )


def elements_of(table: MoleculeTable) -> tuple[int, ...]:
    """Return the atomic numbers that occur in ``table``, ascending."""
    return tuple(int(number) for number in np.unique(table.atomic_numbers))


def _known_species(table: MoleculeTable, elements: Sequence[int], source: Path | str) -> IntArray:
    species = species_of(table.atomic_numbers, elements)
    unknown = np.flatnonzero(species == UNKNOWN_SPECIES)
    if len(unknown):
        atom = int(unknown[0])
        molecule = int(np.searchsorted(table.atom_offsets, atom, side="right")) - 1
        raise InputError(
            f"{source}: molecule {table.ids[molecule]} contains "
            f"{symbol(int(table.atomic_numbers[atom]))}, which the model has never seen (it knows "
            f"{', '.join(map(symbol, elements))}): leave it out or train with that element."
        )
    return species


def _about_centre(table: MoleculeTable, atoms: Sequence[slice]) -> FloatArray:
    """Return positions (N, 3) in bohr relative to each molecule's centre of nuclear charge."""
    relative = table.positions.copy()
    for rows in atoms:
        relative[rows] -= centre_of_nuclear_charge(table.atomic_numbers[rows], relative[rows])
    return relative
