"""Names in the section ``dynamics`` are checked before anything runs."""

from copy import deepcopy
from typing import Any

import pytest

from mepflow.errors import SettingError
from mepflow.runs.contents import rules_files
from mepflow.runs.dynamics_checks import check_dynamics

CONFIG: dict[str, Any] = {
    "datasets": {"ethanol": {}},
    "training": {"variants": ["EFD", "E", "EF"]},
    "variants": {
        "EFD": {"loss_weights": {"energy": 1.0, "forces": 1.0, "dipole": 1.0}},
        "EF": {"loss_weights": {"energy": 1.0, "forces": 1.0}},
        "E": {"loss_weights": {"energy": 1.0, "dipole": 1.0, "forces": 0.0}},
    },
    "density_networks": {"near": {"cutoff_angstrom": 4.0}, "far": {"cutoff_angstrom": 5.0}},
    "densities": {"network": "near", "models": {"density": {}}},
    "density_energies": {
        "density": "density",
        "network": "near",
        "models": {"density-energy": {}, "geometry-energy": {"network": "near"}},
    },
    "dynamics": {
        "dataset": "ethanol",
        "model": "EFD",
        "spectrum": {"bands": {"OH": [3300, 4000]}},
    },
}


def test_a_run_without_the_study_needs_nothing() -> None:
    check_dynamics({})
    check_dynamics(CONFIG)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "ethanl"}, "dynamics.dataset: there is no 'ethanl' in the run; did you mean"),
        ({"model": "XY"}, "dynamics.model: there is no 'XY' in the run; choose among E, EF"),
        ({"model": "E"}, "dynamics.model: E learns no forces; give it a weight"),
        ({"model": "EF"}, "dynamics.model: EF learns no dipole; give it a weight"),
        ({"spectrum": {"bands": {"OH": [2, 1]}}}, "dynamics.spectrum.bands.OH: 2 to 1 is no band"),
    ],
)
def test_what_gives_no_dynamics_is_told(changes: dict[str, Any], message: str) -> None:
    config = deepcopy(CONFIG)
    config["dynamics"] |= changes
    with pytest.raises(SettingError, match=message):
        check_dynamics(config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"density": "densty"},
            "density_energies.density: there is no 'densty'; did you mean dens",
        ),
        ({"network": "ner"}, "density_energies.network: there is no 'ner' in density_networks"),
        (
            {"models": {"density-energy": {"network": "far"}}},
            "density_networks.far.cutoff_angstrom: the energy network density-energy must see as"
            " far as its density, 4.0 Å",
        ),
        ({"models": {"EF": {}}}, "density_energies.models.EF: a variant has this name, too"),
    ],
)
def test_energies_that_fit_no_density_are_told(changes: dict[str, Any], message: str) -> None:
    config = deepcopy(CONFIG)
    config["dynamics"]["model"] = "density-energy"
    check_dynamics(config)
    config["density_energies"] |= changes
    with pytest.raises(SettingError, match=message):
        check_dynamics(config)
    del config["densities"]
    with pytest.raises(SettingError, match="dynamics: it needs the section densities"):
        check_dynamics(config)


@pytest.mark.parametrize("studies", [["dynamics"], ["dynamics", "energies"]])
def test_the_table_of_energies_comes_with_its_rules_once(studies: list[str]) -> None:
    config = {
        "datasets": {"ethanol": {}},
        "studies": studies,
        "tables": {"written": ["energies", "dynamics"]},
        "figures": {"drawn": []},
        "learning_curve": {"datasets": []},
        "training": {"variants": ["EFD"], "seeds": [1]},
        "variants": {"EFD": {}},
    }
    assert sorted(rules_files(config)) == ["dynamics", "energies"]
