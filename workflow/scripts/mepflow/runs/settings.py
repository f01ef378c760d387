"""The configuration as a whole: checks that a schema cannot make, and what follows from it.

Nothing outside the standard library is imported, directly or not: the workflow reads this whenever
it is parsed.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from mepflow.errors import ConfigError, StateError
from mepflow.models.variants import Variant
from mepflow.nn.networks import DEFAULT_KIND, NETWORKS
from mepflow.runs.archive_labels import check_labels, needs_no_calculation
from mepflow.runs.remedies import file_remedy
from mepflow.runs.training_rows import variant_row
from mepflow.storage.files import atomic_path
from mepflow.storage.versions import NewerVersionError, Upgrade, upgraded

Config = Mapping[str, Any]
RUN_RECORD: Final = "run.json"
"""File of the results folder that says to which run the folder belongs."""
RUN_RECORD_VERSION: Final = 1
"""Files without a version, as mepflow 0.1.0 wrote them, are of version 1."""
_RUN_RECORD_UPGRADES: Final[Mapping[int, Upgrade]] = {}


def check_references(config: Config, archives: Config) -> None:
    """Check that every name in the configuration is that of an existing row.

    Raises :class:`ConfigError` with the name, where it stands, and the names there are.
    """
    for name, dataset in config["datasets"].items():
        place = f"datasets.{name}"
        _require(dataset["archive"], archives, f"{place}.archive", "config/archives.yaml")
        _require(
            dataset["level_of_theory"],
            config["levels_of_theory"],
            f"{place}.level_of_theory",
            "levels_of_theory",
        )
        _require(dataset["network"], config["networks"], f"{place}.network", "networks")
        for grid in dataset["grids"]:
            _require(grid, config["grids"], f"{place}.grids", "grids")
        _require(dataset["headline_grid"], dataset["grids"], f"{place}.headline_grid", place)
        _check_headline_grid(config, name)
    trained = config["training"]["variants"]
    for variant in trained:
        _require(variant, config["variants"], "training.variants", "variants")
    _check_variants(config)
    for name in config["datasets"]:
        check_labels(config, archives, name)
    _check_learning_curve(config)
    for variant in config["figures"]["showcase_variants"]:
        _require(variant, trained, "figures.showcase_variants", "training.variants")


def _check_variants(config: Config) -> None:
    """Check names in the rows of variants and networks, and that there is a task for each variant.

    Raises :class:`ConfigError`.
    """
    for name, row in config["networks"].items():
        _require(row.get("kind", DEFAULT_KIND), NETWORKS, f"networks.{name}.kind", "the kinds")
    for name, row in config["variants"].items():
        if "network" in row:
            _require(row["network"], config["networks"], f"variants.{name}.network", "networks")
    for name in config["training"]["variants"]:
        variant = Variant.from_row(name, variant_row(config, name))
        for grid in variant.mep_grids:
            _check_learned_grid(config, grid, f"variants.{name}.mep_grids")


def _check_learned_grid(config: Config, grid: str, place: str) -> None:
    for dataset, row in config["datasets"].items():
        _require(grid, row["grids"], place, f"datasets.{dataset}.grids")
    if config["grids"][grid]["molecules"] != "all":
        raise ConfigError(
            f"{place}: the grid {grid!r} does not cover the molecules to train with; write"
            f" `molecules: all` in grids.{grid}."
        )


def _check_learning_curve(config: Config) -> None:
    curve = config["learning_curve"]
    if not curve["datasets"]:
        return
    for dataset in curve["datasets"]:
        _require(dataset, config["datasets"], "learning_curve.datasets", "datasets")
    for variant in curve["variants"]:
        trained = config["training"]["variants"]
        _require(variant, trained, "learning_curve.variants", "training.variants")
    for key in ("variants", "fractions"):
        if not curve[key]:
            raise ConfigError(f"learning_curve.{key} is empty: name some, or leave datasets empty.")


def _check_headline_grid(config: Config, dataset: str) -> None:
    grid = config["datasets"][dataset]["headline_grid"]
    if config["grids"][grid]["molecules"] not in ("test", "all"):
        raise ConfigError(
            f"datasets.{dataset}.headline_grid: the grid {grid!r} does not cover the test"
            " molecules; choose one whose `molecules` is test or all."
        )


def _require(name: str, rows: Iterable[str], place: str, where: str) -> None:
    known = list(rows)
    if name not in known:
        raise ConfigError(
            f"{place}: there is no {name!r} in {where}; choose one of {', '.join(sorted(known))}."
        )


def number_of_shards(config: Config, archives: Config, dataset: str) -> int:
    """Return into how many reference jobs a dataset is divided, known before anything runs."""
    row = config["datasets"][dataset]
    if needs_no_calculation(row, archives[row["archive"]]):
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


def run_record(config: Config) -> dict[str, Any]:
    """Return what identifies a run: its name and the archives of its datasets."""
    archives = {name: row["archive"] for name, row in config["datasets"].items()}
    return {"name": config["name"], "archives": archives}


def check_results_folder(config: Config) -> None:
    """Check that the results folder is new or belongs to this run.

    Raises :class:`StateError` where it belongs to another one.
    """
    path = Path(config["results"]) / RUN_RECORD
    if not path.exists():
        return
    try:
        content = dict(json.loads(path.read_text()))
        version = content.pop("format_version", 1)
        owner = upgraded(content, version, _RUN_RECORD_UPGRADES, RUN_RECORD_VERSION)
    except NewerVersionError as error:
        raise StateError(
            f"{path} is newer than this program ({error}): use the mepflow that wrote it, or set "
            "`results` to another folder."
        ) from error
    except (ValueError, TypeError, RecursionError):
        raise StateError(f"{path} is damaged: delete it and run again.") from None
    if owner != run_record(config):
        raise StateError(
            f"{path.parent} holds the results of run {owner.get('name')!r} with archives "
            f"{owner.get('archives')}, not of run {config['name']!r}: set `results` to another "
            "folder, or move that one away."
        )


def claim_results_folder(config: Config) -> None:
    """Write into the results folder to which run it belongs.

    Raises :class:`StateError` where nothing can be written there.
    """
    try:
        with atomic_path(Path(config["results"]) / RUN_RECORD) as path:
            content = {"format_version": RUN_RECORD_VERSION, **run_record(config)}
            path.write_text(json.dumps(content, indent=1) + "\n")
    except OSError as error:
        raise StateError(file_remedy(error) or str(error)) from error
