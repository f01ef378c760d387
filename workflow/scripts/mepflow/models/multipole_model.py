r"""From atomic terms to the multipoles of molecules: the model that is trained and evaluated.

The network sees a geometry in ångström and gives every atom a raw charge (e) and, if the variant
has them, a dipole (e·bohr) and a traceless quadrupole (e·bohr²). The heads work in atomic units
about the centre of nuclear charge:

- The charges of a molecule must add up to its total charge Q. Its mean excess charge is removed,
  :math:`q_i = p_i - (\sum_j p_j - Q) / n`.
- The dipole takes all atomic terms; the quadrupole Θ′ takes the charges, or all terms too, as the
  variant says. The formulas are those of :mod:`mepflow.multipoles`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn

from mepflow.models.variants import Variant
from mepflow.multipoles import dipole_terms, quadrupole_terms, traceless_matrices
from mepflow.nn.graph import Graph
from mepflow.nn.networks import NetworkSettings, make_network
from mepflow.nn.segments import segment_sum, spread


@dataclass(frozen=True)
class Batch:
    """M molecules with N atoms, as a model takes them.

    ============== ====== =========================================================
    graph                 geometry and pairs of the network, in ångström
    positions      (N, 3) bohr, relative to the molecule's centre of nuclear charge
    total_charge   (M,)   e
    ============== ====== =========================================================
    """

    graph: Graph
    positions: Tensor
    total_charge: Tensor


class Multipoles(NamedTuple):
    """What a model predicts, in atomic units about the centre of nuclear charge.

    ================== ========= ===================================================
    charges            (N,)      e
    atomic_dipoles     (N, 3)    e·bohr, or nothing if the variant has none
    dipole             (M, 3)    e·bohr
    quadrupole         (M, 3, 3) traceless Θ′, e·bohr²
    atomic_quadrupoles (N, 3, 3) traceless Θ′ about the atoms, e·bohr², or nothing
    ================== ========= ===================================================
    """

    charges: Tensor
    atomic_dipoles: Tensor | None
    dipole: Tensor
    quadrupole: Tensor
    atomic_quadrupoles: Tensor | None = None

    def properties(self) -> dict[str, Tensor]:
        """Return what there is, under the names of :data:`mepflow.fields.FIELDS`."""
        values = {
            "atomic_charges": self.charges,
            "dipole": self.dipole,
            "quadrupole": self.quadrupole,
        }
        for name in ("atomic_dipoles", "atomic_quadrupoles"):
            if (terms := getattr(self, name)) is not None:
                values[name] = terms
        return values


def constrain_charges(charges: Tensor, total_charge: Tensor, molecule: Tensor) -> Tensor:
    """Return charges (N,) less their molecule's mean excess over ``total_charge`` (M,), in e.

    ``molecule`` (N,) is the molecule of each atom.
    """
    n_molecules = total_charge.shape[0]
    n_atoms = segment_sum(charges.new_ones(charges.shape), molecule, n_molecules)
    excess = segment_sum(charges, molecule, n_molecules) - total_charge
    return charges - spread(excess / n_atoms, molecule)


class MultipoleModel(nn.Module):
    """The network and the heads of one variant."""

    def __init__(self, settings: NetworkSettings, variant: Variant) -> None:
        super().__init__()
        self.settings = settings
        self.variant = variant
        self.network = make_network(settings)

    def forward(self, batch: Batch) -> Multipoles:
        """Return the multipoles of the atoms and molecules of ``batch``."""
        return self.multipoles_of(self.network(batch.graph), batch)

    def multipoles_of(self, outputs: Mapping[str, Tensor], batch: Batch) -> Multipoles:
        """Return the multipoles that follow from the network's outputs."""
        molecule, n_molecules = batch.graph.molecule, batch.graph.n_molecules
        # The network may run in a lower precision; sums over a molecule must not.
        outputs = {k: v.to(batch.positions.dtype) for k, v in outputs.items()}
        charges = constrain_charges(outputs["p1"], batch.total_charge, molecule)
        dipoles = outputs.get("p3")
        quadrupoles = traceless_matrices(outputs["p5"]) if "p5" in outputs else None
        higher = (dipoles, quadrupoles) if self.variant.quadrupole_from == "all" else ()
        return Multipoles(
            charges,
            dipoles,
            segment_sum(dipole_terms(charges, batch.positions, dipoles), molecule, n_molecules),
            segment_sum(quadrupole_terms(charges, batch.positions, *higher), molecule, n_molecules),
            quadrupoles,
        )

    def properties(self, batch: Batch) -> dict[str, Tensor]:
        """Return all that the model predicts, under the names of :data:`mepflow.fields.FIELDS`."""
        return self.multipoles_of(self.network(batch.graph), batch).properties()

    def constants(self) -> dict[str, Any]:
        """Return what a model file keeps beside the weights, of plain types."""
        return {}

    def set_constants(self, content: Mapping[str, Any]) -> None:
        """Take what :meth:`constants` returned."""


# The name under which mepflow.models.targets finds it.
Model = MultipoleModel
