"""What jobs are called on the terminal, by their wildcards."""

from collections.abc import Mapping
from typing import Final

_WILDCARD_NAMES: Final = {
    "shard": "shard ",
    "seed": "seed ",
    "source": "from ",
    "fraction": "part ",
}


def words(wildcards: Mapping[str, str]) -> list[str]:
    """Return the values of a job's wildcards without the dataset's, with what they number."""
    return [
        f"{_WILDCARD_NAMES.get(key, '')}{value}"
        for key, value in wildcards.items()
        if key != "dataset"
    ]
