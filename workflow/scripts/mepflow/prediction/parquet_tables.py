"""The tables of a call as Parquet too, where pandas can write it: with pyarrow."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from mepflow.errors import ConfigError
from mepflow.storage.files import atomic_path

PARQUET: Final[Mapping[str, str]] = {
    "multipoles.csv": "multipoles.parquet",
    "atoms.csv": "atoms.parquet",
}
"""By the name of the table that it is made from."""
_TEXTS: Final = frozenset({
    "name", "source", "formula", "total_charge_from", "warnings", "failure", "element",
})  # fmt: skip
"""Columns that are text whatever is in them."""


def require_parquet() -> None:
    """Raise :class:`ConfigError` where Parquet cannot be written."""
    if find_spec("pyarrow") is None:
        raise ConfigError("--format parquet needs pyarrow: pip install pyarrow, or leave it out.")


def write_parquet(folder: Path) -> list[str]:
    """Write the tables that are in ``folder`` as Parquet besides, and return their names.

    An empty cell is null. A table that is not there was moved with its Parquet before a kill.
    """
    import pandas as pd  # only here: a quarter of a second of every prediction

    for table, name in PARQUET.items():
        if not (folder / table).exists():
            continue
        header = pd.read_csv(folder / table, nrows=0).columns
        texts = {column: str for column in header if column in _TEXTS}
        frame = pd.read_csv(folder / table, dtype=texts, keep_default_na=False, na_values=[""])
        with atomic_path(folder / name) as temporary:
            frame.to_parquet(temporary, engine="pyarrow", index=False)
    return list(PARQUET.values())
