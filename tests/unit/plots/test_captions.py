"""The captions of the report: each is filled in and parsed as the report does it, but strictly."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from default_run import multipoles_run
from mepflow.runs.studies import complete_config

jinja2 = pytest.importorskip("jinja2")
docutils_core = pytest.importorskip("docutils.core")

ROOT = Path(__file__).parents[3]
REPORT = ROOT / "workflow" / "report"
STUDIES = ROOT / "config" / "studies"
FIGURES = (
    "filter_funnel",
    "training_curves",
    "multipole_parity",
    "mep_error",
    "mep_parity",
    "showcase",
    "surface",
    "mep_breakdown",
    "learning_curve",
    "trade_off",
    "transfer",
    "uncertainty",
    "aromatics",
    "mep_distance",
    "mep_penetration",
    "extrema",
    "auxiliary_sizes",
    "auxiliary_weights",
    "auxiliary_charges",
    "density_errors",
    "density_plane",
    "density_dipoles",
    "energy_parity",
    "energy_sizes",
    "energy_conservation",
    "infrared",
    "moving_surface",
)
TABLES = (
    "filters_table",
    "multipoles_table",
    "mep_table",
    "labels_table",
    "agreement_table",
    "transfer_table",
    "mep_breakdown_table",
    "learning_curve_table",
    "trade_off_table",
    "uncertainty_table",
    "aromatics_table",
    "mep_distance_table",
    "extrema_table",
    "auxiliary_table",
    "densities_table",
    "density_mep_table",
    "energies_table",
    "dynamics_table",
)


def rendered(name, config, by="distance", penetration=()):
    """Return a caption's HTML; anything undefined or malformed raises."""
    job = SimpleNamespace(
        config=config,
        wildcards=SimpleNamespace(dataset="qm9", molecule="gdb_000001", by=by),
        params=SimpleNamespace(
            grid="mk", headline_grid="mk", molecule="pyridine:0", penetration=penetration
        ),
    )
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    source = (REPORT / f"{name}.rst").read_text(encoding="utf-8")
    text = environment.from_string(source).render(snakemake=job)
    strict = {"halt_level": 2, "report_level": 5}
    parts = docutils_core.publish_parts(text, writer="html", settings_overrides=strict)
    return parts["html_body"]


@pytest.fixture(scope="module")
def config():
    def load(name):
        return yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))

    run = multipoles_run()
    studies = {name: load(f"studies/{name}.yaml") for name in run["studies"]}
    return complete_config(load("definitions.yaml"), studies, run)


@pytest.mark.parametrize("name", [*FIGURES, *TABLES])
def test_caption_names_its_dataset(name, config):
    html = rendered(name, config)
    assert "<strong>" in html
    assert "qm9" in html
    assert "{{" not in html


def test_overview_lists_the_datasets_of_the_run(config):
    html = rendered("workflow", config)
    for name, row in config["datasets"].items():
        assert name in html
        assert row["level_of_theory"] in html


@pytest.mark.parametrize("study", sorted(path.stem for path in STUDIES.glob("*.yaml")))
def test_every_study_has_its_text(config, study):
    assert f"Study {study}." in rendered(f"studies/{study}", config)


def test_there_is_no_caption_without_a_figure_or_table():
    assert {path.stem for path in REPORT.glob("*.rst")} == {*FIGURES, *TABLES, "workflow"}


def test_funnel_caption_knows_archives_without_dipoles(config):
    filters = config["datasets"]["qm9"]["filters"]
    without = {
        **config,
        "datasets": {"qm9": {"filters": {**filters, "dipole_tolerance_debye": None}}},
    }
    assert "its length" in rendered("filter_funnel", config)
    assert "its length" not in rendered("filter_funnel", without)


@pytest.mark.parametrize("name", ["mep_error", "mep_table", "multipoles_table"])
def test_captions_speak_of_mbis_where_it_is_a_baseline(config, name):
    row = config["datasets"]["qm9"]
    with_mbis = {**config, "datasets": {"qm9": {**row, "baselines": ["mulliken", "mbis-charges"]}}}
    without = {**config, "datasets": {"qm9": {**row, "baselines": ["mulliken"]}}}
    assert "MBIS" in rendered(name, with_mbis)
    assert "MBIS" not in rendered(name, without)


@pytest.mark.parametrize("name", ["transfer", "transfer_table"])
def test_captions_of_the_transfer_name_every_level_of_theory(config, name):
    other = {**config["datasets"]["qm9"], "level_of_theory": "another-level"}
    html = rendered(name, {**config, "datasets": {**config["datasets"], "other": other}})
    assert config["datasets"]["qm9"]["level_of_theory"] in html
    assert "other: another-level" in html
    same = {"qm9": config["datasets"]["qm9"], "other": config["datasets"]["qm9"]}
    assert "level of theory" not in rendered(name, {**config, "datasets": same})


def test_pictures_name_their_molecule_by_its_id(config):
    for name in ("showcase", "surface"):
        assert "pyridine:0" in rendered(name, config)


def test_a_surface_with_penetration_names_its_elements(config):
    assert "H, C" in rendered("surface", config, penetration=["H", "C"])
    assert "penetration" not in rendered("surface", config)


@pytest.mark.parametrize("by", ["distance", "element", "group"])
def test_fits_are_called_floors_of_groups_alone(config, by):
    assert ("no floors here" in rendered("mep_breakdown", config, by)) == (by != "group")


def test_seeds_are_spoken_of_where_there_are_several(config):
    several = {**config, "training": {**config["training"], "seeds": [1, 2, 3]}}
    for name in ("mep_parity", "multipole_parity"):
        assert "seeds of a variant" in rendered(name, several).lower()
        assert "seeds" not in rendered(name, config)
    assert "trained once" in rendered("learning_curve", config)
    assert "with 3 seeds" in rendered("learning_curve", several)


def test_caption_of_the_breakdown_says_by_what(config):
    texts = [rendered("mep_breakdown", config, by) for by in ("distance", "element", "group")]
    for text, words in zip(texts, ("bins of 0.25", "nearest element", "nitro"), strict=True):
        assert words in text
        assert sum(words in other for other in texts) == 1
