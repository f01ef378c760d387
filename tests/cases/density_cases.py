"""Small density and energy networks with random weights, and ethanol, for tests."""

from functools import cache

import numpy as np
import numpy.typing as npt
import torch

from mepflow.densities.auxiliary_basis import AuxiliaryBasis
from mepflow.densities.density_energy_model import DensityEnergyModel
from mepflow.densities.density_energy_network import DENSITY_AND_GEOMETRY
from mepflow.densities.density_model import DensityModel
from mepflow.densities.density_network import DensityNetwork, DensityNetworkSettings
from mepflow.densities.free_atoms import free_atoms
from mepflow.densities.function_layout import FunctionLayout
from mepflow.densities.pyscf_basis import auxiliary_basis, coulomb_matrix
from mepflow.densities.whitening import Blocks, whitening
from mepflow.models.energy_units import EnergyUnits
from mepflow.molecules import Molecule

FloatArray = npt.NDArray[np.float64]

BASIS = "def2-universal-jfit"
ORBITAL_BASIS = "sto-3g"
ETHANOL = np.array([6, 6, 8, 1, 1, 1, 1, 1, 1])
POSITIONS = np.array(
    [
        *([2.21, -0.75, -0.03], [-0.04, 1.01, 0.02], [-2.24, -0.35, 0.02]),
        *([3.36, -0.30, 1.56], [1.46, -2.69, 0.12], [3.36, -0.74, -1.76]),
        *([0.15, 2.15, 1.78], [0.05, 2.30, -1.62], [-2.37, -1.33, -1.53]),
    ]
)
"""In bohr."""
NETWORK = DensityNetworkSettings(
    channels=8,
    hidden_degree=2,
    edge_degree=3,
    layers=2,
    radial_functions=6,
    cutoff_angstrom=4.5,
    self_product=True,
)


@cache
def tables() -> tuple[AuxiliaryBasis, dict[int, FloatArray], Blocks]:
    """Return basis, free atoms and whitening of H, C and O."""
    basis = auxiliary_basis(BASIS, ETHANOL)
    origin = np.zeros((1, 3))
    coulomb = {n: coulomb_matrix(BASIS, np.array([n]), origin) for n in basis.shells}
    return basis, free_atoms(basis, ORBITAL_BASIS), whitening(basis, coulomb)


def network(dtype: torch.dtype = torch.float64, seed: int = 1) -> DensityNetwork:
    """Return a network with random weights."""
    basis, atoms, blocks = tables()
    torch.manual_seed(seed)
    made = DensityNetwork(NETWORK, FunctionLayout.of(basis), atoms, blocks, 7.0)
    return made.to(dtype=dtype)


UNITS = EnergyUnits({1: -0.5, 6: -37.8, 8: -75.0}, 0.03)


def energy_model(inputs: str = DENSITY_AND_GEOMETRY, seed: int = 1) -> DensityEnergyModel:
    """Return a model of energies on a density, with random weights, adjusted to ethanol."""
    _, atoms, blocks = tables()
    density = DensityModel(network(seed=3), atoms, blocks, 7.0, {})
    torch.manual_seed(seed)
    made = DensityEnergyModel.new(density, NETWORK, inputs, UNITS, 7.0, {})
    made.network.double()
    made.adjust([density.graph(Molecule("ethanol", ETHANOL.astype(np.uint8), POSITIONS))])
    return made
