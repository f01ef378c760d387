"""Which tables and figures a run makes, and what those with little room show.

The names are those of the lists ``tables.written`` and ``figures.drawn`` of the configuration;
rules offer the files. Only the standard library is imported.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from mepflow.errors import SettingError, choice
from mepflow.naming import FLOORS
from mepflow.runs.training_rows import seeds_of

Config = Mapping[str, Any]
Offers = Mapping[str, Mapping[str, Sequence[str]]]
"""Files by the name of a table or figure and by dataset."""

BREAKDOWNS: Final = ("distance", "element", "group")
"""What the table of where the MEP is wrong breaks errors down by; a figure each."""
_PARTS: Final = (
    *("transfer", "learning_curve", "uncertainty", "energies"),
    *("aromatics", "mep_penetration", "mep_distance", "extrema"),
)
"""Parts that a study asks for by the name of their table or figure, with rules of their own."""


_OF_MOMENTS: Final = (
    *("filters", "multipoles", "energies", "trade_off", "labels", "agreement"),
    *("filter_funnel", "training_curves", "multipole_parity", "energy_parity", "energy_sizes"),
)
"""Tables and figures of datasets without a potential, too."""


def datasets_of(config: Config, name: str) -> list[str]:
    """Return the datasets that a table or figure can be of: most need a potential."""
    rows = config["datasets"]
    return [dataset for dataset in rows if rows[dataset]["grids"] or name in _OF_MOMENTS]


def rules_files(config: Config) -> list[str]:
    """Return the names of the rules files that only some runs need, beside those of all.

    These are the studies and the parts that they ask for and that the datasets allow: a transfer
    needs two datasets, a learning curve one that is named for it, an uncertainty several seeds of
    all variants. A study may have no such file.
    """
    asked = {*config["tables"]["written"], *config["figures"]["drawn"]}
    seeds = [seeds_of(config, variant) for variant in config["training"]["variants"]]
    is_possible = {
        "transfer": len(config["datasets"]) > 1,
        "learning_curve": bool(config["learning_curve"]["datasets"]),
        "uncertainty": all(len(of_variant) > 1 for of_variant in seeds),
    }
    parts = [part for part in _PARTS if part in asked and is_possible.get(part, True)]
    return list(dict.fromkeys([*parts, *config["studies"]]))  # energies are a study, too


def wanted_files(
    offers: Offers, names: Iterable[str], datasets: Iterable[str], place: str
) -> list[str]:
    """Return the files of the named tables or figures, dataset by dataset.

    ``place`` is where the names stand in the configuration. Raises :class:`SettingError` for a name
    that no rule offers.
    """
    wanted = list(names)
    known = {*offers, *_PARTS}
    for number, name in enumerate(wanted):
        if name not in known:
            keys: list[str | int] = [*place.split("."), number]
            raise SettingError(keys, f"no rule makes {name!r}; {choice(name, known)}")
    return [
        file
        for dataset in datasets
        for name in wanted
        for file in offers.get(name, {}).get(dataset, [])
    ]


def picture_grid(config: Config, dataset: str, kind: str) -> str | None:
    """Return the first grid of a dataset that is of a kind for pictures, or None."""
    names = config["datasets"][dataset]["grids"]
    return next((name for name in names if config["grids"][name]["kind"] == kind), None)


def pictured(config: Config, dataset: str, kind: str) -> list[str]:
    """Return the showcase molecules of a dataset that has a grid of a kind for pictures."""
    if picture_grid(config, dataset, kind) is None:
        return []
    return list(config["datasets"][dataset]["split"]["showcase"])


def picture_name(molecule_id: str) -> str:
    """Return what files with a molecule's picture are called: its id, without awkward signs.

    A colon, for one, which ids of conformers hold, is no part of a file's name on every system.
    """
    return re.sub(r"[^\w.+-]+", "_", molecule_id)


def picture_names(config: Config, dataset: str, kind: str) -> dict[str, str]:
    """Return the molecules of :func:`pictured` by the names of their pictures."""
    return {picture_name(molecule): molecule for molecule in pictured(config, dataset, kind)}


def check_picture_names(showcase: Sequence[str], place: Sequence[str]) -> None:
    """Raise :class:`SettingError` where the pictures of two molecules would have one name.

    ``showcase`` are their ids, ``place`` says where they stand in the configuration.
    """
    names: dict[str, str] = {}
    for number, molecule in enumerate(showcase):
        other = names.setdefault(picture_name(molecule), molecule)
        if other != molecule:
            problem = f"the pictures of {other} and {molecule} would have one name; leave one out"
            raise SettingError([*place, number], problem)


def floors(config: Config, dataset: str) -> list[str]:
    """Return the baselines of a dataset that no atomic terms of their kind can undercut."""
    return [name for name in config["datasets"][dataset]["baselines"] if name in FLOORS]


def drawn_representations(config: Config, dataset: str) -> list[str]:
    """Return what figures with little room show: the showcase variants and the fitted floors."""
    return list(config["figures"]["showcase_variants"]) + floors(config, dataset)
