"""The list of files that ``predict`` wrote into a folder: a later call leaves none behind."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from mepflow.storage.files import atomic_path

LISTING: Final = "prediction.json"
_FORMAT: Final = "mepflow prediction"
_VERSION: Final = 1
_OF_A_MOLECULE: Final = (".cube", ".pqr", ".png")
_OF_A_CALL: Final = ("reference.csv",)


def replace_listing(folder: Path, names: Iterable[str], files: Sequence[Path]) -> None:
    """Write the list of ``files`` and remove what an earlier call left of what it says of others.

    Where an earlier call left no list, files with the ``names`` of molecules of this one count.
    """
    written = {file.name for file in files}
    earlier = _listed(folder)
    if earlier is None:
        earlier = {f"{name}{end}" for name in names for end in _OF_A_MOLECULE} | set(_OF_A_CALL)
    with atomic_path(folder / LISTING) as temporary:
        content = {"format": _FORMAT, "format_version": _VERSION, "files": sorted(written)}
        temporary.write_text(
            json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    left = earlier - written
    for path in folder.iterdir():
        if path.name in left:
            path.unlink(missing_ok=True)


def _listed(folder: Path) -> set[str] | None:
    """Return the names of files in a folder's list, or None where there is no whole list."""
    try:
        content = json.loads((folder / LISTING).read_text(encoding="utf-8"))
        names = {str(name) for name in content["files"]}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    # Names only: a list can name no file elsewhere.
    return {name for name in names if Path(name).name == name and name != LISTING}
