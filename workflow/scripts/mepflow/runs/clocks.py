"""Files that are dated ahead of the clock, found before a run works on them.

Snakemake takes a result that is older than one of its inputs for the mark of a wrong clock, and
removes it when its job has ended; at the next try it does so again.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mepflow.errors import StateError

_SHOWN: Final = 3


def check_dates(inputs: Iterable[str], now: float) -> None:
    """Check that no file that jobs will read was changed after ``now`` (seconds since the epoch).

    ``now`` is best the date of a file just written, by the clock that dates the others, too. A file
    that is not there is Snakemake's to miss. Raises :class:`StateError` with the files and what to
    do.
    """
    ahead = sorted(name for name in inputs if _modified(name) > now)
    if not ahead:
        return
    others = f" and {len(ahead) - _SHOWN} others are" if len(ahead) > _SHOWN else ""
    names = " ".join(ahead[:_SHOWN])
    verb = others or (" is" if len(ahead) == 1 else " are")
    raise StateError(
        f"{names}{verb} dated {_date(max(map(_modified, ahead)))}, ahead of the clock "
        f"({_date(now)}): set the clock if it is wrong, else `touch {names}`, and run again."
    )


def _modified(name: str) -> float:
    try:
        return Path(name).stat().st_mtime
    except OSError:
        return 0.0


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
