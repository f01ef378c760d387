"""The archive of SPICE as one molecule table and a list of the groups that were rejected."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy.typing as npt
from tqdm import tqdm

from mepflow.archives.hdf5 import open_file, root_links
from mepflow.archives.molecule_writer import open_writer
from mepflow.archives.rejected_records import Rejected, nothing_left, write_rejected
from mepflow.archives.spice import Conformer, Group, Selection, read_groups
from mepflow.errors import ConfigError, InputError
from mepflow.molecules import Molecule, MoleculeTable

logger = logging.getLogger(__name__)

_ADVICE: Final = "check that it is an archive of SPICE's format"

_LOG_INTERVAL: Final = 10_000
_BLOCK_ATOMS: Final = 50_000
"""Atoms that are collected before they are written; they take some 20 MB."""


def read_archive(
    archive: Path,
    table_path: Path,
    rejected_path: Path,
    expected_records: int | None = None,
    conformers: Selection = "lowest",
    gradients: bool = False,
) -> None:
    """Write the molecules of an archive, in the order of their groups, and what was rejected.

    ``conformers`` is ``lowest``, ``all`` or how many of the lowest energies are taken per group;
    with ``gradients`` the table has their whole gradients, too.
    The table has a row per conformer, with the ``archive_*`` fields and texts of
    :mod:`mepflow.molecules` that SPICE has; a row's id is the group's name, and ``name:number``
    where a group can have several. The CSV has the columns record, id, reason: a row per rejected
    group, and one per conformer for which another one was taken. What is in memory at a time is
    a few thousand conformers, whatever the size of the archive, and the names of its groups.

    Raises :class:`InputError` where the archive is damaged, holds no usable group, or holds
    another number of groups than ``expected_records``; it writes nothing then.
    """
    if not isinstance(conformers, str) and conformers < 1:
        raise ConfigError(f"conformers is {conformers}: give lowest, all or a number from 1.")
    is_numbered = conformers != "lowest"
    rejected: list[Rejected] = []
    rows = 0
    with open_file(archive) as file, open_writer(table_path) as writer:
        links = root_links(file)
        _check_count(len(links), archive, expected_records)
        groups = read_groups(file, links, conformers, gradients)
        items = _followed(groups, len(links), archive)
        for block in _blocks(items, rejected, is_numbered):
            writer.append(_table(block, archive, is_numbered))
            rows += len(block)
        if not rows:
            raise InputError(nothing_left(archive, rejected, "group", _ADVICE))
        write_rejected(rejected, rejected_path)
    logger.info("%s: %d conformers taken, %d records rejected", archive, rows, len(rejected))


def _check_count(found: int, archive: Path, expected: int | None) -> None:
    if expected is not None and found != expected:
        raise InputError(f"{archive} holds {found} groups instead of {expected}: fetch it again.")


def _followed(
    items: Iterable[Group | Rejected], total: int, archive: Path
) -> Iterator[Group | Rejected]:
    """Pass the items on, with a bar on the terminal and a line in the log now and then."""
    bar = tqdm(items, total=total, unit=" groups", disable=None)
    for count, item in enumerate(bar, start=1):
        yield item
        if count % _LOG_INTERVAL == 0:
            logger.info("%s: %d of %d groups read", archive, count, total)


def _blocks(
    items: Iterable[Group | Rejected], rejected: list[Rejected], is_numbered: bool
) -> Iterator[list[tuple[Group, Conformer]]]:
    """Yield the conformers in blocks of some size; what is rejected goes into the list."""
    block: list[tuple[Group, Conformer]] = []
    atoms = 0
    for item in items:
        if isinstance(item, Rejected):
            rejected.append(item)
            continue
        for number, reason in sorted(item.left_out.items()):
            name = f"{item.name}:{number}"
            rejected.append(Rejected(name, name if is_numbered else item.name, reason))
        block += [(item, conformer) for conformer in item.conformers]
        atoms += len(item.conformers) * len(item.atomic_numbers)
        if atoms >= _BLOCK_ATOMS:
            yield block
            block, atoms = [], 0
    if block:
        yield block


def _table(block: list[tuple[Group, Conformer]], archive: Path, is_numbered: bool) -> MoleculeTable:
    groups = [group for group, _ in block]
    conformers = [conformer for _, conformer in block]
    molecules = [
        Molecule(
            f"{group.name}:{conformer.number}" if is_numbered else group.name,
            group.atomic_numbers.astype("uint8"),
            conformer.positions,
            group.species.total_charge,
            group.species.smiles,
        )
        for group, conformer in block
    ]
    properties: dict[str, Sequence[npt.ArrayLike]] = {
        "archive_conformer": [conformer.number for conformer in conformers],
        "archive_energy": [conformer.energy for conformer in conformers],
        "archive_dipole": [conformer.dipole for conformer in conformers],
        "archive_quadrupole": [conformer.quadrupole for conformer in conformers],
        "archive_largest_force": [conformer.largest_force for conformer in conformers],
        "archive_radical_electrons": [group.species.radical_electrons for group in groups],
        "archive_mbis_charges": [conformer.mbis_charges for conformer in conformers],
        "archive_mbis_dipoles": [conformer.mbis_dipoles for conformer in conformers],
        "archive_mbis_quadrupoles": [conformer.mbis_quadrupoles for conformer in conformers],
    }
    # All conformers of a reading have a gradient, or none.
    if gradients := [one.gradient for one in conformers if one.gradient is not None]:
        properties["archive_gradient"] = gradients
    table = MoleculeTable.from_molecules(molecules, properties, metadata={"archive": archive.name})
    return table.with_texts(
        archive_group=[group.name for group in groups],
        archive_subset=[group.subset for group in groups],
        molecule=[group.species.molecule for group in groups],
    )
