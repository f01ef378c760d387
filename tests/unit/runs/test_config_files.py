"""A configuration is put right where it is meant well; else a sentence names file, line, key."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from mepflow.errors import ConfigError, MepflowError
from mepflow.runs import config_files, settings
from mepflow.runs.config_files import GivenSettings, read_archives, read_config, told_with_place

ROOT = Path(__file__).resolve().parents[3]
DEFAULT = (ROOT / "config" / "config.yaml").read_text()
NOTHING = GivenSettings("--config", {})


def config_of(folder: Path, text: str, given: GivenSettings = NOTHING) -> dict[str, Any]:
    """Return the checked configuration of a run whose own file says ``text``."""
    path = folder / "run.yaml"
    path.write_text(text)
    config, sources = read_config(ROOT, [path], given)
    with told_with_place(sources):
        settings.check_references(config, read_archives(ROOT))
    return config


def changed(old: str, new: str) -> str:
    assert old in DEFAULT
    return DEFAULT.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "keys", "value"),
    [
        ("learning_rate: 2.0e-3", "learning_rate: 2e-3", ("training", "learning_rate"), 0.002),
        ("steps: 1500", "steps: 3e3", ("training", "steps"), 3000),
        ("steps: 1500", "steps: 1_500.0", ("training", "steps"), 1500),
        ("neutral: true", "neutral: No", ("datasets", "spice", "filters", "neutral"), False),
        ("neutral: true", "neutral: on", ("datasets", "spice", "filters", "neutral"), True),
        ("name: embedded", "name: 2026-11-27", ("name",), "2026-11-27"),
        ("name: embedded", "name: 007", ("name",), "007"),
        ("[gdb_000115, ", "[1:30, 0123, ", ("datasets", "qm9", "split", "showcase", 1), "0123"),
        ("elements: [H, C, N, O, F]", "elements: [N, No]", (), "'No' is no element up to xenon"),
        ("elements: [H, C, N, O, F]", "elements: [CL]", (), "'CL' is no .* did you mean Cl?"),
    ],
)
def test_what_is_meant_is_read(
    tmp_path: Path, old: str, new: str, keys: tuple[str | int, ...], value: Any
) -> None:
    if not keys:
        with pytest.raises(ConfigError, match=value):
            config_of(tmp_path, changed(old, new))
        return
    found: Any = config_of(tmp_path, changed(old, new))
    for key in keys:
        found = found[key]
    assert (found, type(found)) == (value, type(value))


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("learning_rate:", "learing_rate:", "training.learing_rate: there is no such key; did you"),
        ("name: embedded", "nam: x", "nam: there is no such key; did you mean name?"),
        ("steps: 1500", "steps: many", "training.steps: 'many' is not a whole number (optim"),
        ("steps: 1500", "steps: '15'", "training.steps: '15' is not a whole number; leave the quo"),
        ("steps: 1500", "steps: 0", "training.steps: 0 is below 1; give"),
        ("steps: 1500", "steps: null", "training.steps: null is not a whole number"),
        ("learning_rate: 2.0e-3", "learning_rate: 0", "training.learning_rate: 0 is not above 0"),
        ("learning_rate: 2.0e-3", "learning_rate: .nan", "training.learning_rate: nan is not a nu"),
        ("seeds: [1]", "seeds: [1, 2, 1]", "training.seeds: 1 is named twice"),
        ("seeds: [1]", "seeds: 1", "training.seeds: 1 is not a list, [a, b]"),
        ("seeds: [1]", "seeds: []", "training.seeds: nothing is named"),
        (
            "style: default",
            "style: nature",
            "figures.style: there is no 'nature'; choose among def",
        ),
        (
            "style: default",
            "style: serifs",
            "figures.style: there is no 'serifs'; did you mean ser",
        ),
        ("device: auto", "device: gpu", "training.device: there is no 'gpu'; did you mean cpu?"),
        ("kind: cosine", "kind: exponential", "training.schedule.factor: this key is missing"),
        ("kind: cosine", "kind: cosines", "training.schedule.kind: there is no 'cosines'"),
        ("conformers: all", "conformers: most", "datasets.spice.conformers: there is no 'most'"),
        ("results: results", "results: a;b", "results: 'a;b' has a character that may not"),
        (
            "archive: qm9-embedded",
            "archive: qm9embedded",
            "datasets.qm9.archive: there is no 'qm9e",
        ),
        ("[mk, chelpg", "[mkk, chelpg", "datasets.qm9.grids: there is no 'mkk' in grids; did you"),
        ("network: small", "network: smal", "datasets.qm9.network: there is no 'smal' in networks"),
        (
            "test: 22",
            "test: 115",
            "datasets.qm9.split.test: 115 of the archive's 115 records leave",
        ),
        ("test: 22", "test: 22.5", "datasets.qm9.split.test: 22.5 is no number of molecules"),
        ("test: 22", "test: 22\n      test: 23", "datasets.qm9.split.test is there for the second"),
        (
            "studies: [mult",
            "studies: [mullt",
            "studies: there is no 'mulltipoles' in config/studies",
        ),
        (
            "learning_curve:\n  datasets: []",
            "learning_curve:\n  datasets: [qm8]",
            "learning_curve.datasets: there is no 'qm8' in data",
        ),
        ("drawn: [filter_funnel", "drawn: [mep", "figures.drawn"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_file_line_and_key(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = changed(old, new)
    if said == "figures.drawn":  # what rules make is known to the rules alone
        assert config_of(tmp_path, text)["figures"]["drawn"][0] == "mep"
        return
    with pytest.raises(ConfigError) as caught:
        config_of(tmp_path, text)
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    place = re.search(r"run\.yaml line (\d+): ", message)
    assert place, message
    assert new.split("\n")[-1].split(":")[0].strip() in text.splitlines()[int(place[1]) - 1]


def test_a_missing_key_is_told_with_its_section_and_meaning(tmp_path: Path) -> None:
    text = changed("  precision: float32\n", "")
    said = r"run\.yaml line \d+: training\.precision: this key is missing; add it \(precision of"
    with pytest.raises(ConfigError, match=said) as caught:
        config_of(tmp_path, text)
    found = re.search(r"line (\d+)", str(caught.value))
    assert found
    assert int(found[1]) == line_of(text, "\ntraining:") + 1


def test_settings_of_the_command_line_are_named_as_such(tmp_path: Path) -> None:
    given = GivenSettings("--config", {"training": {"steps": "many"}})
    with pytest.raises(ConfigError, match=r"^--config: training\.steps: 'many' is not"):
        config_of(tmp_path, DEFAULT, given)
    given = GivenSettings("--config", {"name": 5})
    assert config_of(tmp_path, DEFAULT, given)["name"] == "5"


def test_what_a_study_or_a_definition_says_wrong_is_found_there(tmp_path: Path) -> None:
    root = tmp_path / "clone"
    for name in (
        "definitions.yaml",
        "archives.yaml",
        "studies/multipoles.yaml",
        "studies/potentials.yaml",
    ):
        target = root / "config" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((ROOT / "config" / name).read_text())
    (root / "workflow").mkdir()
    (root / "workflow" / "schemas").symlink_to(ROOT / "workflow" / "schemas")
    run = ROOT / "config" / "config.yaml"
    cases = (
        ("definitions.yaml", "depth: 5", "depht: 5", r"networks\.\w+\.depht: .* mean depth\?"),
        ("studies/multipoles.yaml", "[charges]", "[charge]", "variants.*did you mean charges"),
        ("studies/multipoles.yaml", "miniature:\n", "miniature: 3\nother:\n", "miniature: 3 is no"),
        ("studies/multipoles.yaml", "  drawn: [", "  drawn: 3\n  more: [", r"figures\.more: there"),
    )
    for name, old, new, said in cases:
        path = root / "config" / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        given = GivenSettings("--config", {"miniature": "miniature" in old})
        with pytest.raises(ConfigError, match=rf"{re.escape(name)} line \d+: {said}"):
            read_config(root, [run], given)
        path.write_text(text)
    path = root / "config" / "archives.yaml"
    path.write_text(path.read_text().replace("format: qm9", "format: qm8", 1))
    with pytest.raises(ConfigError, match=r"archives.yaml line 3: qm9-embedded\.format: there is"):
        read_archives(root)


def test_what_was_given_is_left_as_it_is() -> None:
    given = GivenSettings("a module", copy.deepcopy(read_config_of_default()))
    before = copy.deepcopy(given.content)
    config, _ = read_config(ROOT, [], given)
    config["training"]["steps"] = 1
    assert given.content == before


def read_config_of_default() -> dict[str, Any]:
    from mepflow.storage.yaml_file import read_yaml

    return read_yaml(ROOT / "config" / "config.yaml").content


@pytest.mark.parametrize("kind", ["missing", "folder", "binary", "empty"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "run.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(b"" if kind == "empty" else b"\xff\xfe\x00\x00")
    with pytest.raises(MepflowError, match=rf"^{path} .*") as caught:
        config_files.read_config(ROOT, [path], NOTHING)
    assert "\n" not in str(caught.value)
