"""Checks of the configuration as a whole."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import validate

from default_run import multipoles_run
from mepflow.errors import ConfigError, StateError
from mepflow.naming import BASELINES
from mepflow.plots.style import STYLES
from mepflow.runs import archive_labels, contents, results_folder, settings
from mepflow.runs.studies import complete_config, merged

ROOT = Path(__file__).resolve().parents[3]


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "config" / name).read_text())
    return loaded


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    return with_defaults(multipoles_run() | {"results": str(tmp_path / "results")})


def with_defaults(run: dict[str, Any]) -> dict[str, Any]:
    """Return a run on top of the definitions and its studies, with defaults."""
    named = {name: load(f"studies/{name}.yaml") for name in run["studies"]}
    complete = complete_config(load("definitions.yaml"), named, run)
    validate(complete, str(ROOT / "workflow" / "schemas" / "config.schema.yaml"))
    return complete


@pytest.fixture
def archives() -> dict[str, Any]:
    return load("archives.yaml")


def test_shipped_configurations_are_consistent(config: dict[str, Any], archives: Any) -> None:
    settings.check_references(config, archives)
    settings.check_references(with_defaults(load("paper.yaml")), archives)
    # Without a level of theory, for nothing is computed.
    rehearsal = merged(load("paper.yaml"), load("rehearsal.yaml"))
    settings.check_references(with_defaults(rehearsal), archives)
    del archives["rehearsal-qm9"]["reference"]
    with pytest.raises(ConfigError, match="its molecules are computed; name a row"):
        settings.check_references(with_defaults(rehearsal), archives)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("datasets", "qm9", "archive"), "nowhere"),
        (("datasets", "qm9", "level_of_theory"), "nowhere"),
        (("datasets", "qm9", "network"), "nowhere"),
        (("datasets", "qm9", "grids"), ["nowhere"]),
        (("datasets", "qm9", "headline_grid"), "nowhere"),
        (("training", "variants"), ["AC-D", "nowhere"]),
        (("figures", "showcase_variants"), ["nowhere"]),
    ],
)
def test_a_name_without_a_row_is_refused(
    config: dict[str, Any], archives: Any, path: tuple[str, ...], value: Any
) -> None:
    config = copy.deepcopy(config)
    row = config
    for key in path[:-1]:
        row = row[key]
    row[path[-1]] = value
    with pytest.raises(ConfigError, match="nowhere") as caught:
        settings.check_references(config, archives)
    assert ".".join(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_headline_grid_must_cover_the_test_molecules(config: dict[str, Any], archives: Any) -> None:
    config = copy.deepcopy(config)
    config["datasets"]["qm9"]["headline_grid"] = "plane"
    with pytest.raises(ConfigError, match="plane"):
        settings.check_references(config, archives)


@pytest.mark.parametrize(
    ("molecules", "grid", "message"),
    [
        ("all", "mk", ""),
        ("test", "mk", "mep_grids: the grid 'mk' does not cover the molecules to train with"),
        ("all", "chelp", "variants.AC-M.mep_grids: there is no 'chelp' in datasets.qm9.grids"),
    ],
)
def test_a_potential_that_is_learned_covers_all_molecules(
    config: dict[str, Any], archives: Any, molecules: str, grid: str, message: str
) -> None:
    config = copy.deepcopy(config)
    config["grids"]["mk"]["molecules"] = molecules
    config["datasets"] = {"qm9": config["datasets"]["qm9"]}
    learned = {"loss_weights": {"mep": 1.0}, "mep_grids": [grid]}
    config["variants"]["AC-M"] = config["variants"]["AC-D"] | learned
    config["training"]["variants"] = [*config["training"]["variants"], "AC-M"]
    if not message:
        settings.check_references(config, archives)
        return
    with pytest.raises(ConfigError, match=re.escape(message)):
        settings.check_references(config, archives)


def test_a_potential_that_is_learned_is_computed_for_all_molecules(
    config: dict[str, Any], archives: Any
) -> None:
    config = copy.deepcopy(config)
    config["grids"]["mk"]["molecules"] = "all"
    learned = {"loss_weights": {"mep": 1.0}, "mep_grids": ["mk"]}
    config["variants"]["AC-M"] = config["variants"]["AC-D"] | learned
    config["training"]["variants"] = [*config["training"]["variants"], "AC-M"]
    row = {key: value for key, value in archives["spice-embedded"].items() if key != "potentials"}
    archives = {**archives, "spice-embedded": row}
    with pytest.raises(ConfigError, match="potential of spice is computed for test molecules"):
        settings.check_references(config, archives)
    beside = {**archives, "spice-embedded": row | {"potentials": "mep.h5"}}
    settings.check_references(config, beside)
    assert archive_labels.stored_potentials(config, beside, "spice") == ["mep.h5"]
    assert list(archive_labels.stored_grids(config, "spice")) == ["mk"]
    assert not archive_labels.needs_no_calculation(
        config["datasets"]["spice"], beside["spice-embedded"]
    )
    config["datasets"]["spice"]["labels"] = "computed"
    settings.check_references(config, archives)
    assert not archive_labels.stored_potentials(config, beside, "spice")


@pytest.mark.parametrize(
    ("elements", "basis", "message"),
    [
        (["H", "F"], "gaussian-6-31g(2df,p)", ""),
        (["H", "S", "Cl"], "gaussian-6-31g(2df,p)", "qm9 may hold S, Cl, without a width in"),
        (["H"], "sto-6g", "qm9 may hold H, without a width in `penetration` for the basis sto-6g;"),
    ],
)
def test_penetration_that_is_learned_with_has_all_widths(
    config: dict[str, Any], archives: Any, elements: list[str], basis: str, message: str
) -> None:
    config = copy.deepcopy(config)
    config["grids"]["mk"]["molecules"] = "all"
    config["datasets"] = {"qm9": config["datasets"]["qm9"]}
    config["datasets"]["qm9"]["filters"]["elements"] = elements
    config["levels_of_theory"][config["datasets"]["qm9"]["level_of_theory"]]["basis"] = basis
    learned = {"loss_weights": {"mep": 1.0}, "mep_grids": ["mk"], "penetration": True}
    config["variants"]["AC-M"] = config["variants"]["AC-D"] | learned
    config["training"]["variants"] = [*config["training"]["variants"], "AC-M"]
    assert settings.learned_widths(config, "qm9", "AC-D") == {}
    if not message:
        settings.check_references(config, archives)
        assert settings.learned_widths(config, "qm9", "AC-M") == config["penetration"][basis]
        return
    with pytest.raises(ConfigError, match=re.escape(f"AC-M.penetration: {message}")):
        settings.check_references(config, archives)


def test_atomic_quadrupoles_need_a_network_that_has_them(
    config: dict[str, Any], archives: Any
) -> None:
    config = copy.deepcopy(config)
    terms = {"atomic_terms": ["charges", "quadrupoles"], "quadrupole_from": "all"}
    config["variants"]["AC-AQ"] = config["variants"]["AC-DQ"] | terms
    config["training"]["variants"] = [*config["training"]["variants"], "AC-AQ"]
    refused = "variants.AC-AQ.atomic_terms: its network on qm9 has no quadrupoles; add `network`"
    with pytest.raises(ConfigError, match=re.escape(refused)):
        settings.check_references(config, archives)
    config["variants"]["AC-AQ"]["network"] = "small-rank5"
    settings.check_references(config, archives)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"atomic_terms": ["charges"]}, ""),
        (
            {"atomic_terms": ["charges", "dipoles"]},
            "atomic_terms: its network on qm9 has no dipoles",
        ),
        (
            {"loss_weights": {"dipole_norm": 1.0}},
            "loss_weights: with its network on qm9 all charges",
        ),
        ({"loss_weights": {"dipole_norm": 1.0}, "network": "physnet-started"}, ""),
        ({"loss_weights": {"dipole_norm": 1.0, "charges": 1.0}, "charges_like": "mulliken"}, ""),
    ],
)
def test_what_a_network_of_scalars_that_starts_at_zero_cannot_learn(
    config: dict[str, Any], archives: Any, changes: dict[str, Any], message: str
) -> None:
    config = copy.deepcopy(config)
    config["datasets"] = {"qm9": config["datasets"]["qm9"]}
    config["networks"]["physnet-started"] = config["networks"]["physnet-small"] | {
        "zero_start": False
    }
    row = config["variants"]["AC-D"] | {"network": "physnet-small"}
    config["variants"]["PN"] = row | changes
    config["training"]["variants"] = [*config["training"]["variants"], "PN"]
    if not message:
        settings.check_references(config, archives)
        return
    with pytest.raises(ConfigError, match=re.escape(f"variants.PN.{message}")):
        settings.check_references(config, archives)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, ""),
        ({"headline_grid": "mk"}, "headline_grid: there is no 'mk' in datasets.ethanol.grids"),
        ({"grids": ["mk"], "headline_grid": "mk"}, "level_of_theory: its molecules are computed"),
        ({"labels": "computed"}, "level_of_theory: its molecules are computed"),
    ],
)
def test_a_dataset_whose_archive_says_all_needs_no_level_and_no_grid(
    config: dict[str, Any], archives: Any, changes: dict[str, Any], message: str
) -> None:
    config = copy.deepcopy(config)
    row = config["datasets"]["qm9"] | {
        "archive": "ethanol",
        "labels": "archive",
        "level_of_theory": None,
        "grids": [],
        "headline_grid": None,
        "baselines": [],
    }
    config["datasets"] = {"ethanol": row | changes}
    config["training"]["variants"] = ["AC-D"]
    config["figures"]["showcase_variants"] = ["AC-D"]
    config["learning_curve"]["datasets"] = []
    if message:
        with pytest.raises(ConfigError, match=re.escape(f"datasets.ethanol.{message}")):
            settings.check_references(config, archives)
        return
    settings.check_references(config, archives)
    assert settings.number_of_shards(config, archives, "ethanol") == 0
    assert settings.penetration_widths(config, "ethanol") == {}
    assert contents.datasets_of(config, "energies") == ["ethanol"]
    assert contents.datasets_of(config, "mep_error") == []


def test_number_of_shards_covers_every_record(config: dict[str, Any], archives: Any) -> None:
    shards = settings.number_of_shards(config, archives, "qm9")
    size = config["datasets"]["qm9"]["shard_size"]
    records = archives["qm9-embedded"]["records"]
    assert (shards - 1) * size < records <= shards * size


def test_archive_labels_are_computed_for_the_test_set_alone(
    config: dict[str, Any], archives: Any
) -> None:
    row = config["datasets"]["qm9"]
    row |= {"archive": "spice", "labels": "archive", "shard_size": 5}
    row["split"]["test"] = 12
    assert settings.number_of_shards(config, archives, "qm9") == 3
    row["split"]["test"] = 0.01
    assert settings.number_of_shards(config, archives, "qm9") == 228


@pytest.mark.parametrize(("key", "value"), [("labels", "archive"), ("baselines", ["mbis-charges"])])
def test_an_archive_without_labels_is_refused(
    config: dict[str, Any], archives: Any, key: str, value: Any
) -> None:
    config["datasets"]["qm9"][key] = value
    with pytest.raises(ConfigError, match=rf"datasets.qm9.{key}: .*\(format qm9\)"):
        settings.check_references(config, archives)


def test_results_folder_of_another_run_is_refused(config: dict[str, Any]) -> None:
    results_folder.check_results_folder(config)
    results_folder.claim_results_folder(config)
    results_folder.check_results_folder(config)
    with pytest.raises(StateError, match="embedded"):
        results_folder.check_results_folder(config | {"name": "other"})
    for content in ("{", "[1]", "3", "[" * 100_000):
        (Path(config["results"]) / results_folder.RUN_RECORD).write_text(content)
        with pytest.raises(StateError, match="damaged"):
            results_folder.check_results_folder(config)


def test_choices_of_the_schema_are_those_of_the_code() -> None:
    rows = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())["$defs"]
    assert rows["figures"]["properties"]["style"]["enum"] == list(STYLES)
    named = rows["dataset"]["properties"]["baselines"]["items"]["enum"]
    assert sorted(named) == sorted(BASELINES)


def test_results_that_cannot_be_written_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", read_only)
    run = {"results": str(tmp_path), "name": "ours", "datasets": {}}
    with pytest.raises(StateError, match=r"run\.json: Read-only file system: give the right"):
        results_folder.claim_results_folder(run)
