"""CSV files: written as a whole or not at all, and read with one sentence where that fails."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mepflow.errors import InputError, MissingFileError
from mepflow.storage.damage import reason
from mepflow.storage.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd

_TEXTS: Final = ("id", "molecule")


def write_csv(frame: "pd.DataFrame", path: Path, float_format: str | None = None) -> None:
    """Write all of ``frame`` but its index, atomically."""
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, float_format=float_format)


def read_csv(path: Path, **options: Any) -> "pd.DataFrame":
    """Return a CSV file as pandas reads it with these ``options``.

    Raises :class:`MissingFileError`, and :class:`InputError` where the file is damaged.
    """
    # Imported here: predictions, which read no CSV file, come sooner without pandas.
    import pandas as pd

    try:
        frame: pd.DataFrame = pd.read_csv(path, **options)
    except FileNotFoundError:
        raise MissingFileError(path) from None
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        text = f"{path} is damaged ({reason(error)}): delete it and run again."
        raise InputError(text) from error
    return frame


def read_rows(path: Path) -> "pd.DataFrame":
    """Return a CSV file whose columns ``id`` and ``molecule`` hold texts, also ``NA`` and ``007``.

    Elsewhere an empty cell is nan. Raises what :func:`read_csv` raises.
    """
    columns = read_csv(path, nrows=0).columns
    missing = {name: [""] for name in columns if name not in _TEXTS}
    converters = {name: str for name in columns if name in _TEXTS}
    return read_csv(path, converters=converters, keep_default_na=False, na_values=missing)
