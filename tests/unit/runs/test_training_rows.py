"""Rows of a training: what a variant puts above its dataset's network and the run's settings."""

import copy
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import mepflow
from mepflow.errors import ConfigError
from mepflow.models.targets import TASKS
from mepflow.nn.networks import NETWORKS, network_settings
from mepflow.runs import settings, training_rows

CONFIG: dict[str, Any] = {
    "datasets": {"qm9": {"network": "small"}},
    "networks": {"small": {"nodes": 16}, "wide": {"kind": "pinet2", "nodes": 64}},
    "variants": {
        "plain": {
            "atomic_terms": ["charges"],
            "loss_weights": {"dipole": 1.0},
            "quadrupole_from": "charges",
        },
    },
    "training": {"variants": ["plain"], "seeds": [1], "steps": 100, "schedule": {"kind": "cosine"}},
}
CONFIG["variants"]["own"] = CONFIG["variants"]["plain"] | {
    "network": "wide",
    "training": {"steps": 7, "schedule": {"kind": "constant"}},
}


def test_a_variant_without_overrides_has_the_rows_of_dataset_and_run() -> None:
    assert training_rows.variant_row(CONFIG, "plain") == CONFIG["variants"]["plain"]
    assert training_rows.network_row(CONFIG, "qm9", "plain") == {"nodes": 16}
    assert training_rows.training_row(CONFIG, "plain") == {
        "steps": 100,
        "schedule": {"kind": "cosine"},
    }


def test_a_variant_can_have_its_own_network_and_training() -> None:
    assert training_rows.variant_row(CONFIG, "own") == CONFIG["variants"]["plain"]
    assert training_rows.network_row(CONFIG, "qm9", "own") == {"kind": "pinet2", "nodes": 64}
    assert training_rows.training_row(CONFIG, "own") == {
        "steps": 7,
        "schedule": {"kind": "constant"},
    }


def test_a_start_is_a_file_for_each_seed_and_no_setting() -> None:
    started = CONFIG["variants"]["own"] | {"training": {"start_from": "models/{seed}.pt"}}
    config = CONFIG | {"variants": {**CONFIG["variants"], "started": started}}
    assert training_rows.start_file(config, "started", 3) == "models/3.pt"
    assert training_rows.start_file(config, "own", 3) is None
    assert training_rows.training_row(config, "started") == training_rows.training_row(
        config, "plain"
    )


def test_the_modules_of_a_training_are_found_by_name_and_not_imported() -> None:
    assert training_rows.network_module(CONFIG, "qm9", "plain") == NETWORKS["pinet2"]
    assert training_rows.prediction_modules(CONFIG, "qm9") == [NETWORKS["pinet2"]]
    assert training_rows.task_module(CONFIG, "own") == TASKS["multipoles"]
    script = "import sys, mepflow.runs.settings; print(sorted(sys.modules))"
    path = {"PYTHONPATH": str(Path(mepflow.__file__).parents[1])}
    loaded = subprocess.run(
        [sys.executable, "-c", script], env=path, capture_output=True, text=True, check=True
    ).stdout
    assert "'mepflow.models.variants'" in loaded
    for name in ("torch", "numpy", *NETWORKS.values(), *TASKS.values()):
        assert f"'{name}'" not in loaded, name


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_kind_of_network_has_what_the_registry_promises(kind: str) -> None:
    module = import_module(NETWORKS[kind])
    assert module.Settings.kind == kind
    assert {"from_dict", "to_dict", "check_size"} <= set(dir(module.Settings))
    assert hasattr(module.Network, "reset_parameters")


def test_an_unknown_kind_of_network_is_refused() -> None:
    with pytest.raises(ConfigError, match="network kind is 'schnet': use pinet2"):
        network_settings({"kind": "schnet", "elements": [1], "outputs": ["p1"]})


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("variants", "own", "network"), "huge", "variants.own.network: there is no 'huge'"),
        (("networks", "wide", "kind"), "schnet", "networks.wide.kind: there is no 'schnet' in"),
        (("variants", "plain", "loss_weights"), {"mep": 1.0}, "learns mep but on no grid"),
        (("variants", "plain", "loss_weights"), {"mass": 1.0}, "unknown target 'mass'"),
    ],
)
def test_a_row_that_cannot_be_trained_is_refused_before_anything_runs(
    path: tuple[str, ...], value: Any, said: str
) -> None:
    config = copy.deepcopy(CONFIG)
    row = config
    for key in path[:-1]:
        row = row[key]
    row[path[-1]] = value
    with pytest.raises(ConfigError) as caught:
        settings._check_variants(config, {})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
