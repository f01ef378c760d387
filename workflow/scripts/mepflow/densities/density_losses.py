r"""What a training makes small: measures of a molecule's wrong coefficients Δ, by name.

================= =================================================================================
coulomb-potential :math:`\Delta^T (J + w V^T V / p) \Delta` per atom: the Coulomb energy of the
                  wrong density, and w times the mean square of its potential on p points
coulomb           the same without the potential
overlap           :math:`\Delta^T S \Delta` per atom: the integral of the wrong density's square
real-space        :math:`\int |\Delta\rho| / N` on points that are drawn anew at each step from an
                  integration grid, as in DenSNet (arXiv:2604.24563)
================= =================================================================================

The density that the real-space loss is taken from is that of the label: archives hold none on
points.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mepflow.densities.auxiliary_basis import AuxiliaryBasis
from mepflow.densities.density_functions import density_matrix
from mepflow.densities.density_labels import LabelledDensity
from mepflow.densities.density_training_data import LabelledGraph, errors_of
from mepflow.densities.pyscf_basis import integration_grid, overlap_matrix
from mepflow.errors import ConfigError

FloatArray = npt.NDArray[np.float64]
Measure = Callable[[Sequence[LabelledGraph], Sequence[Tensor], int | None], Tensor]
"""From molecules, their wrong coefficients and the step, None in a validation, to numbers (k,)."""

COULOMB_POTENTIAL: Final = "coulomb-potential"
COULOMB: Final = "coulomb"
OVERLAP: Final = "overlap"
REAL_SPACE: Final = "real-space"
LOSSES: Final = (COULOMB_POTENTIAL, COULOMB, OVERLAP, REAL_SPACE)
KEPT_POINTS: Final = 8000
"""Of a molecule's integration grid, drawn once."""
DRAWN_POINTS: Final = 1000
"""Of these, at each step."""
_GRID_LEVEL: Final = 1


def measure_of(loss: str, weight: float, basis: AuxiliaryBasis, seed: int) -> Measure:
    """Return the measure of a name; ``weight`` in e²/hartree is that of the potential.

    Raises :class:`ConfigError` for another name.
    """
    match loss:
        case "coulomb-potential":
            return lambda molecules, wrong, _: errors_of(molecules, wrong).per_molecule(weight)
        case "coulomb":
            return lambda molecules, wrong, _: errors_of(molecules, wrong).per_molecule(0.0)
        case "overlap":
            return _overlap
        case "real-space":
            return lambda *arguments: _real_space(basis, seed, *arguments)
    raise ConfigError(f"The loss {loss!r} of a density model is none of {', '.join(LOSSES)}.")


def prepared(loss: str, basis: AuxiliaryBasis, molecule: LabelledDensity) -> dict[str, FloatArray]:
    """Return what the measure of a loss needs of a molecule beside what all have."""
    if loss == OVERLAP:
        return {"overlap": overlap_matrix(basis.name, molecule.numbers, molecule.positions)}
    if loss != REAL_SPACE:
        return {}
    points, weights = integration_grid(molecule.numbers, molecule.positions, _GRID_LEVEL)
    chosen = np.random.default_rng(0).permutation(len(points))[:KEPT_POINTS]
    electrons = float(molecule.numbers.sum() - molecule.charge)
    # Each point stands for those that were left out.
    scale = len(points) / (len(chosen) * electrons)
    return {"points": points[chosen], "shares": weights[chosen] * scale}


def _overlap(molecules: Sequence[LabelledGraph], wrong: Sequence[Tensor], _: int | None) -> Tensor:
    pairs = zip(molecules, wrong, strict=True)
    return torch.stack([error @ (m.more["overlap"] @ error) / m.atoms for m, error in pairs])


def _real_space(
    basis: AuxiliaryBasis,
    seed: int,
    molecules: Sequence[LabelledGraph],
    wrong: Sequence[Tensor],
    step: int | None,
) -> Tensor:
    generator = None if step is None else np.random.default_rng((seed, step))
    found = []
    for molecule, error in zip(molecules, wrong, strict=True):
        rows = _rows(len(molecule.more["points"]), generator)
        numbers: Any = molecule.graph.numbers.cpu().numpy()
        values = density_matrix(
            basis, numbers, molecule.graph.positions, molecule.more["points"][rows]
        )
        shares = molecule.more["shares"][rows] * (len(molecule.more["points"]) / len(rows))
        found.append((shares * (values @ error).abs()).sum())
    return torch.stack(found)


def _rows(total: int, generator: np.random.Generator | None) -> npt.NDArray[np.int64]:
    """Return which points of a molecule count: the same ones in every validation."""
    count = min(DRAWN_POINTS, total)
    if generator is None:
        return np.arange(count)
    return generator.choice(total, count, replace=False)
