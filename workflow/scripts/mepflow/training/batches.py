"""Which molecules a training step sees: a function of the seed and the step, and nothing else."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def batch_of_step(n_molecules: int, batch_size: int, seed: int) -> Callable[[int], IntArray]:
    """Return the function from a step (from 0) to its ``batch_size`` molecules, rows of the set.

    The epochs, each a permutation of all molecules drawn from (seed, epoch), follow each other
    without a gap, and a batch is the next stretch of that sequence. So no molecule is ever dropped,
    every batch is full, a batch may cross the end of an epoch, and an interrupted training
    continues in the right place from the number of its step alone.
    """

    # The epoch in use, and the next one where a batch crosses the end.
    @lru_cache(maxsize=2)
    def epoch_order(epoch: int) -> IntArray:
        return np.random.default_rng([seed, epoch]).permutation(n_molecules).astype(np.int64)

    def molecules(step: int) -> IntArray:
        position, end = step * batch_size, (step + 1) * batch_size
        parts = []
        while position < end:
            epoch, first = divmod(position, n_molecules)
            part = epoch_order(epoch)[first : first + end - position]
            parts.append(part)
            position += len(part)
        return np.concatenate(parts)

    return molecules
