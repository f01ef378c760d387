"""Checks of the sections ``dynamics`` and ``density_energies`` that a schema cannot make.

Standard library only.
"""

from collections.abc import Mapping
from typing import Any

from mepflow.errors import SettingError, choice, shown
from mepflow.runs.density_settings import density_value

Config = Mapping[str, Any]


def check_dynamics(config: Config) -> None:
    """Raise :class:`SettingError` where a name is unknown, or the model gives no dynamics."""
    row = config.get("dynamics")
    if row is None:
        return
    _check_energies(config)
    variants = config["training"]["variants"]
    energies = config["density_energies"]["models"]
    names = {"dataset": config["datasets"], "model": [*energies, *variants]}
    for key, known in names.items():
        if row[key] not in known:
            problem = f"there is no {shown(row[key])} in the run; {choice(row[key], known)}"
            raise SettingError(["dynamics", key], problem)
    if row["model"] not in energies:
        _check_variant(config, row["model"])
    for name, (low, high) in row["spectrum"]["bands"].items():
        if low >= high:
            problem = f"{low} to {high} is no band; write its lower end first"
            raise SettingError(["dynamics", "spectrum", "bands", name], problem)


def _check_variant(config: Config, name: str) -> None:
    weights = config["variants"][name]["loss_weights"]
    for target, what in (("forces", "forces"), ("dipole", "dipole")):
        if not weights.get(target):
            problem = f"{name} learns no {what}; give it a weight or name another model"
            raise SettingError(["dynamics", "model"], problem)


def _check_energies(config: Config) -> None:
    """Check the models of energies from a density, which the rules of a dynamics train."""
    for section in ("density_energies", "densities"):
        if section not in config:
            raise SettingError(["dynamics"], f"it needs the section {section}, which is not there")
    row, densities = config["density_energies"], config["densities"]
    density = row["density"]
    if density not in densities["models"]:
        problem = f"there is no {shown(density)}; {choice(density, densities['models'])}"
        raise SettingError(["density_energies", "density"], problem)
    networks = config["density_networks"]
    for name in row["models"]:
        if name in config["variants"]:
            problem = "a variant has this name, too; choose another"
            raise SettingError(["density_energies", "models", name], problem)
        network = density_value(row, name, "network")
        if network not in networks:
            problem = f"there is no {shown(network)} in density_networks"
            place = ["models", name, "network"] if "network" in row["models"][name] else ["network"]
            raise SettingError(
                ["density_energies", *place], f"{problem}; {choice(network, networks)}"
            )
        of_density = networks[density_value(densities, density, "network")]["cutoff_angstrom"]
        if networks[network]["cutoff_angstrom"] != of_density:
            raise SettingError(
                ["density_networks", network, "cutoff_angstrom"],
                f"the energy network {name} must see as far as its density, {of_density} Å",
            )
