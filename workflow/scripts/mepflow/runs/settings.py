"""The configuration as a whole: checks that a schema cannot make, and what follows from it.

Nothing outside the standard library is imported, directly or not: the workflow reads this whenever
it is parsed.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mepflow.elements import ATOMIC_NUMBERS
from mepflow.errors import SettingError, choice, shown
from mepflow.models.variants import Variant
from mepflow.nn.networks import DEFAULT_KIND, NETWORKS, rank_of, starts_at_zero
from mepflow.runs.archive_labels import (
    POTENTIAL,
    check_labels,
    held_labels,
    needs_no_calculation,
)
from mepflow.runs.contents import check_picture_names
from mepflow.runs.density_settings import check_densities
from mepflow.runs.dynamics_checks import check_dynamics
from mepflow.runs.training_rows import network_row, variant_row

Config = Mapping[str, Any]


def check_references(config: Config, archives: Config) -> None:
    """Check what a schema cannot: names of rows, element symbols, and numbers beside each other.

    Raises :class:`SettingError` with what is wrong, where it stands, and the names there are.
    """
    for name in config["datasets"]:
        _check_dataset(config, archives, name)
    trained = config["training"]["variants"]
    _require_all(trained, config["variants"], ["training", "variants"], "variants")
    _check_variants(config, archives)
    for name in config["datasets"]:
        check_labels(config, archives, name)
    _check_learning_curve(config)
    check_densities(config, archives)
    check_dynamics(config)
    showcase = config["figures"]["showcase_variants"]
    _require_all(showcase, trained, ["figures", "showcase_variants"], "training.variants")


def _check_dataset(config: Config, archives: Config, name: str) -> None:
    row = config["datasets"][name]
    place = ["datasets", name]
    _require(row["archive"], archives, [*place, "archive"], "config/archives.yaml")
    _require(row["network"], config["networks"], [*place, "network"], "networks")
    _check_level(config, archives, name)
    _require_all(row["grids"], config["grids"], [*place, "grids"], "grids")
    _check_headline_grid(config, name)
    for number, element in enumerate(row["filters"]["elements"]):
        if element not in ATOMIC_NUMBERS:
            meant = element.capitalize()
            hint = f"did you mean {meant}?" if meant in ATOMIC_NUMBERS else "write symbols as H, Cl"
            problem = f"{shown(element)} is no element up to xenon; {hint}"
            raise SettingError([*place, "filters", "elements", number], problem)
    _check_test_set(row["split"], archives[row["archive"]]["records"], [*place, "split"])
    check_picture_names(row["split"]["showcase"], [*place, "split", "showcase"])


def _check_level(config: Config, archives: Config, name: str) -> None:
    """Refuse a dataset without a level of theory where something is computed with it."""
    row = config["datasets"][name]
    level, place = row["level_of_theory"], ["datasets", name, "level_of_theory"]
    if level is not None:
        _require(level, config["levels_of_theory"], place, "levels_of_theory")
    elif _is_computed(row, archives):
        raise SettingError(place, "its molecules are computed; name a row of levels_of_theory")


def _is_computed(row: Config, archives: Config) -> bool:
    """Return whether reference calculations are made for a dataset (its row)."""
    archive = archives[row["archive"]]
    return "reference" not in archive and not needs_no_calculation(row, archive)


def _check_headline_grid(config: Config, name: str) -> None:
    row, place = config["datasets"][name], ["datasets", name, "headline_grid"]
    grid = row["headline_grid"]
    if grid is None and not row["grids"]:
        return
    _require(grid, row["grids"], place, f"datasets.{name}.grids")
    if config["grids"][grid]["molecules"] not in ("test", "all"):
        raise SettingError(
            place,
            f"the grid {grid!r} does not cover the test molecules; choose one whose `molecules` is"
            " test or all",
        )


def _check_test_set(split: Config, records: int, place: Sequence[str]) -> None:
    test = split["test"]
    if split["from_archive"] or test < 1:
        return
    if test != int(test):
        problem = f"{test} is no number of molecules; write a whole one, or a fraction below 1"
        raise SettingError([*place, "test"], problem)
    if test >= records:
        problem = f"{test} of the archive's {records} records leave none to train; lower it"
        raise SettingError([*place, "test"], problem)


def _check_variants(config: Config, archives: Config) -> None:
    """Check names in the rows of variants and networks, and that there is a task for each variant.

    Raises :class:`SettingError`, and :class:`~mepflow.errors.ConfigError` where no model can have
    what a variant says.
    """
    for name, row in config["networks"].items():
        kind = row.get("kind", DEFAULT_KIND)
        _require(kind, NETWORKS, ["networks", name, "kind"], "the kinds")
    for name, row in config["variants"].items():
        if "network" in row:
            _require(row["network"], config["networks"], ["variants", name, "network"], "networks")
    for name in config["training"]["variants"]:
        variant = Variant.from_row(name, variant_row(config, name))
        _check_rank(config, name, variant)
        _check_start(config, name, variant)
        for number, grid in enumerate(variant.mep_grids):
            _check_learned_grid(config, archives, grid, ["variants", name, "mep_grids", number])
        if variant.penetration:
            _check_penetration(config, ["variants", name, "penetration"])


def _check_rank(config: Config, name: str, variant: Variant) -> None:
    """Refuse atomic terms of a network that carries no vectors or matrices."""
    needed = {"dipoles": 3, "quadrupoles": 5}
    for dataset in config["datasets"]:
        rank = rank_of(network_row(config, dataset, name))
        for term in variant.atomic_terms:
            if rank < needed.get(term, 1):
                problem = (
                    f"its network on {dataset} has no {term}; add `network`, one of rank"
                    f" {needed[term]}"
                )
                raise SettingError(["variants", name, "atomic_terms"], problem)


def _check_start(config: Config, name: str, variant: Variant) -> None:
    """Refuse a training whose charges start at 0 and have no gradient there."""
    for dataset in config["datasets"]:
        if starts_at_zero(network_row(config, dataset, name)) and not variant.learns_from_zero:
            problem = (
                f"with its network on {dataset} all charges start at 0, where what it learns has no"
                " gradient; add `zero_start: false` to the network, or learn dipole or charges too"
            )
            raise SettingError(["variants", name, "loss_weights"], problem)


def _check_learned_grid(
    config: Config, archives: Config, grid: str, place: Sequence[str | int]
) -> None:
    for dataset, row in config["datasets"].items():
        _require(grid, row["grids"], place, f"datasets.{dataset}.grids")
        if computed_split(row) and POTENTIAL not in held_labels(archives[row["archive"]]):
            raise SettingError(
                place,
                f"the potential of {dataset} is computed for test molecules alone; write `labels:"
                f" computed` in datasets.{dataset}, name `potentials` of its archive, or"
                " leave the variant to runs without it",
            )
    if config["grids"][grid]["molecules"] != "all":
        raise SettingError(
            place,
            f"the grid {grid!r} does not cover the molecules to train with; write"
            f" `molecules: all` in grids.{grid}",
        )


def _check_penetration(config: Config, place: Sequence[str]) -> None:
    """Refuse penetration where a dataset may hold an element whose shell has no width."""
    for dataset, row in config["datasets"].items():
        widths = penetration_widths(config, dataset)
        missing = [element for element in row["filters"]["elements"] if element not in widths]
        if missing:
            level = config["levels_of_theory"].get(row["level_of_theory"]) or {}
            basis = level.get("basis")
            raise SettingError(
                place,
                f"{dataset} may hold {', '.join(missing)}, without a width in `penetration` for the"
                f" basis {basis}; fit one with tools/fit_penetration.py, or filter such molecules"
                " out",
            )


def _check_learning_curve(config: Config) -> None:
    curve = config["learning_curve"]
    if not curve["datasets"]:
        return
    place = "learning_curve"
    _require_all(curve["datasets"], config["datasets"], [place, "datasets"], "datasets")
    trained = config["training"]["variants"]
    _require_all(curve["variants"], trained, [place, "variants"], "training.variants")
    for key in ("variants", "fractions"):
        if not curve[key]:
            raise SettingError([place, key], "it is empty: name some, or leave datasets empty")


def _require_all(
    names: Sequence[str], rows: Iterable[str], place: Sequence[str], where: str
) -> None:
    known = list(rows)
    for number, name in enumerate(names):
        _require(name, known, [*place, number], where)


def _require(name: str, rows: Iterable[str], place: Sequence[str | int], where: str) -> None:
    known = list(rows)
    if name not in known:
        raise SettingError(place, f"there is no {name!r} in {where}; {choice(name, known)}")


def number_of_shards(config: Config, archives: Config, dataset: str) -> int:
    """Return into how many reference jobs a dataset is divided, known before anything runs."""
    row = config["datasets"][dataset]
    if not _is_computed(row, archives):
        return 0
    molecules = archives[row["archive"]]["records"]
    if row["labels"] == "archive":
        test = row["split"]["test"]
        molecules = math.ceil(test * molecules) if test < 1 else test
    shards: int = math.ceil(molecules / row["shard_size"])
    return shards


def computed_split(row: Config) -> str | None:
    """Return the split of a dataset (its row) that is computed, or None where all are."""
    return "test" if row["labels"] == "archive" else None


def grids_of(config: Config, dataset: str) -> dict[str, Any]:
    """Return the rows of the grids that are computed for a dataset."""
    return {name: config["grids"][name] for name in config["datasets"][dataset]["grids"]}


def penetration_widths(config: Config, dataset: str) -> dict[str, float]:
    """Return the widths of valence shells in the basis set of a dataset's level, if there are any.

    In bohr by element, see :mod:`mepflow.electrostatics.penetration`.
    """
    level = config["levels_of_theory"].get(config["datasets"][dataset]["level_of_theory"])
    return dict(config.get("penetration", {}).get(level["basis"], {})) if level else {}


def learned_widths(config: Config, dataset: str, variant: str) -> dict[str, float]:
    """Return :func:`penetration_widths` where a variant learns with penetration, else none."""
    learned = config["variants"][variant].get("penetration", False)
    return penetration_widths(config, dataset) if learned else {}
