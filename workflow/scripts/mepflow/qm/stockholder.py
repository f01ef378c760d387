"""Stockholder divisions of a molecular electron density among its atoms: MBIS and Hirshfeld's.

Both divide the density in proportion to densities of the atoms. Those of Hirshfeld, Theor. Chim.
Acta 44, 129 (1977), are free atoms. Those of the Minimal Basis Iterative Stockholder (Verstraelen,
Vandenbrande, Heidar-Zadeh, Vanduyfhuys, Van Speybroeck, Waroquier and Ayers, J. Chem. Theory
Comput. 12, 3894 (2016)) are Slater functions, one for each electronic shell, whose populations and
widths follow from the division itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import optimize

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LAST_OF_PERIOD: Final = (2, 10, 18, 36, 54)
"""Atomic number of the noble gas at the end of each period."""
TOLERANCE: Final = 1e-8
"""Largest relative change of a population or width in a plain iteration."""
PLAIN_ITERATIONS: Final = 20
LARGEST_ITERATIONS: Final = 500
HISTORY: Final = 8
NEGLIGIBLE_ELECTRONS: Final = 1e-13
SMALLEST_DENSITY: Final = 1e-100


@dataclass(frozen=True)
class GridDensity:
    """Points (p, 3) in bohr, their weights (p,) and the electron density (p,) there, a.u."""

    points: FloatArray
    weights: FloatArray
    density: FloatArray

    def without_negligible_points(self) -> "GridDensity":
        """Return the grid without the points that hold next to no electrons."""
        held = np.abs(self.weights * self.density) > NEGLIGIBLE_ELECTRONS
        return GridDensity(self.points[held], self.weights[held], self.density[held])


@dataclass(frozen=True)
class Shells:
    """Slater shells: the atom of each (s,), populations (s,) and widths σ (s,) in bohr."""

    atoms: IntArray
    populations: FloatArray
    widths: FloatArray


def initial_shells(numbers: IntArray, core_electrons: IntArray) -> Shells:
    """Return the shells of neutral atoms, one per period; shells of core potentials are left out.

    The widths go geometrically from 1/(2Z) of the innermost shell to 1/2 of the outermost.
    """
    atoms: list[int] = []
    populations: list[float] = []
    widths: list[float] = []
    for atom, (number, core) in enumerate(zip(numbers, core_electrons, strict=True)):
        ends = [0, *(end for end in LAST_OF_PERIOD if end < number), int(number)]
        count = len(ends) - 1
        exponents = np.linspace(1.0, 0.0, count) if count > 1 else np.zeros(1)
        for shell in range(count):
            # A core potential that ends inside a shell takes a part of it.
            held = ends[shell + 1] - max(ends[shell], int(core))
            if held > 0:
                atoms.append(atom)
                populations.append(held)
                widths.append(0.5 * float(number) ** -exponents[shell])
    return Shells(np.array(atoms), np.array(populations, float), np.array(widths))


def fit_shells(grid: GridDensity, centres: FloatArray, start: Shells) -> Shells:
    """Return the self-consistent shells of the density.

    Equations 18 and 19 of the paper: a shell's population is the integral of its share of the
    density, its width a third of the mean distance of that share. The fixed point in the
    logarithms of both is found by Anderson mixing after some plain iterations. Raises
    ``RuntimeError`` if it does not converge.
    """
    distances = np.linalg.norm(grid.points - centres[:, None], axis=-1)[start.atoms]
    electrons = grid.weights * grid.density

    def change(logarithms: FloatArray) -> FloatArray:
        populations, widths = np.exp(logarithms)
        values = shell_values(distances, populations, widths)
        scaled = electrons / np.maximum(values.sum(axis=0), SMALLEST_DENSITY)
        new = values @ scaled
        values *= distances
        return np.log([new, values @ scaled / (3 * new)]) - logarithms

    logarithms = np.log([start.populations, start.widths])
    for _ in range(PLAIN_ITERATIONS):
        logarithms = logarithms + change(logarithms)
    try:
        logarithms = optimize.anderson(
            change,
            logarithms,
            alpha=1.0,
            M=HISTORY,
            f_tol=TOLERANCE,
            maxiter=LARGEST_ITERATIONS,
            line_search=None,
        )
    except optimize.NoConvergence as error:
        raise RuntimeError(f"MBIS did not converge in {LARGEST_ITERATIONS} iterations") from error
    return Shells(start.atoms, *np.exp(logarithms))


def shell_values(distances: FloatArray, populations: FloatArray, widths: FloatArray) -> FloatArray:
    """Return the densities (s, p) of Slater shells at ``distances`` (s, p)."""
    values = distances * (-1 / widths)[:, None]
    values += np.log(populations / (8 * np.pi * widths**3))[:, None]
    return np.exp(values, out=values)


def atomic_multipoles(
    grid: GridDensity, centres: FloatArray, nuclear_charges: FloatArray, shells: Shells
) -> dict[str, FloatArray]:
    """Return charges (n, 1), dipoles (n, 3), second (n, 3, 3) and third moments (n, 3, 3, 3).

    Moments are raw (not traceless), of minus the atom's electron density about its nucleus, in
    e·bohrᵏ; the nucleus adds to the charge only.
    """
    distances = np.linalg.norm(grid.points[None] - centres[:, None], axis=-1)[shells.atoms]
    values = shell_values(distances, shells.populations, shells.widths)
    electrons = grid.weights * grid.density / np.maximum(values.sum(axis=0), SMALLEST_DENSITY)
    moments: dict[str, list[FloatArray]] = {
        "charges": [],
        "dipoles": [],
        "quadrupoles": [],
        "octupoles": [],
    }
    for atom, (centre, nuclear) in enumerate(zip(centres, nuclear_charges, strict=True)):
        held = values[shells.atoms == atom].sum(axis=0) * electrons
        d = grid.points - centre
        first = held[:, None] * d
        second = first[:, :, None] * d[:, None]
        moments["charges"].append(nuclear - held.sum(keepdims=True))
        moments["dipoles"].append(-first.sum(axis=0))
        moments["quadrupoles"].append(-second.sum(axis=0))
        moments["octupoles"].append(-np.einsum("pij,pk->ijk", second, d))
    return {name: np.array(rows) for name, rows in moments.items()}


def hirshfeld_charges(
    grid: GridDensity,
    centres: FloatArray,
    nuclear_charges: FloatArray,
    free_atoms: Sequence[Callable[[FloatArray], FloatArray]],
) -> FloatArray:
    """Return Hirshfeld's charges (n,) in e; ``free_atoms`` are densities as functions of r."""
    shares = np.array(
        [
            density(np.linalg.norm(grid.points - centre, axis=-1))
            for centre, density in zip(centres, free_atoms, strict=True)
        ]
    )
    electrons = grid.weights * grid.density / np.maximum(shares.sum(axis=0), SMALLEST_DENSITY)
    return np.asarray(nuclear_charges - shares @ electrons)
