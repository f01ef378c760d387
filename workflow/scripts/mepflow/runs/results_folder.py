"""To which run a results folder belongs: a record in it, checked before anything is written.

Nothing outside the standard library is imported: the workflow reads this whenever it is parsed.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mepflow.errors import StateError
from mepflow.runs.remedies import file_remedy
from mepflow.storage.files import atomic_path
from mepflow.storage.versions import NewerVersionError, Upgrade, upgraded

Config = Mapping[str, Any]
RUN_RECORD: Final = "run.json"
"""File of the results folder that says to which run the folder belongs."""
RUN_RECORD_VERSION: Final = 1
"""Files without a version, as mepflow 0.1.0 wrote them, are of version 1."""
_RUN_RECORD_UPGRADES: Final[Mapping[int, Upgrade]] = {}


def run_record(config: Config) -> dict[str, Any]:
    """Return what identifies a run: its name and the archives of its datasets."""
    archives = {name: row["archive"] for name, row in config["datasets"].items()}
    return {"name": config["name"], "archives": archives}


def check_results_folder(config: Config) -> None:
    """Check that the results folder is new or belongs to this run.

    Raises :class:`StateError` where it belongs to another one.
    """
    path = Path(config["results"]) / RUN_RECORD
    if not path.exists():
        return
    try:
        content = dict(json.loads(path.read_text()))
        version = content.pop("format_version", 1)
        owner = upgraded(content, version, _RUN_RECORD_UPGRADES, RUN_RECORD_VERSION)
    except NewerVersionError as error:
        raise StateError(
            f"{path} is newer than this program ({error}): use the mepflow that wrote it, or set "
            "`results` to another folder."
        ) from error
    except (ValueError, TypeError, RecursionError):
        raise StateError(f"{path} is damaged: delete it and run again.") from None
    if owner != run_record(config):
        raise StateError(
            f"{path.parent} holds the results of run {owner.get('name')!r} with archives "
            f"{owner.get('archives')}, not of run {config['name']!r}: set `results` to another "
            "folder, or move that one away."
        )


def claim_results_folder(config: Config) -> float:
    """Write into the results folder to which run it belongs; return when, by that disk's clock.

    Raises :class:`StateError` where nothing can be written there.
    """
    record = Path(config["results"]) / RUN_RECORD
    try:
        with atomic_path(record) as path:
            content = {"format_version": RUN_RECORD_VERSION, **run_record(config)}
            path.write_text(json.dumps(content, indent=1) + "\n")
        return record.stat().st_mtime
    except OSError as error:
        raise StateError(file_remedy(error) or str(error)) from error
