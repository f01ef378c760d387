"""Which variant a run puts forward: chosen on the validation molecules, never on the test set."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from mepflow.errors import InputError
from mepflow.evaluation.sources import Source
from mepflow.storage.csv_file import read_csv

_LOSS: Final = "validation_loss"
_RMSE: Final = r"^validation_.*_rmse"


def validation_errors(logs: Sequence[Source]) -> "pd.Series[float]":
    """Return one number per variant from the logs of its trainings, by which they are compared.

    Variants minimise different losses, which cannot be compared. Their logs share root mean square
    errors of the validation molecules, those of dipole and quadrupole: the number is the geometric
    mean of these at the step whose weights were kept, in which neither unit nor weight plays a
    part, and of that the mean over seeds. Raises :class:`InputError` where the logs share no such
    error.
    """
    kept = {}
    for log in logs:
        rows = read_csv(log.path)
        if _LOSS not in rows.columns:
            raise InputError(f"{log.path} has no column {_LOSS}: delete it and run again.")
        kept[log.name, log.seed] = rows.iloc[int(rows[_LOSS].argmin())].filter(regex=_RMSE)
    table = pd.DataFrame(kept).T.dropna(axis="columns")
    if table.empty:
        raise InputError("the logs of the trainings share no error of the validation molecules.")
    means = np.prod(table.to_numpy(dtype=float), axis=1) ** (1.0 / table.shape[1])
    return pd.Series(means, index=table.index).groupby(level=0, sort=False).mean()
