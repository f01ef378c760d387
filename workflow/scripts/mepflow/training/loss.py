"""The loss, and the errors that a validation reports."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from mepflow.models.multipole_model import Multipoles
from mepflow.models.variants import LossWeights
from mepflow.multipoles import components


class Labels(NamedTuple):
    """Reference dipole (M, 3) in e·bohr and the 6 components (M, 6) of Θ′ in e·bohr²."""

    dipole: Tensor
    quadrupole: Tensor


class Residuals(NamedTuple):
    """Prediction less reference, shapes and units as in :class:`Labels`."""

    dipole: Tensor
    quadrupole: Tensor


def residuals(predicted: Multipoles, labels: Labels) -> Residuals:
    """Return the errors of the 3 dipole and 6 stored quadrupole components."""
    return Residuals(
        predicted.dipole - labels.dipole, components(predicted.quadrupole) - labels.quadrupole
    )


def weighted_loss(errors: Residuals, weights: LossWeights) -> Tensor:
    """Return the weighted sum of the mean squared errors per component, in atomic units."""
    total = errors.dipole.new_zeros(())
    for weight, values in (
        (weights.dipole, errors.dipole),
        (weights.quadrupole, errors.quadrupole),
    ):
        if weight:
            total = total + weight * values.square().mean()
    return total


@dataclass(frozen=True)
class ErrorSummary:
    """Errors over all molecules and components: dipole in e·bohr, quadrupole in e·bohr²."""

    loss: float
    dipole_mae: float
    dipole_rmse: float
    quadrupole_mae: float
    quadrupole_rmse: float


def summarise(errors: list[Residuals], weights: LossWeights) -> ErrorSummary:
    """Return the summary of the residuals of all batches, however these were cut."""
    joined = Residuals(*(torch.cat(parts).double() for parts in zip(*errors, strict=True)))
    dipole, quadrupole = joined
    return ErrorSummary(
        float(weighted_loss(joined, weights)),
        float(dipole.abs().mean()),
        float(dipole.square().mean().sqrt()),
        float(quadrupole.abs().mean()),
        float(quadrupole.square().mean().sqrt()),
    )
