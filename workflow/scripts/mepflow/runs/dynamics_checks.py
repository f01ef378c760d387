"""Checks of the section ``dynamics`` that a schema cannot make. Standard library only."""

from collections.abc import Mapping
from typing import Any

from mepflow.errors import SettingError, choice, shown

Config = Mapping[str, Any]


def check_dynamics(config: Config) -> None:
    """Raise :class:`SettingError` where a name is unknown, or the variant gives no dynamics."""
    row = config.get("dynamics")
    if row is None:
        return
    names = {"dataset": config["datasets"], "variant": config["training"]["variants"]}
    for key, known in names.items():
        if row[key] not in known:
            problem = f"there is no {shown(row[key])} in the run; {choice(row[key], known)}"
            raise SettingError(["dynamics", key], problem)
    weights = config["variants"][row["variant"]]["loss_weights"]
    if not weights.get("forces"):
        problem = f"{row['variant']} learns no forces; give them a weight or name another variant"
        raise SettingError(["dynamics", "variant"], problem)
    if not weights.get("dipole"):
        problem = f"{row['variant']} learns no dipole; give it a weight or name another variant"
        raise SettingError(["dynamics", "variant"], problem)
    for name, (low, high) in row["spectrum"]["bands"].items():
        if low >= high:
            problem = f"{low} to {high} is no band; write its lower end first"
            raise SettingError(["dynamics", "spectrum", "bands", name], problem)
