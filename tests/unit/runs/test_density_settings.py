"""Names in the section ``densities`` are checked before anything runs."""

import copy
from typing import Any

import pytest

from mepflow.errors import SettingError
from mepflow.runs.density_settings import (
    check_densities,
    density_bases,
    density_training,
    density_value,
)
from mepflow.runs.studies import complete_config

ARCHIVES = {"labels": {"format": "labelled"}, "other": {"format": "qm9"}}
CONFIG: dict[str, Any] = {
    "grids": {"mk": {"kind": "shells"}, "flat": {"kind": "plane"}},
    "density_networks": {"small": {}},
    "datasets": {"ethanol": {"archive": "labels", "labels": "archive", "grids": ["mk"]}},
    "densities": {
        "network": "small",
        "potential_grid": "mk",
        "compared": 12,
        "compared_grids": ["mk"],
        "plane": "flat",
        "auxiliary_basis": "jkfit",
        "compared_bases": ["jkfit", "qz"],
        "seeds": [1, 2],
        "training": {"steps": 100, "loss": "coulomb"},
        "models": {
            "density": {},
            "density-jfit": {"auxiliary_basis": "jfit", "training": {"steps": 5}, "seeds": [3]},
        },
    },
}


def test_a_run_without_the_study_needs_nothing() -> None:
    check_densities({"datasets": {}}, {})
    check_densities(CONFIG, ARCHIVES)
    # All runs have the section of the definitions, few learn densities.
    shared = copy.deepcopy(CONFIG) | {
        "datasets": {"qm9": {"archive": "other", "labels": "computed", "grids": []}}
    }
    del shared["densities"]["compared"]
    check_densities(shared, ARCHIVES)
    with pytest.raises(SettingError, match="need a dataset"):
        check_densities(shared | {"dynamics": {}}, ARCHIVES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "smal"}, "did you mean small"),
        ({"compared_grids": ["mk", "chelp"]}, "there is no 'chelp' in grids"),
        ({"compared_grids": ["flat"]}, "none of compared_grids"),
        ({"plane": "mk"}, "'mk' is no grid of the kind plane"),
        ({"models": {"density": {"network": "smal"}}}, "did you mean small"),
        ({"models": {"other": {}}}, "it has no row density"),
    ],
)
def test_wrong_names_are_told(changes: dict[str, Any], message: str) -> None:
    config = copy.deepcopy(CONFIG)
    config["densities"] |= changes
    with pytest.raises(SettingError, match=message):
        check_densities(config, ARCHIVES)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"archive": "other"}, "need a dataset"),
        ({"labels": "computed"}, "need a dataset"),
        ({"grids": ["box"]}, "ethanol has no grid mk"),
    ],
)
def test_datasets_without_densities_are_told(row: dict[str, Any], message: str) -> None:
    config = copy.deepcopy(CONFIG)
    config["datasets"]["ethanol"] |= row
    with pytest.raises(SettingError, match=message):
        check_densities(config, ARCHIVES)


def test_a_miniature_leaves_out_what_its_study_sets_to_null() -> None:
    run = {"miniature": True, "datasets": {"qm9": {"archive": "a"}}}
    study = {"miniature": {"datasets": {"qm9": None, "ethanol": {"archive": "labels"}}}}
    config = complete_config({}, {"densities": study}, run)
    assert config["datasets"] == {"ethanol": {"archive": "labels"}}


def test_a_model_has_the_settings_of_the_section_but_for_its_own() -> None:
    section = CONFIG["densities"]
    assert density_training(section, "density") == {"steps": 100, "loss": "coulomb"}
    assert density_training(section, "density-jfit") == {"steps": 5, "loss": "coulomb"}
    seeds = [density_value(section, model, "seeds") for model in section["models"]]
    assert seeds == [[1, 2], [3]]
    assert density_bases(section) == ["jkfit", "jfit", "qz"]
