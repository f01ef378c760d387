"""Rows of the section ``densities``, and checks that a schema cannot make. Standard library only.

A row of ``densities.models`` says what is different for a model: its keys stand above those of the
section.
"""

from collections.abc import Mapping
from typing import Any, Final

from mepflow.errors import SettingError, choice, shown
from mepflow.runs.archive_labels import has_densities

Config = Mapping[str, Any]
USUAL: Final = "density"
"""The model of the row without other settings, which is drawn and compared with multipoles."""


def density_training(densities: Config, model: str) -> dict[str, Any]:
    """Return the settings of a model's training from the section ``densities``."""
    return {**densities["training"], **densities["models"][model].get("training", {})}


def density_value(densities: Config, model: str, key: str) -> Any:
    """Return what a model's row says, or else the section: ``network``, ``seeds``, and so on."""
    return densities["models"][model].get(key, densities[key])


def density_bases(densities: Config) -> list[str]:
    """Return the names of all basis sets, the section's own first."""
    models = [density_value(densities, model, "auxiliary_basis") for model in densities["models"]]
    return list(
        dict.fromkeys([densities["auxiliary_basis"], *models, *densities.get("compared_bases", [])])
    )


def check_densities(config: Config, archives: Config) -> None:
    """Raise :class:`SettingError` where a name is unknown or no dataset has densities to learn.

    Runs whose studies learn no densities are not looked at.
    """
    row = config.get("densities", {})
    if "compared" not in row and "dynamics" not in config:
        return
    _check_models(row, config.get("density_networks", {}))
    if "compared" in row:
        _check_compared(row, config["grids"])
    able = [name for name in config["datasets"] if has_densities(config, archives, name)]
    if not able:
        raise SettingError(
            ["studies"],
            "the studies densities and dynamics need a dataset with `labels: archive` whose archive"
            " is a file of labels with density coefficients, such as ethanol-pbe; add one to"
            " datasets",
        )
    for name in able:
        if row["potential_grid"] not in config["datasets"][name]["grids"]:
            problem = f"the dataset {name} has no grid {row['potential_grid']}; add it to its grids"
            raise SettingError(["densities", "potential_grid"], problem)


def _check_compared(row: Config, grids: Config) -> None:
    for number, grid in enumerate(row["compared_grids"]):
        if grid not in grids:
            problem = f"there is no {shown(grid)} in grids; {choice(grid, grids)}"
            raise SettingError(["densities", "compared_grids", number], problem)
    plane = row["plane"]
    if grids.get(plane, {}).get("kind") != "plane":
        raise SettingError(["densities", "plane"], f"{shown(plane)} is no grid of the kind plane")
    if row["potential_grid"] not in row["compared_grids"]:
        problem = f"it is none of compared_grids ({', '.join(row['compared_grids'])}); add it there"
        raise SettingError(["densities", "potential_grid"], problem)


def _check_models(row: Config, networks: Config) -> None:
    places: list[tuple[list[str | int], str]] = [(["network"], row["network"])]
    for name, model in row["models"].items():
        if "network" in model:
            places.append((["models", name, "network"], model["network"]))
    for place, network in places:
        if network not in networks:
            problem = f"there is no {shown(network)} in density_networks"
            raise SettingError(["densities", *place], f"{problem}; {choice(network, networks)}")
    if USUAL not in row["models"]:
        raise SettingError(
            ["densities", "models"],
            f"it has no row {USUAL}, the model that figures draw; add `{USUAL}: {{}}`",
        )
