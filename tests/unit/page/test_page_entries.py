"""Cards of the page: which entries share one, and what it is called."""

from pathlib import Path

import matplotlib.image
import numpy as np

from mepflow.page.entries import groups
from mepflow.runs.plan import PageItem


def test_a_card_is_called_by_the_molecule_not_by_the_name_of_its_files(tmp_path: Path) -> None:
    items = []
    for kind in ("showcase", "surface"):
        name = f"{kind}_pyridine_0.png"
        matplotlib.image.imsave(tmp_path / name, np.full((4, 6, 3), 0.5))
        items.append(
            PageItem(
                file=name,
                csv=None,
                pdf=None,
                record=name,
                title=f"{kind} pyridine_0",
                category="Electrostatic potential",
                dataset="spice",
                caption="Of {{ snakemake.params.molecule }}.",
                wildcards={"dataset": "spice", "molecule": "pyridine_0"},
                params={"molecule": "pyridine:0"},
            )
        )
    (group,) = groups(items, {}, {"pyridine:0": "pyridine, C₅H₅N"}, tmp_path)
    (card,) = group.cards
    assert card.title == "pyridine, C₅H₅N"
    assert [entry.title for entry in card.entries] == ["showcase", "surface"]
    assert all("Of pyridine:0." in entry.caption for entry in card.entries)
