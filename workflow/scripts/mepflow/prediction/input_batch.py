"""All structures of a call, in their order, each read when its turn comes."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from mepflow.errors import InputError
from mepflow.prediction.conformers import conformer_entries, conformer_entries_of_file
from mepflow.prediction.input_files import InputFile, input_files
from mepflow.prediction.input_records import Entry, Record
from mepflow.prediction.mol2_and_pdb import read_mol2, read_pdb
from mepflow.prediction.molecule_names import MoleculeNames
from mepflow.prediction.rdkit_records import from_smiles, read_sdf, read_smiles_file
from mepflow.prediction.structures import Structure, checked
from mepflow.prediction.text_files import shown
from mepflow.prediction.xyz import read_xyz

READERS: Final[dict[str, Callable[[str, str], Iterator[Entry]]]] = {
    "xyz": read_xyz,
    "sdf": read_sdf,
    "smiles": read_smiles_file,
    "mol2": read_mol2,
    "pdb": read_pdb,
}
"""Reader of each kind of file."""
_MOST_MOLECULES: Final = 100_000


@dataclass(frozen=True)
class Item:
    """A structure of a batch, and the name of its molecule where its input gives none."""

    name: str
    entry: Entry


@dataclass(frozen=True)
class InputBatch:
    """Files and SMILES, the number of structures in each file, and the digest of their content."""

    files: tuple[InputFile, ...]
    smiles: tuple[str, ...]
    counts: tuple[int, ...]
    digest: str
    conformers: int = 1
    smiles_counts: tuple[int, ...] = ()

    def __len__(self) -> int:
        return sum(self.counts) + sum(self.smiles_counts)

    @classmethod
    def of(
        cls, files: Sequence[InputFile], smiles: Sequence[str] = (), conformers: int = 1
    ) -> "InputBatch":
        """Count the structures, a file at a time in memory; raises :class:`InputError`.

        Of each SMILES up to so many ``conformers`` are made.
        """
        parts = [part for file in files for part in (str(file.path), file.digest())]
        digest = hashlib.sha256("\0".join([*parts, *smiles, str(conformers)]).encode())
        counts = [sum(1 for _ in _entries(file, conformers)) for file in files]
        made = [len(_of_smiles(text, conformers)) for text in smiles]
        batch = cls(
            tuple(files), tuple(smiles), tuple(counts), digest.hexdigest(), conformers, tuple(made)
        )
        if len(batch) > _MOST_MOLECULES:
            raise InputError(f"There are more than {_MOST_MOLECULES} molecules: divide the files.")
        return batch

    def items(self, start: int = 0) -> Iterator[Item]:
        """Yield the structures from number ``start`` on."""
        return islice(self._all_items(), start, None)

    def _all_items(self) -> Iterator[Item]:
        for file, count in zip(self.files, self.counts, strict=True):
            for number, entry in enumerate(_entries(file, self.conformers), 1):
                yield Item(f"{file.stem}-{number}" if count > 1 else file.stem, entry)
        for text in self.smiles:
            notation = text.strip().partition(" ")[0]
            yield from (Item(notation, entry) for entry in _of_smiles(text, self.conformers))


def _of_smiles(text: str, conformers: int) -> list[Entry]:
    """Return the entries of a SMILES on the command line, which a name may follow."""
    notation, _, title = text.strip().partition(" ")
    place = f"--smiles {shown(notation)}"
    if conformers > 1:
        return list(conformer_entries(notation, place, title.strip(), conformers))
    return [Entry(place, partial(_one_of_smiles, notation, title.strip()))]


def _one_of_smiles(notation: str, title: str) -> Record:
    record = from_smiles(notation, "--smiles", title)
    return replace(record, place=f"--smiles {shown(notation)}")


def _entries(file: InputFile, conformers: int = 1) -> Iterator[Entry]:
    """Yield the structures of a file; one that cannot be read, or holds none, is a bad one."""
    name = str(file.path)
    try:
        text = file.text()
    except InputError as error:
        yield Entry.bad(name, error)
        return
    is_empty = True
    kind = file.kind_of(text)
    several = kind == "smiles" and conformers > 1
    found = (
        conformer_entries_of_file(text, name, conformers) if several else READERS[kind](text, name)
    )
    for entry in found:
        is_empty = False
        yield entry
    if is_empty:
        yield Entry.bad(name, InputError(f"{name} holds no structure: give a file with one."))


def read_structures(
    paths: Iterable[Path | str], smiles: Sequence[str] = (), total_charge: int | None = None
) -> list[Structure]:
    """Return all molecules of files and SMILES, in that order, with names of their own.

    A SMILES may be followed by a space and a name. A molecule without a name in its file has that
    of the file, with a number where there are several.

    ``total_charge`` in e is that of every molecule; without it a file's own counts, or 0.

    Raises :class:`InputError`, naming file and record, for what cannot be read or is no molecule.
    """
    batch = InputBatch.of(input_files([str(path) for path in paths]), smiles)
    names = MoleculeNames()
    return [read_item(item, names, total_charge) for item in batch.items()]


def read_item(item: Item, names: MoleculeNames, total_charge: int | None) -> Structure:
    """Return the molecule of an item with a name that none before has.

    Raises :class:`InputError` where it is no molecule, before or after a name is taken.
    """
    record = item.entry.read()
    return checked(record, names.take(record.title or item.name), total_charge)
