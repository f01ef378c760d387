"""A file of labels as a reference: the table that the format ``labelled`` reads."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mepflow.archives.label_columns import OF_THE_DENSITY
from mepflow.archives.label_set import LabelSet
from mepflow.archives.rejected_records import Rejected
from mepflow.errors import InputError
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import from_components, from_second_moment
from mepflow.storage.damage import DAMAGE, reason


def reference_of_labels(labels: LabelSet, grids: Sequence[str], path: Path) -> MoleculeTable:
    """Return a set of labels with its potentials on ``grids``, MBIS multipoles, gradient and split.

    A molecule's subset is its kind (neutral, cation, anion, zwitterion). ``path`` names the file in
    an :class:`InputError` about contents that do not fit together.
    """
    try:
        table = labels.to_table(tuple(grids))
        return table.with_properties(**_of_the_density(labels)).with_texts(
            archive_group=table.ids,
            archive_subset=labels.texts["kind"],
            archive_split=labels.texts["split"],
            molecule=labels.texts["smiles"],
        )
    except DAMAGE as error:
        raise InputError(f"{path} is damaged ({reason(error)}): fetch it again.") from error


def _of_the_density(labels: LabelSet) -> dict[str, npt.NDArray[np.float64]]:
    """Return the columns of reference tables that a set of moments alone does not have."""
    if labels.moments_alone:
        return {}
    columns = {name: labels.columns[name].astype(float) for name in OF_THE_DENSITY}
    second_moments = from_components(columns["mbis_second_moments"])
    return {
        "archive_gradient": columns["gradient"],
        "archive_mbis_charges": columns["mbis_charges"],
        "archive_mbis_dipoles": columns["mbis_dipoles"],
        "archive_mbis_quadrupoles": from_second_moment(second_moments),
    }


def failed_molecules(labels: LabelSet) -> list[Rejected]:
    """Return the molecules of a set whose calculation failed, with the reasons."""
    rows = zip(labels.failed["id"], labels.failed["reason"], strict=True)
    return [
        Rejected(f"failed {_printable(key)}", _printable(key), _printable(why)) for key, why in rows
    ]


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]
