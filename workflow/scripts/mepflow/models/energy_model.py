r"""The model of energies: atomic energies beside the charges of a multipole model.

.. math:: E = \sum_i (E_{Z_i} + s\, e_i) + E_C

with the network's numbers :math:`e_i`, the references :math:`E_Z` of the elements and the scale s,
which both are of the training molecules (:class:`EnergyUnits`), and, where the variant has
``electrostatics``, the :mod:`damped Coulomb energy <mepflow.electrostatics.damped_coulomb>`
:math:`E_C` of the charges. Sums over a molecule are in double precision.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mepflow.electrostatics.damped_coulomb import damped_coulomb_energy
from mepflow.elements import ATOMIC_NUMBERS, symbol
from mepflow.models.multipole_model import Batch, MultipoleModel, Multipoles
from mepflow.nn.segments import segment_sum
from mepflow.units import BOHR_IN_ANGSTROM

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EnergyUnits:
    """What energies of atoms are counted from, and in: both in hartree.

    ``references`` are energies by atomic number, 0 where there is none.
    """

    references: Mapping[int, float] = field(default_factory=dict)
    scale: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a model file, with the elements by symbol."""
        named = {symbol(number): value for number, value in self.references.items()}
        return {"reference_energies_hartree": named, "energy_scale_hartree": self.scale}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_dict` wrote; raises ``LookupError`` or others for anything else."""
        named = content["reference_energies_hartree"].items()
        references = {ATOMIC_NUMBERS[name]: float(value) for name, value in named}
        return cls(references, float(content["energy_scale_hartree"]))

    def of_atoms(self, species: Tensor, elements: tuple[int, ...]) -> Tensor:
        """Return the references (N,) in double precision of atoms of these species."""
        values = [self.references.get(number, 0.0) for number in elements]
        table = torch.tensor(values, dtype=torch.float64, device=species.device)
        return table[species.clamp(min=0)]


class EnergyPrediction(NamedTuple):
    """What an energy model predicts: ``energy`` (M,) is less the references, in hartree."""

    multipoles: Multipoles
    energy: Tensor


class EnergyModel(MultipoleModel):
    """The network and the heads of a variant that learns energies or forces."""

    units = EnergyUnits()

    def forward(self, batch: Batch) -> EnergyPrediction:  # type: ignore[override]
        """Return multipoles and energies of the molecules of ``batch``.

        Gradients of the energies with respect to positions need :func:`with_free_positions`.
        """
        graph = batch.graph
        outputs = self.network(graph)
        multipoles = self.multipoles_of(outputs, batch)
        shares = self.units.scale * outputs["energy"].double()
        energy = shares.new_zeros(graph.n_molecules).index_add(0, graph.molecule, shares)
        if self.variant.electrostatics:
            energy = energy + damped_coulomb_energy(
                multipoles.charges,
                graph.positions,
                graph.molecule,
                graph.n_molecules,
                self.settings.cutoff_angstrom,
            )
        return EnergyPrediction(multipoles, energy)

    def constants(self) -> dict[str, Any]:
        """Return what a model file keeps beside the weights."""
        return self.units.to_dict()

    def set_constants(self, content: Mapping[str, Any]) -> None:
        """Take what :meth:`constants` returned."""
        self.units = EnergyUnits.from_dict(content)

    def properties(self, batch: Batch) -> dict[str, Tensor]:
        """Return the multipoles' properties and ``energy`` (M,) and ``forces`` (N, 3)."""
        with torch.enable_grad():
            free, positions = with_free_positions(batch)
            found = self(free)
            forces = forces_of(found.energy, positions, create_graph=False)
        graph = batch.graph
        references = self.units.of_atoms(graph.species, self.settings.elements)
        energy = found.energy + segment_sum(references, graph.molecule, graph.n_molecules)
        values = {**found.multipoles.properties(), "energy": energy, "forces": forces}
        return {name: value.detach() for name, value in values.items()}


def with_free_positions(batch: Batch, shift: Tensor | None = None) -> tuple[Batch, Tensor]:
    """Return the batch on differentiable positions (N, 3) in ångström, and these.

    They are moved by ``shift`` (N, 3) where it is given. The pairs stay the same.
    """
    graph = batch.graph
    moved = graph.positions if shift is None else graph.positions + shift
    positions = moved.detach().clone().requires_grad_()
    return replace(batch, graph=graph.with_positions(positions)), positions


def forces_of(energy: Tensor, positions: Tensor, *, create_graph: bool) -> Tensor:
    """Return the forces (N, 3) in hartree/bohr of energies (M,) on positions in ångström.

    With ``create_graph`` they can be differentiated themselves.
    """
    (gradient,) = torch.autograd.grad(
        energy.sum(), positions, create_graph=create_graph, retain_graph=True
    )
    return -BOHR_IN_ANGSTROM * gradient


def fitted_units(
    energies: FloatArray, forces: FloatArray | None, composition: FloatArray, elements: list[int]
) -> EnergyUnits:
    """Return references of a least-squares fit to energies (M,), and the scale of what is left.

    ``composition`` (M, E) counts the atoms of each element. The scale is the root mean square of
    the forces' components (N, 3) in hartree/bohr, times one bohr, or without forces the standard
    deviation of the energies per atom; rows that are nan do not count.
    """
    known = np.isfinite(energies)
    fit, *_ = np.linalg.lstsq(composition[known], energies[known], rcond=None)
    references = dict(zip(elements, fit.tolist(), strict=True))
    if forces is not None:
        scale = float(np.sqrt(np.nanmean(forces**2)))
    else:
        left = energies[known] - composition[known] @ fit
        scale = float(np.sqrt(np.mean((left / composition[known].sum(axis=1)) ** 2)))
    return EnergyUnits(references, scale if scale > 0.0 else 1.0)


# The name under which mepflow.models.targets finds it.
Model = EnergyModel
