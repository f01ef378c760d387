"""The files that a command line names: files, folders, patterns and the standard input.

Nothing of their content is read here, so that a wrong name is said at once.
"""

import glob
import hashlib
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mepflow.errors import InputError
from mepflow.prediction.text_files import MOST_BYTES, read_text, text_of, unpacked_suffix
from mepflow.storage.packings import ENDS

KINDS: Final = {
    ".xyz": "xyz",
    ".extxyz": "xyz",
    ".sdf": "sdf",
    ".mol": "sdf",
    ".smi": "smiles",
    ".smiles": "smiles",
    ".mol2": "mol2",
    ".pdb": "pdb",
}
"""Kind of each structure file, by the end of its name."""
STANDARD_INPUT: Final = "-"
_WILD: Final = re.compile(r"[*?\[]")
_MOL_BLOCK: Final = re.compile(r"^M  END", re.MULTILINE)


@dataclass(frozen=True)
class InputFile:
    """A structure file, or the standard input, of which ``content`` has been read.

    ``stem`` is the name of its molecules where they have none.
    """

    path: Path
    stem: str
    content: bytes | None = None

    def text(self) -> str:
        """Return the text; raises :class:`InputError`."""
        return read_text(self.path) if self.content is None else text_of(self.content, self.path)

    def digest(self) -> str:
        """Return the SHA-256 of the content, nothing for what cannot be read."""
        if self.content is not None:
            return hashlib.sha256(self.content).hexdigest()
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return ""

    def kind_of(self, text: str) -> str:
        """Return the kind of the file: by its name, that of the standard input by its text."""
        if self.content is None:
            return KINDS[unpacked_suffix(self.path)]
        first = text.lstrip().partition("\n")[0].strip()
        if first.isdecimal():
            return "xyz"
        return "sdf" if _MOL_BLOCK.search(text) else "smiles"


def input_files(names: Sequence[str]) -> list[InputFile]:
    """Return the files that ``names`` stand for, in their order; those of a folder are sorted.

    A folder stands for the structure files in it, not for those of its folders; a name with ``*``,
    ``?`` or ``[`` that is no file's stands for all that it matches, and ``-`` for the standard
    input. Raises :class:`InputError` where there is no such file.
    """
    return [file for name in names for file in _files_of(name)]


def _files_of(name: str) -> Iterator[InputFile]:
    path = Path(name)
    if name == STANDARD_INPUT:
        content = sys.stdin.buffer.read(MOST_BYTES + 1)
        yield InputFile(Path("the standard input"), "molecule", content)
    elif path.is_dir():
        yield from _files_in(path)
    elif _WILD.search(name) and not path.exists():
        found = sorted(glob.glob(name))  # noqa: PTH207, it may be absolute
        if not found:
            raise InputError(f"No file matches {name}: correct the pattern.")
        for match in found:
            yield from _files_of(match)
    else:
        yield _checked(path)


def _files_in(folder: Path) -> Iterator[InputFile]:
    found = sorted(file for file in folder.iterdir() if unpacked_suffix(file) in KINDS)
    if not found:
        raise InputError(f"{folder} holds no structure file ({', '.join(KINDS)}): name another.")
    yield from map(_named, found)


def _checked(path: Path) -> InputFile:
    if unpacked_suffix(path) not in KINDS:
        raise InputError(
            f"{path} is not a structure file by its name: use {', '.join(KINDS)} (also packed, "
            f"{', '.join(ENDS)}), or give a SMILES with --smiles."
        )
    if not path.exists():
        raise InputError(f"{path} cannot be read (No such file or directory): correct its name.")
    return _named(path)


def _named(path: Path) -> InputFile:
    return InputFile(path, path.name[: path.name.lower().rfind(unpacked_suffix(path))])
