"""What a dataset's section of the page shows: its tables and figures, a card for each.

Figures of one molecule, its potential in a plane and on its surface, share a card.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from mepflow.errors import MissingFileError
from mepflow.page.captions import caption_html
from mepflow.page.encoding import data_uri
from mepflow.page.page_tables import Table, read_tables
from mepflow.page.pictures import Picture, read_picture
from mepflow.runs.plan import PageItem

CATEGORIES: Final = ("Electrostatic potential", "Models", "Data", "Tables")
"""Categories in the order of the page: pictures before tables, the results before the data."""
_OPEN_TABLES: Final = ("mep",)
"""Tables that are unfolded at first."""


@dataclass(frozen=True)
class Entry:
    """A figure or the tables of a file, with its caption and what can be downloaded."""

    title: str
    anchor: str
    caption: Markup
    tables: Sequence[Table]
    picture: Picture | None
    is_open: bool
    files: Sequence[str]
    csv: Mapping[str, str] | None


@dataclass(frozen=True)
class Card:
    """One entry, or those of one molecule."""

    title: str
    anchor: str
    entries: Sequence[Entry]


@dataclass(frozen=True)
class Group:
    """The cards of a category."""

    title: str
    cards: Sequence[Card]


def groups(
    items: Iterable[PageItem],
    config: Mapping[str, Any],
    labels: Mapping[str, str],
    results: Path,
) -> list[Group]:
    """Return the cards of a dataset's items by category.

    ``labels`` are what molecules are called, by id. Raises :class:`InputError` where a file is
    missing or is not what it should be.
    """
    found: dict[str, dict[str, list[PageItem]]] = {}
    for item in sorted(items, key=_rank):
        key = item.wildcards.get("molecule", item.file)
        found.setdefault(item.category, {}).setdefault(key, []).append(item)
    return [
        Group(category, [_card(items, config, labels, results) for items in cards.values()])
        for category, cards in found.items()
    ]


def _rank(item: PageItem) -> tuple[int, bool]:
    """Return the place of an item: its category, an open table first; the others as they come."""
    known = item.category in CATEGORIES
    place = CATEGORIES.index(item.category) if known else len(CATEGORIES) - 1
    return place, not (item.file.endswith(".md") and Path(item.file).stem in _OPEN_TABLES)


def _card(
    items: Sequence[PageItem], config: Mapping[str, Any], labels: Mapping[str, str], results: Path
) -> Card:
    entries = [_entry(item, config, results) for item in items]
    picture = items[0].wildcards.get("molecule")
    if picture is None:
        return Card(entries[0].title, entries[0].anchor, entries)
    # The wildcard is the molecule's name in files, from which its id may differ.
    molecule = str(items[0].params.get("molecule", picture))
    dataset = items[0].dataset
    return Card(labels.get(molecule, molecule), anchor(f"{dataset}-molecule-{picture}"), entries)


def _entry(item: PageItem, config: Mapping[str, Any], results: Path) -> Entry:
    path = results / item.file
    csv = results / item.csv if item.csv else None
    is_table = path.suffix == ".md"
    try:
        return Entry(
            title=_tab_title(item) if "molecule" in item.wildcards else item.title,
            anchor=anchor(item.file),
            caption=caption_html(item.caption, config, item.wildcards, item.params),
            tables=read_tables(path) if is_table else [],
            picture=None if is_table else read_picture(path, is_map="molecule" in item.wildcards),
            is_open=path.stem in _OPEN_TABLES,
            files=[name for name in (item.csv, item.pdf) if name],
            csv={
                "name": _download_name(csv.relative_to(results)),
                "uri": data_uri(csv.read_bytes(), "text/csv"),
            }
            if csv
            else None,
        )
    except FileNotFoundError as error:
        raise MissingFileError(error.filename) from None


def _tab_title(item: PageItem) -> str:
    """Return the kind of a molecule's picture: what its title says before the molecule."""
    return item.title.removesuffix(item.wildcards["molecule"]).strip() or item.title


def _download_name(path: Path) -> str:
    """Return ``qm9-mep.csv`` for ``qm9/tables/mep.csv``: downloads of datasets must not clash."""
    parts = path.parts
    return "-".join((parts[0], parts[-1]))


def anchor(text: str) -> str:
    """Return a text as the name of a place on the page."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-").lower()
