"""The split of a dataset's candidates: by a hash of their names, or the archive's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mepflow.errors import ConfigError
from mepflow.molecules import MoleculeTable
from mepflow.selection.splits import archive_splits, make_splits, write_splits


def split_candidates(candidates: Path, split: Mapping[str, Any], output: Path) -> None:
    """Write the split of a table of candidates; ``split`` is that section of a dataset.

    Conformers of a molecule stay together, unless it says ``by: structure``. With ``by: size`` the
    largest molecules, counted by atoms, are the test set.

    Raises what :func:`~mepflow.selection.splits.make_splits` and
    :func:`~mepflow.selection.splits.archive_splits` raise, and :class:`ConfigError` where the
    archive has no split of its own and ``from_archive`` asks for it.
    """
    table = MoleculeTable.load(candidates)
    by_structure = split.get("by") == "structure"
    molecules = None if by_structure else table.texts.get("molecule")
    if not split["from_archive"]:
        keys = {key: value for key, value in split.items() if key not in ("from_archive", "by")}
        sizes = np.diff(table.atom_offsets).tolist() if split.get("by") == "size" else None
        write_splits(make_splits(table.ids, **keys, molecules=molecules, sizes=sizes), output)
        return
    sets = table.texts.get("archive_split")
    if sets is None:
        raise ConfigError(
            "split.from_archive is true, but this archive has no split of its own: set it to false."
        )
    write_splits(archive_splits(table.ids, sets, split["showcase"], molecules), output)
