"""The loss, and the errors that a validation reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from mepflow.models.targets import TARGETS


class Residual(NamedTuple):
    """Prediction less label of one target, ``values`` (R, C), in the target's unit.

    ``counted`` (R,) tells which rows count, None that all do; the values of others mean nothing.
    """

    values: Tensor
    counted: Tensor | None


Residuals = Mapping[str, Residual]
"""By target."""


def weighted_loss(errors: Residuals, weights: Mapping[str, float]) -> Tensor:
    """Return the weighted sum of the mean squared errors per component, in the targets' units.

    A mean is over the rows that count; where there are none it is 0.
    """
    total = next(iter(errors.values())).values.new_zeros(())
    for name, weight in weights.items():
        total = total + weight * _mean_square(errors[name])
    return total


def _mean_square(error: Residual) -> Tensor:
    if error.counted is None:
        return error.values.square().mean()
    counted = error.counted[:, None]
    squares = error.values.masked_fill(~counted, 0.0).square()
    # No number goes to the host, which a recorded step could not repeat.
    return squares.sum() / (counted.sum() * error.values.shape[1]).clamp(min=1)


@dataclass(frozen=True)
class ErrorSummary:
    """The loss of a validation, and its errors by column of the log.

    Errors are over all molecules and components, in the targets' units; nan where no label is.
    """

    loss: float
    columns: dict[str, float]


def summarise(parts: Sequence[Residuals], weights: Mapping[str, float]) -> ErrorSummary:
    """Return the summary of the residuals of all batches, however these were cut."""
    joined = {name: _joined([part[name] for part in parts]) for name in parts[0]}
    columns: dict[str, float] = {}
    for name, (values, counted) in joined.items():
        chosen = values if counted is None else values[counted]
        mae, rmse = TARGETS[name].error_columns()
        if mae is not None:
            columns[mae] = float(chosen.abs().mean())
        columns[rmse] = float(chosen.square().mean().sqrt())
    return ErrorSummary(float(weighted_loss(joined, weights)), columns)


def _joined(parts: Sequence[Residual]) -> Residual:
    counted = [part.counted for part in parts if part.counted is not None]
    return Residual(
        torch.cat([part.values for part in parts]).double(), torch.cat(counted) if counted else None
    )
