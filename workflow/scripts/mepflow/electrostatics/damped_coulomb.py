r"""Energy of atomic charges, damped where atoms are near each other.

.. math:: E = \sum_{i<j} q_i q_j \chi(r_{ij}), \qquad
          \chi(r) = \frac{1 - s(r)}{\sqrt{r^2 + 1\,\text{Å}^2}} + \frac{s(r)}{r}

with :math:`s = 6t^5 - 15t^4 + 10t^3`, :math:`t = 2r / r_c`, and s = 1 from half the cut-off on, as
in PhysNet (O. T. Unke, M. Meuwly, J. Chem. Theory Comput. 15, 3678 (2019)). All pairs of a molecule
count, however far they are apart.
"""

import torch
from torch import Tensor

from mepflow.units import BOHR_IN_ANGSTROM


def damped_inverse(distance: Tensor, cutoff: float) -> Tensor:
    """Return χ (P,) in 1/Å of distances (P,) and the cut-off in ångström."""
    t = (2.0 * distance / cutoff).clamp(max=1.0)
    bare = t**3 * (10.0 - 15.0 * t + 6.0 * t * t)
    return (1.0 - bare) / torch.sqrt(distance * distance + 1.0) + bare / distance


def pairs_of_molecules(molecule: Tensor, n_molecules: int) -> tuple[Tensor, Tensor]:
    """Return each pair i < j of atoms of one molecule once; ``molecule`` (N,) does not decrease."""
    sizes = torch.bincount(molecule, minlength=n_molecules)
    last = sizes.cumsum(0)[molecule]
    atoms = torch.arange(len(molecule), device=molecule.device)
    partners = last - atoms - 1
    i = torch.repeat_interleave(atoms, partners)
    first = partners.cumsum(0) - partners
    ranks = torch.arange(len(i), device=molecule.device) - first[i]
    return i, i + 1 + ranks


def damped_coulomb_energy(
    charges: Tensor, positions: Tensor, molecule: Tensor, n_molecules: int, cutoff: float
) -> Tensor:
    """Return the energies (M,) in hartree, summed in double precision.

    ``charges`` (N,) are in e, ``positions`` (N, 3) and ``cutoff`` in ångström, ``molecule`` (N,) is
    the molecule of each atom and does not decrease.
    """
    i, j = pairs_of_molecules(molecule, n_molecules)
    distance = torch.linalg.vector_norm(positions[j] - positions[i], dim=1)
    of_pairs = charges[i] * charges[j] * damped_inverse(distance, cutoff)
    energies = of_pairs.new_zeros(n_molecules, dtype=torch.float64)
    return BOHR_IN_ANGSTROM * energies.index_add(0, molecule[i], of_pairs.double())
