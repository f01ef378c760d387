"""A density model: network, basis and free atoms as one file, and the densities it predicts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import torch

from mepflow.densities.auxiliary_basis import AuxiliaryBasis
from mepflow.densities.density_batch import DensityGraph, density_graph
from mepflow.densities.density_network import DensityNetwork, DensityNetworkSettings
from mepflow.densities.function_layout import FunctionLayout
from mepflow.densities.whitening import Blocks
from mepflow.errors import InputError
from mepflow.models.model_formats import DENSITY
from mepflow.molecules import Molecule
from mepflow.storage.tensor_file import read_tensor_file, write_tensor_file

FloatArray = npt.NDArray[np.float64]

FORMAT_VERSION: Final = 1
UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError, RuntimeError)
"""What a file of another kind ends in."""


@dataclass(frozen=True)
class DensityModel:
    """A network with its tables; ``origin`` says how it came about, in plain values."""

    network: DensityNetwork
    free_atoms: Mapping[int, FloatArray]
    blocks: Blocks
    neighbours: float
    origin: Mapping[str, Any]

    @classmethod
    def new(
        cls,
        settings: DensityNetworkSettings,
        basis: AuxiliaryBasis,
        free_atoms: Mapping[int, FloatArray],
        blocks: Blocks,
        neighbours: float,
        origin: Mapping[str, Any],
    ) -> Self:
        """Return a model with the weights that torch's generator gives."""
        layout = FunctionLayout.of(basis)
        network = DensityNetwork(settings, layout, free_atoms, blocks, neighbours)
        return cls(network, free_atoms, blocks, neighbours, origin)

    @property
    def basis(self) -> AuxiliaryBasis:
        """The functions whose coefficients it predicts."""
        return self.network.layout.basis

    def coefficients(self, molecule: Molecule) -> FloatArray:
        """Return the coefficients (P,) of a molecule's density.

        Raises :class:`InputError` for an element that the model does not know, or a charged
        molecule of several parts.
        """
        graph = self.graph(molecule)
        weights = next(self.network.parameters())
        with torch.no_grad():
            return np.asarray(self.network(graph.to(weights.device, weights.dtype)).cpu().double())

    def graph(self, molecule: Molecule) -> DensityGraph:
        """Return the graph of a molecule; raises :class:`InputError` as :meth:`coefficients`."""
        self.basis.require(molecule.atomic_numbers)
        return density_graph(
            self.network.layout,
            molecule.atomic_numbers.astype(np.int64),
            molecule.positions,
            int(molecule.total_charge),
            self.network.settings.cutoff,
            molecule.id,
        )

    def save(self, path: Path, weights: Mapping[str, torch.Tensor]) -> None:
        """Write the model with these weights, atomically."""
        write_tensor_file(path, self.content(weights))

    def content(self, weights: Mapping[str, torch.Tensor]) -> dict[str, Any]:
        """Return what :meth:`from_content` makes the model of, with these weights."""
        return {
            "format": DENSITY,
            "format_version": FORMAT_VERSION,
            "network": self.network.settings.row(),
            "basis": self.basis.to_row(),
            "free_atoms": {n: torch.as_tensor(c) for n, c in self.free_atoms.items()},
            "whitening": {n: [torch.as_tensor(b) for b in bs] for n, bs in self.blocks.items()},
            "neighbours": self.neighbours,
            "origin": dict(self.origin),
            "weights": dict(weights),
        }

    @classmethod
    def load(cls, path: Path, dtype: torch.dtype = torch.float64) -> Self:
        """Read a model; raises :class:`InputError` where its file is missing or damaged."""
        try:
            model = cls.from_content(read_tensor_file(path))
        except FileNotFoundError:
            raise InputError(f"{path} does not exist: train the model.") from None
        except UNREADABLE as error:
            raise InputError(
                f"{path} is no density model that can be read ({error}): train it again."
            ) from error
        model.network.to(dtype).eval()
        return model

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Self:
        """Return the model that :meth:`content` wrote; raises one of :data:`UNREADABLE`."""
        if (content["format"], content["format_version"]) != (DENSITY, FORMAT_VERSION):
            raise ValueError("it is of another format or version")
        blocks = {n: [b.numpy() for b in bs] for n, bs in content["whitening"].items()}
        model = cls.new(
            DensityNetworkSettings.from_row(content["network"]),
            AuxiliaryBasis.from_row(content["basis"]),
            {n: c.numpy() for n, c in content["free_atoms"].items()},
            blocks,
            content["neighbours"],
            content["origin"],
        )
        model.network.load_state_dict(content["weights"])
        return model
