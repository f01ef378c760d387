"""On which grids the potential of a molecule is wanted: the configuration says it by split."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mepflow.selection.splits import read_splits


def wanted_grids(
    splits: Path, ids: Sequence[str], grids: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Mapping[str, Any]]]:
    """Return, for each molecule, the rows of the grids on which its MEP is wanted, by name."""
    table = read_splits(splits).set_index("id")
    wanted = []
    for identifier in ids:
        groups = {"all", str(table.at[identifier, "split"])}
        if table.at[identifier, "showcase"]:
            groups.add("showcase")
        wanted.append({name: row for name, row in grids.items() if row["molecules"] in groups})
    return wanted
