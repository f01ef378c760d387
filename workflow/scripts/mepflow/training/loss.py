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


def weighted_loss(errors: Residuals, weights: Mapping[str, float], kind: str = "squared") -> Tensor:
    """Return the weighted sum of the mean errors per component, in the targets' units.

    ``kind`` is squared or absolute. A mean is over the rows that count; where there are none it is
    0.
    """
    total = next(iter(errors.values())).values.new_zeros(())
    for name, weight in weights.items():
        total = total + weight * _mean(errors[name], kind)
    return total


def _mean(error: Residual, kind: str) -> Tensor:
    size = torch.square if kind == "squared" else torch.abs
    if error.counted is None:
        return size(error.values).mean()
    counted = error.counted[:, None]
    sizes = size(error.values.masked_fill(~counted, 0.0))
    # No number goes to the host, which a recorded step could not repeat.
    return sizes.sum() / (counted.sum() * error.values.shape[1]).clamp(min=1)


@dataclass(frozen=True)
class ErrorSummary:
    """The loss of a validation, of the targets that choose a step, and errors by the log's column.

    Errors are over all molecules and components, in the targets' units; nan where no label is.
    """

    loss: float
    columns: dict[str, float]


def summarise(
    parts: Sequence[Residuals], weights: Mapping[str, float], kind: str = "squared"
) -> ErrorSummary:
    """Return the summary of the residuals of all batches, however these were cut."""
    joined = {name: _joined([part[name] for part in parts]) for name in parts[0]}
    columns: dict[str, float] = {}
    for name, (values, counted) in joined.items():
        chosen = values if counted is None else values[counted]
        mae, rmse = TARGETS[name].error_columns()
        if mae is not None:
            columns[mae] = float(chosen.abs().mean())
        columns[rmse] = float(chosen.square().mean().sqrt())
    return ErrorSummary(float(weighted_loss(joined, weights, kind)), columns)


def _joined(parts: Sequence[Residual]) -> Residual:
    counted = [part.counted for part in parts if part.counted is not None]
    return Residual(
        torch.cat([part.values for part in parts]).double(), torch.cat(counted) if counted else None
    )
