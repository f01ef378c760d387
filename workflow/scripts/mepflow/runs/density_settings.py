"""Checks of the section ``densities`` that a schema cannot make. Standard library only."""

from collections.abc import Mapping
from typing import Any

from mepflow.errors import SettingError, choice, shown
from mepflow.runs.archive_labels import has_densities

Config = Mapping[str, Any]


def check_densities(config: Config, archives: Config) -> None:
    """Raise :class:`SettingError` where a name is unknown or no dataset has densities to learn."""
    row = config.get("densities")
    if row is None:
        return
    networks = config.get("density_networks", {})
    if row["network"] not in networks:
        problem = f"there is no {shown(row['network'])} in density_networks"
        raise SettingError(
            ["densities", "network"], f"{problem}; {choice(row['network'], networks)}"
        )
    for number, grid in enumerate(row["compared_grids"]):
        if grid not in config["grids"]:
            problem = f"there is no {shown(grid)} in grids; {choice(grid, config['grids'])}"
            raise SettingError(["densities", "compared_grids", number], problem)
    plane = row["plane"]
    if config["grids"].get(plane, {}).get("kind") != "plane":
        raise SettingError(["densities", "plane"], f"{shown(plane)} is no grid of the kind plane")
    if row["potential_grid"] not in row["compared_grids"]:
        problem = f"it is none of compared_grids ({', '.join(row['compared_grids'])}); add it there"
        raise SettingError(["densities", "potential_grid"], problem)
    able = [name for name in config["datasets"] if has_densities(config, archives, name)]
    if not able:
        raise SettingError(
            ["studies"],
            "the study densities needs a dataset with `labels: archive` whose archive is a file of"
            " labels with density coefficients, such as ethanol-pbe; add one to datasets",
        )
    for name in able:
        if row["potential_grid"] not in config["datasets"][name]["grids"]:
            problem = f"the dataset {name} has no grid {row['potential_grid']}; add it to its grids"
            raise SettingError(["densities", "potential_grid"], problem)
