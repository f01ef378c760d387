"""The conda environments hold the requirements' pins, and all that a rule's script imports."""

import re
import sys
from pathlib import Path

import pytest
import yaml

from mepflow.runs.archive_labels import READERS
from mepflow.runs.code_reach import Reach
from mepflow.runs.package_sources import Sources

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
DISTRIBUTIONS = {
    "PIL": "pillow",
    "array_api_compat": "array-api-compat",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
}
OPTIONAL = {"triton"}
"""PyTorch's builds for GPUs bring it, in their own version."""
RULE = re.compile(r"^rule (?P<name>\w+):\n(?P<body>(?:(?:[ \t].*)?\n)+)", re.MULTILINE)


def requirements() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def pins(environment: Path) -> dict[str, str]:
    """Return the pinned packages of an environment, conda's and pip's, without Python and pip."""
    found = {}
    for entry in yaml.safe_load(environment.read_text())["dependencies"]:
        for text in entry["pip"] if isinstance(entry, dict) else [entry]:
            name, *version = re.split(r"\s*==?", text)
            if name not in ("python", "pip"):
                found[name] = "".join(version)
    return found


def rules() -> dict[str, tuple[str, str]]:
    """Return the script and the environment of every rule that has a script."""
    found = {}
    for path in sorted((ROOT / "workflow" / "rules").rglob("*.smk")):
        for match in RULE.finditer(path.read_text()):
            script = re.search(r"scripts/(\w+\.py)", match["body"])
            environment = re.search(r"envs/(\w+\.yaml)", match["body"])
            if script:
                assert environment, f"rule {match['name']} has no conda environment"
                found[match["name"]] = (script[1], environment[1])
    return found


def distributions(script: Path) -> set[str]:
    """Return the packages beyond the standard library that running a script may import."""
    readers = [f"{reader}.read_archive" for reader in READERS.values()]
    more = readers if script.stem == "read_archive" else []
    names = Reach(Sources(), [script.stem, *more]).packages
    names -= {*sys.stdlib_module_names, "mepflow"}
    return {DISTRIBUTIONS.get(name, name) for name in names}


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_pins_agree_with_the_requirements(environment: Path) -> None:
    found = pins(environment)
    assert found
    assert found == {name: requirements()[name] for name in found}


@pytest.mark.parametrize("rule", sorted(rules()))
def test_environment_holds_what_the_script_imports(rule: str) -> None:
    script, environment = rules()[rule]
    missing = distributions(SCRIPTS / script) - OPTIONAL - set(pins(ROOT / "envs" / environment))
    assert not missing, f"envs/{environment} lacks {missing} for {script}"


def test_every_rule_with_a_script_is_seen() -> None:
    scripts = {script for script, _ in rules().values()}
    assert scripts == {path.name for path in SCRIPTS.glob("*.py")}
    assert {environment for _, environment in rules().values()} == {p.name for p in ENVIRONMENTS}


def test_every_script_is_short() -> None:
    for path in SCRIPTS.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 40, path
