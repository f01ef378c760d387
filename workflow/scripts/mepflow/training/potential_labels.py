r"""Labels of the potential: a few numbers that stand for all points of a molecule.

The potential at P points is linear in the T atomic terms of a molecule, :math:`V = G x`. With the
QR decomposition of :math:`[G\; V_{ref}]`, whose triangle is :math:`[R\; y]`, the sum of the squared
errors over the points is :math:`|R x - y|^2`, without an approximation. So T + 1 reduced points do
for any number of points and of grids, and a step costs one small product per molecule.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mepflow.electrostatics.unit_potentials import QUADRUPOLES, unit_potentials
from mepflow.models.multipole_model import Multipoles
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import traceless_components
from mepflow.training.potential_points import potential_points
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

FloatArray = npt.NDArray[np.float64]

_COMPONENTS: Final[Mapping[str, int]] = {"charges": 1, "dipoles": 3, "quadrupoles": 5}
"""Numbers of each kind of atomic term, in the order in which they follow each other."""


class PotentialLabels(NamedTuple):
    """Reduced points of M molecules with K rows, and the place of each of N atoms in them.

    ==========  =========  ====================================================================
    response    (M, K, T)  potential of unit atomic terms: atom by atom, then by component
    values      (M, K)     reference
    slot        (N,)       which of a molecule's atoms an atom is, from 0
    ==========  =========  ====================================================================

    Both are in kcal/mol/e and scaled so that the mean square over K is that over a molecule's
    points. Rows and atoms that a molecule does not have are 0.
    """

    response: Tensor
    values: Tensor
    slot: Tensor

    @classmethod
    def from_table(
        cls,
        table: MoleculeTable,
        grids: Sequence[str],
        terms: Sequence[str],
        device: torch.device | str,
        dtype: torch.dtype,
        source: Path | str = "the table",
    ) -> Self:
        """Return the labels of all points of ``grids`` for models that predict ``terms``.

        Raises :class:`InputError` with the molecule where one has no point, or a potential that is
        not finite.
        """
        n_atoms = np.diff(table.atom_offsets)
        slots = int(n_atoms.max(initial=1))
        n_terms = slots * sum(_COMPONENTS[term] for term in terms)
        reduced = np.zeros((len(table), n_terms + 1, n_terms + 1))
        for row in range(len(table)):
            points, values = potential_points(table, row, grids, source)
            part = reduced_points(points, values, table.molecule(row).positions, terms)
            scale = np.sqrt((n_terms + 1) / len(points)) * HARTREE_PER_E_IN_KCAL_PER_MOL_E
            reduced[row, : len(part), : part.shape[1] - 1] = scale * part[:, :-1]
            reduced[row, : len(part), -1] = scale * part[:, -1]
        slot = np.concatenate([np.empty(0, np.int64), *map(np.arange, n_atoms)])
        found = torch.from_numpy(reduced).to(device, dtype)
        return cls(
            found[:, :, :-1].contiguous(),
            found[:, :, -1].contiguous(),
            torch.from_numpy(slot).to(device),
        )

    def picked(self, molecules: Tensor, atoms: Tensor) -> Self:
        """Return the labels of these molecules, whose atoms are the rows ``atoms``."""
        return self._replace(
            response=self.response[molecules], values=self.values[molecules], slot=self.slot[atoms]
        )

    def errors(self, found: Multipoles, molecule: Tensor) -> Tensor:
        """Return the errors (M, K) of the reduced points in kcal/mol/e.

        ``molecule`` (N,) is the molecule of each atom; atoms of padding have the number M.
        """
        terms = [found.charges[:, None]]
        if found.atomic_dipoles is not None:
            terms.append(found.atomic_dipoles)
        if found.atomic_quadrupoles is not None:
            terms.append(traceless_components(found.atomic_quadrupoles))
        atomic = torch.cat(terms, dim=1)
        n_molecules, _, n_terms = self.response.shape
        shape = (n_molecules + 1, n_terms // atomic.shape[1], atomic.shape[1])
        placed = atomic.new_zeros(shape).index_put((molecule, self.slot), atomic)
        predicted = torch.bmm(self.response, placed[:-1].reshape(n_molecules, n_terms, 1))
        return predicted.squeeze(2) - self.values


def reduced_points(
    points: FloatArray, values: FloatArray, positions: FloatArray, terms: Sequence[str]
) -> FloatArray:
    """Return the triangle [R y] (at most T + 1, T + 1) of a molecule, in hartree/e per atomic unit.

    ``points`` (P, 3) and ``positions`` (n, 3) are in bohr, ``values`` (P,) in hartree/e.
    """
    units = dict(zip(_COMPONENTS, unit_potentials(points, positions, QUADRUPOLES), strict=True))
    response = np.concatenate([units[term] for term in _COMPONENTS if term in terms], axis=2)
    whole = np.column_stack([response.reshape(len(points), -1), values])
    return np.asarray(np.linalg.qr(whole, mode="r"))
