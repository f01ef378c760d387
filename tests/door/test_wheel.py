"""The wheel: what it needs, what is in it, and what it does where it is installed."""

import os
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from ase.build import molecule
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mepflow

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NEEDED = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
EXTRAS = {
    extra: [Requirement(text) for text in texts]
    for extra, texts in PROJECT["project"]["optional-dependencies"].items()
}
EXACT = {"torch", "snakemake"}
"""Other versions give other numbers, or have other insides that the rules look at."""


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


def test_requirements_of_the_wheel_are_the_pins_of_the_workflow() -> None:
    wheel = {row.name: row for row in sum(EXTRAS.values(), NEEDED) if row.name != "mepflow"}
    pinned = pins("requirements.txt")
    assert wheel.keys() == pinned.keys()
    for name, version in pinned.items():
        assert wheel[name].specifier.contains(version), name
    assert {name for name, row in wheel.items() if str(row.specifier).startswith("==")} == EXACT
    assert not {"snakemake", "pyscf"} & {row.name for row in NEEDED}


def test_the_builder_of_the_tests_is_that_of_the_wheel() -> None:
    builder = Requirement(*PROJECT["build-system"]["requires"])
    assert str(builder.specifier) == f"=={pins('requirements-test.txt')[builder.name]}"


def installed_with(requirements: list[Requirement]) -> set[str]:
    """Return the names of the distributions that come with the requirements."""
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        row = waiting.pop()
        name = canonicalize_name(row.name)
        if name in found or (row.marker and not row.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        waiting += map(Requirement, requires(name) or [])
    return found


def lines_that_hide_the_rest() -> str:
    """Return a .pth file that adds those of this environment's packages that the wheel needs."""
    known = installed_with(NEEDED)
    hidden = {
        package: None
        for package, names in packages_distributions().items()
        if package.isidentifier() and not known & {canonicalize_name(name) for name in names}
    }
    assert {"pyscf", "snakemake", "pytest"} <= hidden.keys()
    assert not {"torch", "numpy", "yaml"} & hidden.keys()
    return f"{sysconfig.get_path('purelib')}\nimport sys; sys.modules.update({hidden!r})\n"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of an environment with the wheel, and what comes with it only."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet"]
    build = ["wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*pip, *build, folder, ROOT], check=True, timeout=120)
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True, timeout=60
    )
    python = folder / "venv" / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    install = ["--python", python, "install", "--no-deps", "--no-index", wheel]
    subprocess.run([*pip, *install], check=True, timeout=60)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "rest.pth").write_text(lines_that_hide_the_rest())
    return python.parent


def run(program: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    clean = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [program, *arguments],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
def test_what_is_installed_predicts_what_the_clone_predicts(
    environment: Path, tmp_path: Path
) -> None:
    ethanol = molecule("CH3CH2OH")
    ethanol.write(tmp_path / "ethanol.xyz", format="xyz")
    command = environment / "mepflow"
    done = run(command, "--version", folder=tmp_path)
    assert done.stdout == f"mepflow {mepflow.__version__}\n", done.stderr
    done = run(command, "predict", "ethanol.xyz", "--png", "--spacing", "1", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    atoms = pd.read_csv(tmp_path / "ethanol-mep" / "atoms.csv")
    expected = mepflow.load().predict(ethanol, total_charge=0)
    np.testing.assert_allclose(atoms["charge_e"], expected.charges, atol=1e-7)
    assert (tmp_path / "ethanol-mep" / "ethanol.png").exists()
    script = "import sys, mepflow; mepflow.load(); print(mepflow.__file__)"
    done = run(environment / "python", "-c", script, folder=tmp_path)
    assert Path(done.stdout.strip()).is_relative_to(environment.parent), done.stderr


@pytest.mark.slow
def test_what_is_not_installed_is_named(environment: Path, tmp_path: Path) -> None:
    arguments = ("predict", "--smiles", "C", "--reference")
    done = run(environment / "mepflow", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "mepflow: this needs PySCF: pip install 'mepflow[qm]'.\n"
    assert not list(tmp_path.iterdir())


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == mepflow.__version__
    assert citation["license"] == PROJECT["project"]["license"]
