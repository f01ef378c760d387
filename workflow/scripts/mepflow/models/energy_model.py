r"""The model of energies: atomic energies beside the charges of a multipole model.

.. math:: E = \sum_i (E_{Z_i} + s\, e_i) + E_C

with the network's numbers :math:`e_i`, the references :math:`E_Z` of the elements and the scale s,
which both are of the training molecules (:mod:`mepflow.models.energy_units`), and, where the
variant has ``electrostatics``, the damped Coulomb energy :math:`E_C` of the charges
(:mod:`mepflow.electrostatics.damped_coulomb`). Sums over a molecule are in double precision.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mepflow.electrostatics.damped_coulomb import damped_coulomb_energy
from mepflow.models.energy_units import EnergyUnits
from mepflow.models.multipole_model import Batch, MultipoleModel, Multipoles
from mepflow.nn.segments import segment_sum
from mepflow.units import BOHR_IN_ANGSTROM


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
        of_elements = torch.from_numpy(self.units.of_elements(self.settings.elements))
        references = of_elements.to(graph.species.device)[graph.species.clamp(min=0)]
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


# The name under which mepflow.models.targets finds it.
Model = EnergyModel
