"""Both stages of RESP against the program ``resp`` of AmberTools 26, on potentials of our making.

The charges below are what it wrote for them: six decimals, converged to some 1e-6 e. Atoms were
frozen (``ivary`` −99) and made equal as in Bayly's two stages; ``qwt`` is 0.0005, then 0.001.
"""

import numpy as np
import pytest
from ase.build import molecule

from mepflow.charges.constraints import Constraints
from mepflow.charges.resp import resp_charges
from mepflow.charges.restrained_fit import Equations
from mepflow.electrostatics.potential import potential
from mepflow.geometry.bonds import bonds
from mepflow.geometry.grids import grid_points
from mepflow.units import ANGSTROM_IN_BOHR

GRID = {"kind": "shells", "scales": [1.4, 1.6, 1.8, 2.0], "points_per_angstrom2": 1.0}
BY_THE_ORIGINAL = {
    ("CH3CH2OH", 0): [
        -0.526664, 0.293897, -0.603523, 0.343565, 0.053592, 0.053592, 0.128514, 0.128514, 0.128514,
    ],
    ("CH3COCH3", -1): [
        -0.388753, -0.58292, -0.338184, -0.338184, *[0.108007] * 6,
    ],
    ("CH3NO2", 0): [0.413909, 0.160453, -0.083935, -0.083935, -0.083935, -0.161278, -0.161278],
}  # fmt: skip


@pytest.mark.parametrize(("name", "total"), BY_THE_ORIGINAL)
def test_charges_are_those_of_the_original_program(name: str, total: int) -> None:
    atoms = molecule(name)
    numbers, positions = atoms.numbers.astype(np.uint8), atoms.positions * ANGSTROM_IN_BOHR
    n = len(numbers)
    rng = np.random.default_rng(n)
    charges = rng.normal(0, 0.3, n)
    charges += (total - charges.sum()) / n
    points = grid_points(GRID, numbers, positions)
    values = potential(points, positions, charges, rng.normal(0, 0.2, (n, 3)))
    equations = Equations.of(points, positions, values)
    pairs = bonds(numbers, atoms.positions)
    found = resp_charges(equations, numbers, pairs, Constraints.total(n, total))
    np.testing.assert_allclose(found, BY_THE_ORIGINAL[name, total], atol=6e-6)
