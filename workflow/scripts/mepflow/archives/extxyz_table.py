"""Frames of extended XYZ as the molecule table of an archive, and what was rejected of them."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from mepflow.archives.connectivity import connectivity_name
from mepflow.archives.extxyz import Frame, read_frames
from mepflow.archives.extxyz_labels import FrameLabels
from mepflow.archives.labelled import COLUMN_OF_LABEL
from mepflow.archives.molecule_writer import open_writer
from mepflow.archives.rejected_records import (
    LARGEST_CHARGE,
    RecordError,
    Rejected,
    nothing_left,
    write_rejected,
)
from mepflow.archives.species import Species, read_species
from mepflow.errors import InputError
from mepflow.molecules import FloatArray, Molecule, MoleculeTable
from mepflow.units import ANGSTROM_IN_BOHR

logger = logging.getLogger(__name__)

_ADVICE: Final = "check the archive's keys and units"

_LONGEST_ID: Final = 200
_BLOCK_ATOMS: Final = 50_000
"""Atoms that are collected before they are written; they take some 20 MB."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A frame as a molecule with its labels in atomic units."""

    molecule: Molecule
    species: Species
    labels: Mapping[str, FloatArray]


def read_archive(
    archive: Path,
    table_path: Path,
    rejected_path: Path,
    expected_records: int | None = None,
    labels: Sequence[str] = (),
    **settings: Any,
) -> None:
    """Write the molecules of a file in the order of its frames, and what was rejected.

    ``labels`` and the other settings are those of
    :class:`~mepflow.archives.extxyz_labels.FrameLabels`. A row's id is the pair ``id`` of its
    frame, or ``frame-`` with the frame's number from 1; its SMILES and total charge are the pairs
    ``smiles`` and ``total_charge`` or ``charge``. The CSV has the columns record, id, reason: a row
    per rejected frame, named by its first line. What is in memory at a time is a few thousand
    frames, whatever the size of the file.

    Raises :class:`InputError` where the file is damaged, is no extended XYZ, holds no usable frame,
    or another number of frames than ``expected_records``, and :class:`ConfigError` where the
    settings do not fit together; it writes nothing then.
    """
    how = FrameLabels(labels, **settings)
    rejected: list[Rejected] = []
    rows = 0
    with open_writer(table_path) as writer:
        for block in _blocks(_entries(archive, how, expected_records, rejected)):
            writer.append(_table(block, labels, archive))
            rows += len(block)
        if not rows:
            raise InputError(nothing_left(archive, rejected, "frame", _ADVICE))
        write_rejected(rejected, rejected_path)
    logger.info("%s: %d frames taken, %d rejected", archive, rows, len(rejected))


def _entries(
    archive: Path, how: FrameLabels, expected: int | None, rejected: list[Rejected]
) -> Iterator[_Entry]:
    """Yield the usable frames; what is rejected goes into the list."""
    line_of: dict[str, int] = {}
    count = 0
    bar = tqdm(read_frames(archive), total=expected, unit=" frames", disable=None)
    for count, item in enumerate(bar, start=1):
        if expected is not None and count > expected:
            raise InputError(_wrong_count(archive, f"more than {expected}", expected))
        if isinstance(item, Rejected):
            rejected.append(item)
            continue
        key = ""
        try:
            key = _id(how.text(item, "id"), count)
            if key in line_of:
                raise RecordError(f"its id {key} is also that of the frame in line {line_of[key]}")
            entry = _entry(item, key, how)
        except RecordError as error:
            rejected.append(Rejected(f"line {item.line}", key, str(error)))
        else:
            line_of[key] = item.line
            yield entry
    if expected is not None and count != expected:
        raise InputError(_wrong_count(archive, str(count), expected))


def _wrong_count(archive: Path, found: str, expected: int) -> str:
    return (
        f"{archive} holds {found} frames instead of {expected}: fetch it again, or correct"
        " `records` of the archive."
    )


def _blocks(entries: Iterator[_Entry]) -> Iterator[list[_Entry]]:
    block: list[_Entry] = []
    atoms = 0
    for entry in entries:
        block.append(entry)
        atoms += len(entry.molecule)
        if atoms >= _BLOCK_ATOMS:
            yield block
            block, atoms = [], 0
    if block:
        yield block


def _id(value: Any, number: int) -> str:
    """Return a frame's key; raises :class:`RecordError` where the given one cannot be one."""
    if value is None:
        return f"frame-{number:06d}"
    is_key = isinstance(value, str | int | np.integer) and not isinstance(value, bool)
    key = str(value)
    if not is_key or not key or not key.isprintable() or len(key) > _LONGEST_ID:
        raise RecordError(f"its id is no printable text of up to {_LONGEST_ID} characters")
    return key


def _entry(frame: Frame, key: str, how: FrameLabels) -> _Entry:
    species = _species(frame, how)
    molecule = Molecule(
        key,
        frame.atomic_numbers,
        frame.positions * ANGSTROM_IN_BOHR,
        species.total_charge,
        species.smiles,
    )
    return _Entry(molecule, species, how.of(frame, species.total_charge))


def _species(frame: Frame, how: FrameLabels) -> Species:
    """Return what is known of the molecule: from its SMILES, or from its geometry and charge."""
    charge = _charge(how.text(frame, "charge"))
    smiles = how.text(frame, "smiles")
    if smiles is None:
        total = charge or 0
        is_odd = (int(frame.atomic_numbers.sum(dtype=np.int64)) - total) % 2
        name = connectivity_name(frame.atomic_numbers, frame.positions)
        return Species("", name, total, is_odd)
    # ASE takes the SMILES of hydrogen fluoride for "false".
    text = "F" if smiles is False else smiles
    if not isinstance(text, str):
        raise RecordError("its smiles is no text")
    species = read_species(text, frame.atomic_numbers.tolist())
    if charge is not None and charge != species.total_charge:
        raise RecordError(f"its charge is {charge} e, that of its SMILES {species.total_charge} e")
    return species


def _charge(value: Any) -> int | None:
    if value is None:
        return None
    is_number = isinstance(value, int | float | np.integer | np.floating)
    if not is_number or isinstance(value, bool) or not abs(value) <= LARGEST_CHARGE:
        raise RecordError(f"its total charge is no number up to {LARGEST_CHARGE}")
    if value != round(value):
        raise RecordError(f"its total charge is {value:g} e, not a whole number")
    return int(value)


def _table(block: Sequence[_Entry], labels: Sequence[str], archive: Path) -> MoleculeTable:
    properties: dict[str, Sequence[npt.ArrayLike]] = {
        COLUMN_OF_LABEL[label]: [entry.labels[label] for entry in block]
        for label in labels
        if label != "forces"
    }
    if "dipole" in labels:
        norms = [np.linalg.norm(entry.labels["dipole"]) for entry in block]
        properties["archive_dipole_norm"] = norms
    if "forces" in labels:
        gradients = [-entry.labels["forces"] for entry in block]
        properties["archive_gradient"] = gradients
        properties["archive_largest_force"] = [np.abs(one).max() for one in gradients]
    properties["archive_radical_electrons"] = [entry.species.radical_electrons for entry in block]
    table = MoleculeTable.from_molecules(
        [entry.molecule for entry in block], properties, metadata={"archive": archive.name}
    )
    return table.with_texts(
        archive_group=table.ids, molecule=[entry.species.molecule for entry in block]
    )
