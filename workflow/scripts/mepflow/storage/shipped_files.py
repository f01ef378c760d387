"""The files that come with mepflow: definitions of levels and grids, and the default models.

The repository has them at its root; a wheel has them inside the package, at the same paths.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mepflow.errors import InputError
from mepflow.storage.files import atomic_path

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_IN_WHEEL: Final = _PACKAGE / "shipped"
_ROOT: Final = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parents[2]

DEFINITIONS: Final = _ROOT / "config" / "definitions.yaml"
"""File with the rows of levels of theory and grids that commands use by default."""
SNAKEFILE: Final = _ROOT / "Snakefile"
"""The workflow; a clone has it, a wheel has not."""
_MODELS: Final = _ROOT / "resources" / "models"
DEFAULT_MODELS: Final = _MODELS / "default"
"""Folder of the models that are used where none is named."""
SHIPPED_MODELS: Final = {"default": DEFAULT_MODELS, "organic": _MODELS / "organic"}
"""Folders of the models that come with mepflow, by the names that ``--model`` takes."""
ORGANIC_ELEMENTS: Final = ("H", "C", "N", "O", "F", "P", "S", "Cl", "Br")
"""What the models ``organic`` know: a hint for whoever needs more than the default ones do."""
CHECKSUMS: Final = "SHA256SUMS"
"""File beside shipped files with their SHA-256, one in a line as ``sha256sum`` writes them."""


def shipped_folder(path: Path | str | None) -> Path | None:
    """Return the folder of shipped models that ``path`` names, if it is no path of the user's.

    None is the default ones.
    """
    if path is None:
        return SHIPPED_MODELS["default"]
    return None if Path(path).exists() else SHIPPED_MODELS.get(str(path))


def write_checksums(folder: Path, names: Iterable[str]) -> None:
    """Write :data:`CHECKSUMS` of the files ``names`` in ``folder``."""
    lines = [f"{_sha256(folder / name)}  {name}\n" for name in sorted(names)]
    with atomic_path(folder / CHECKSUMS) as temporary:
        temporary.write_text("".join(lines), encoding="ascii")


def checked_files(folder: Path) -> list[Path]:
    """Return the files that :data:`CHECKSUMS` of ``folder`` lists, if all are as they were shipped.

    Raises :class:`InputError`, which names the file, where one is missing or has changed.
    """
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="ascii").splitlines()
        shipped = [tuple(line.split()) for line in lines]
        if not shipped:
            raise ValueError("no file is listed")
        changed = [name for digest, name in shipped if _sha256(folder / name) != digest]
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder} is not complete, or its {CHECKSUMS} is damaged: install mepflow again, or "
            "name a model of your own."
        ) from error
    if changed:
        raise InputError(
            f"{folder / changed[0]} is not the file that came with mepflow (its SHA-256 differs): "
            "install mepflow again, or copy the file to a folder of your own and name it there."
        )
    return [folder / name for _, name in shipped]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
