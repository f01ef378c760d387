"""Which tables and figures a run makes."""

import copy
from typing import Any

import pytest

from mepflow.errors import ConfigError
from mepflow.runs import contents
from mepflow.runs.job_resources import gpus, growing, shard_minutes

CONFIG: dict[str, Any] = {
    "training": {"variants": ["AC-D"], "seeds": [1]},
    "variants": {"AC-D": {}},
    "studies": ["multipoles"],
    "tables": {"written": ["mep", "transfer"]},
    "figures": {"drawn": ["learning_curve", "mep"], "showcase_variants": ["AC-D"]},
    "learning_curve": {"datasets": ["one"]},
    "grids": {"mk": {"kind": "shells"}, "flat": {"kind": "plane"}, "flat2": {"kind": "plane"}},
    "datasets": {
        "one": {
            "grids": ["mk", "flat", "flat2"],
            "split": {"showcase": ["m1", "m2"]},
            "baselines": ["mulliken", "fitted-charges", "mbis-charges"],
        },
        "two": {"grids": ["mk"], "split": {"showcase": ["m3"]}, "baselines": ["mulliken"]},
    },
}


def test_parts_come_where_they_are_asked_for_and_possible() -> None:
    assert contents.rules_files(CONFIG) == ["transfer", "learning_curve", "multipoles"]
    single = CONFIG | {"datasets": {"one": CONFIG["datasets"]["one"]}}
    assert contents.rules_files(single) == ["learning_curve", "multipoles"]
    without = CONFIG | {"learning_curve": {"datasets": []}}
    assert contents.rules_files(without) == ["transfer", "multipoles"]
    unasked = copy.deepcopy(CONFIG)
    unasked["tables"]["written"] = ["mep"]
    assert contents.rules_files(unasked) == ["learning_curve", "multipoles"]
    asked = copy.deepcopy(CONFIG)
    asked["figures"]["drawn"].append("extrema")
    assert "extrema" in contents.rules_files(asked)
    asked["tables"]["written"].append("uncertainty")
    assert "uncertainty" not in contents.rules_files(asked)  # AC-D has one seed
    asked["variants"]["AC-D"]["training"] = {"seeds": [1, 2]}
    assert "uncertainty" in contents.rules_files(asked)


def test_files_are_in_the_order_of_datasets_and_names() -> None:
    offers = {"mep": {"one": ["1a", "1b"], "two": ["2"]}, "labels": {"two": ["2l"]}}
    found = contents.wanted_files(offers, ["labels", "mep", "transfer"], ["one", "two"], "here")
    assert found == ["1a", "1b", "2l", "2"]
    with pytest.raises(ConfigError, match=r"^here: no rule makes 'mop'; did you mean mep\?$"):
        contents.wanted_files(offers, ["mop"], ["one"], "here")


def test_pictures_need_a_grid_for_them() -> None:
    assert contents.picture_grid(CONFIG, "one", "plane") == "flat"
    assert contents.pictured(CONFIG, "one", "plane") == ["m1", "m2"]
    assert contents.picture_grid(CONFIG, "one", "surface") is None
    assert contents.pictured(CONFIG, "two", "plane") == []


def test_pictures_have_names_that_every_system_allows() -> None:
    row = {**CONFIG["datasets"]["one"], "split": {"showcase": ["pyridine:0", "C[N+](=O)", "m1"]}}
    config = {**CONFIG, "datasets": {"one": row}}
    names = {"pyridine_0": "pyridine:0", "C_N+_O_": "C[N+](=O)", "m1": "m1"}
    assert contents.picture_names(config, "one", "plane") == names
    assert contents.picture_names(config, "one", "surface") == {}
    contents.check_picture_names(list(names.values()), ["here"])
    with pytest.raises(ConfigError, match=r"^here: the pictures of a:b and a_b would have one"):
        contents.check_picture_names(["m1", "a:b", "a_b"], ["here"])


def test_figures_with_little_room_show_variants_and_floors() -> None:
    assert contents.drawn_representations(CONFIG, "one") == ["AC-D", "fitted-charges"]
    assert contents.drawn_representations(CONFIG, "two") == ["AC-D"]


def test_resources_grow_with_the_attempt_and_the_shard() -> None:
    assert [growing(4000)(None, attempt=attempt) for attempt in (1, 2, 3)] == [4000, 8000, 12000]
    assert shard_minutes({"shard_size": 10, "minutes_per_molecule": 2}) == 30
    assert shard_minutes({"shard_size": 7, "minutes_per_molecule": 10.1}) == 71


def test_a_gpu_is_asked_for_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert [gpus(device) for device in ("auto", "cpu", "cuda")] == [0, 0, 1]
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert [gpus(device) for device in ("auto", "cpu", "cuda")] == [1, 0, 1]
