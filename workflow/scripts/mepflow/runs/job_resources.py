"""What a job asks of a machine or a cluster: run time, GPUs. It changes no result.

Only the standard library is imported.
"""

import math
import shutil
from collections.abc import Callable, Mapping
from typing import Any, Final

_LEAST_MINUTES: Final = 30


def growing(first: int) -> Callable[..., int]:
    """Return a resource: ``first`` at the first attempt of a job, twice that at the second, ..."""

    def resource(wildcards: object, attempt: int) -> int:
        return attempt * first

    return resource


def shard_minutes(dataset: Mapping[str, Any]) -> int:
    """Return the run time of a reference job of a dataset (its row) at its first attempt."""
    minutes: float = dataset["shard_size"] * dataset["minutes_per_molecule"]
    return max(_LEAST_MINUTES, math.ceil(minutes))


def gpus(device: str) -> int:
    """Return the GPUs a network needs: none on a machine without one, unless asked for."""
    has_gpu = shutil.which("nvidia-smi") is not None
    return 1 if device == "cuda" or (device == "auto" and has_gpu) else 0
