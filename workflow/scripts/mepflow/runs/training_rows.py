"""The rows that decide a training: those of its dataset and run, with what its variant overrides.

A row of ``variants`` says what a model is; its keys ``network`` and ``training`` say how it is made
and stand above the dataset's network and the run's training settings.
"""

from collections.abc import Mapping
from typing import Any, Final

from mepflow.models.targets import DEFAULT_TASK, MODELS, TASKS
from mepflow.models.variants import Variant
from mepflow.nn import networks
from mepflow.nn.networks import DEFAULT_KIND

Config = Mapping[str, Any]
_OVERRIDES: Final = ("network", "training")
_ALL_TRAININGS: Final = ("variants", "seeds", "seeds_together")
"""Keys of ``training`` that say which trainings there are and which share a job."""
_START: Final = "start_from"
"""Key of ``training`` that is a file of input, and no setting."""


def variant_row(config: Config, variant: str) -> dict[str, Any]:
    """Return what a variant is, for :meth:`mepflow.models.variants.Variant.from_row`."""
    row = config["variants"][variant]
    return {key: value for key, value in row.items() if key not in _OVERRIDES}


def network_row(config: Config, dataset: str, variant: str) -> dict[str, Any]:
    """Return the row of the network of a variant on a dataset."""
    name = config["variants"][variant].get("network", config["datasets"][dataset]["network"])
    return dict(config["networks"][name])


def training_row(config: Config, variant: str) -> dict[str, Any]:
    """Return the settings of a variant's trainings."""
    settings = _settings(config, variant)
    return {k: v for k, v in settings.items() if k not in (*_ALL_TRAININGS, _START)}


def _settings(config: Config, variant: str) -> dict[str, Any]:
    return {**config["training"], **config["variants"][variant].get("training", {})}


def start_file(config: Config, variant: str, seed: int) -> str | None:
    """Return the path of the model that a training starts from, if it does from one."""
    path = _settings(config, variant).get(_START)
    return None if path is None else str(path).replace("{seed}", str(seed))


def seeds_of(config: Config, variant: str) -> list[int]:
    """Return the seeds of a variant: its own, or those of the run."""
    own = config["variants"][variant].get("training", {})
    return list(own.get("seeds", config["training"]["seeds"]))


def with_run_seeds(config: Config) -> list[str]:
    """Return the trained variants that have the seeds of the run, and not their own."""
    rows = config["variants"]
    return [v for v in config["training"]["variants"] if "seeds" not in rows[v].get("training", {})]


def network_module(config: Config, dataset: str, variant: str) -> str:
    """Return the module that a training finds by the kind of its network.

    Raises :class:`~mepflow.errors.ConfigError` where there is none.
    """
    return networks.network_module(network_row(config, dataset, variant).get("kind", DEFAULT_KIND))


def prediction_modules(config: Config, dataset: str) -> list[str]:
    """Return the modules that predictions of all models of a dataset find by their names.

    These are the networks', and those of models that do more than every one does.
    """
    trained = config["training"]["variants"]
    networks_of = {network_module(config, dataset, variant) for variant in trained}
    tasks = {Variant.from_row(v, variant_row(config, v)).task for v in trained}
    return sorted(networks_of | {MODELS[task] for task in tasks if task != DEFAULT_TASK})


def learns_forces(config: Config, variant: str) -> bool:
    """Return whether a variant learns forces, and so gives a surface for a dynamics."""
    return bool(config["variants"][variant]["loss_weights"].get("forces"))


def task_module(config: Config, variant: str) -> str:
    """Return the module that a training finds by the targets of its variant."""
    return TASKS[Variant.from_row(variant, variant_row(config, variant)).task]
