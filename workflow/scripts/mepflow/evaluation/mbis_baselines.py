"""Baselines from an archive's own atomic multipoles: MBIS, minimal basis iterative stockholder.

T. Verstraelen et al., J. Chem. Theory Comput. 12, 3894 (2016), doi:10.1021/acs.jctc.6b00456. They
partition the electron density and know nothing of the MEP. Not every molecule has them (ion pairs
often have not); a baseline leaves out those that lack what it needs.
"""

import logging
from pathlib import Path
from typing import Final

import numpy as np

from mepflow.electrostatics.atomic_terms import AtomicTerms
from mepflow.errors import InputError
from mepflow.molecules import MoleculeTable

MBIS_FIELDS: Final = (
    "archive_mbis_charges",
    "archive_mbis_dipoles",
    "archive_mbis_quadrupoles",
)
"""Columns of a table, from the lowest order to the highest."""
MBIS_BASELINES: Final[dict[str, int]] = {
    "mbis-charges": 1,
    "mbis-charges-dipoles": 2,
    "mbis-charges-dipoles-quadrupoles": 3,
}
"""Baselines, with the number of :data:`MBIS_FIELDS` that each needs."""
PARTIAL_BASELINES: Final = frozenset(MBIS_BASELINES)
"""Baselines that may cover fewer molecules than the models do."""

logger = logging.getLogger(__name__)


def with_mbis(table: MoleculeTable, baseline: str, source: Path) -> MoleculeTable:
    """Return the molecules of ``table`` that have all multipoles of a baseline.

    How many are left out, and the first of them, is logged. Raises :class:`InputError` where none
    is left; ``source`` is the table's file in the message.
    """
    needed = MBIS_FIELDS[: MBIS_BASELINES[baseline]]
    rows = []
    if all(name in table.properties for name in needed):
        rows = [row for row in range(len(table)) if _has(table, row, needed)]
    if not rows:
        raise InputError(
            f"{source}: no test molecule has what the baseline {baseline} needs: take it out of "
            "the dataset's baselines."
        )
    missing = sorted(set(range(len(table))) - set(rows))
    if missing:
        logger.warning(
            "%s: %d of %d test molecules have no MBIS multipoles and are left out, the first is %s",
            baseline,
            len(missing),
            len(table),
            table.ids[missing[0]],
        )
    return table.select(rows)


def mbis_terms(table: MoleculeTable, index: int, baseline: str) -> AtomicTerms:
    """Return the atomic multipoles of a baseline for the molecule in row ``index``."""
    needed = MBIS_FIELDS[: MBIS_BASELINES[baseline]]
    return AtomicTerms(*(table.property_of(name, index) for name in needed))


def _has(table: MoleculeTable, row: int, names: tuple[str, ...]) -> bool:
    return all(bool(np.isfinite(table.property_of(name, row)).all()) for name in names)
