"""A copy of the repository with a tiny configuration, on which the workflow runs in seconds."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import yaml

from default_run import multipoles_run
from level_cases import TINY_LEVEL

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("Snakefile", "workflow", "config", "envs", "profiles")
TINY_RECORDS = 12
TINY_ARCHIVE = "resources/tiny/dsgdb9nsd.xyz.tar.bz2"
TINY_SPICE = "resources/tiny/SPICE-tiny.hdf5"
SPICE_GROUPS = (
    *("acetic_acid", "ethyl_formate", "formamide-water", "furan", "imidazole", "isopropanol"),
    *("methoxyethane", "methyl_acetate", "propan-2-ol", "propanenitrile", "trimethylammonium"),
)


@dataclass
class Repository:
    """A copy of the repository in which the workflow runs the configuration ``tiny.yaml``."""

    root: Path

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on the tiny configuration; with ``check`` it must succeed."""
        command = [sys.executable, "-m", "snakemake", "--configfile", "config/tiny.yaml"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SNAKEMAKE")}
        done = subprocess.run(
            [*command, "--cores", "2", *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def planned(self, *arguments: str) -> dict[str, int]:
        """Return how many jobs of each rule a dry run plans, without the target rules."""
        return jobs_of(self.snakemake("--dry-run", *arguments).stdout)

    def configure(self, changes: dict[str, Any]) -> None:
        """Change top-level sections of the tiny configuration."""
        path = self.root / "config" / "tiny.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))


def jobs_of(text: str) -> dict[str, int]:
    """Return the table of jobs that a dry run prints, without the target rules."""
    jobs = {}
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("---"):
            break
    for line in lines:
        name, _, count = line.rpartition(" ")
        if not name.strip() or not count.isdigit():
            break
        jobs[name.strip()] = int(count)
    return {k: v for k, v in jobs.items() if k not in ("total", "all")}


def tiny_config(datasets: Collection[str]) -> dict[str, Any]:
    """Return some datasets of the shipped default, made small enough for seconds."""
    config = multipoles_run() | {"name": "tiny"}
    del config["learning_curve"]
    config["levels_of_theory"] = {"tiny": TINY_LEVEL}
    network = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())["networks"]
    config["networks"] = {"tiny": network["small"] | {"nodes": 4, "depth": 2, "n_basis": 4}}
    for row in config["datasets"].values():
        row |= {"level_of_theory": "tiny", "network": "tiny"}
    spice = config["datasets"]["spice"]
    spice |= {"archive": "tiny-spice", "conformers": "lowest"}
    spice["filters"] |= {"elements": ["H", "C", "N", "O"], "dipole_tolerance_debye": None}
    spice["split"] |= {"test": 2, "showcase": ["furan"]}
    dataset = config["datasets"]["qm9"]
    dataset |= {"archive": "tiny", "shard_size": 6}
    # The fluoro-compounds are too few here to be in every split.
    dataset["filters"] = {"elements": ["H", "C", "N", "O"], "dipole_tolerance_debye": None}
    dataset["split"] |= {"test": 3, "showcase": ["gdb_000003"]}
    config["training"] |= {
        "variants": ["AC-D", "AC-AD-DQ-dw100-c"],
        "steps": 20,
        "batch_size": 4,
        "validation_interval": 10,
    }
    config["figures"]["showcase_variants"] = ["AC-D", "AC-AD-DQ-dw100-c"]
    config["datasets"] = {name: config["datasets"][name] for name in datasets}
    return config


def write_tiny_archives(folder: Path) -> None:
    """Copy a few records of the embedded archives into archives of their own."""
    folder.mkdir(parents=True)
    embedded = ROOT / "resources" / "embedded" / "dsgdb9nsd.xyz.tar.bz2"
    with tarfile.open(embedded) as source, tarfile.open(folder / embedded.name, "w:bz2") as target:
        for member in source.getmembers()[:TINY_RECORDS]:
            target.addfile(member, source.extractfile(member))
    spice = ROOT / "resources" / "embedded" / "SPICE-embedded.hdf5"
    with h5py.File(spice) as source, h5py.File(folder / "SPICE-tiny.hdf5", "w") as target:
        for name in SPICE_GROUPS:
            source.copy(name, target)


def copy_repository(folder: Path, datasets: Collection[str] = ("qm9",)) -> Repository:
    """Return a copy of the repository with tiny archives and a configuration of some datasets."""
    folder.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    write_tiny_archives(folder / "resources" / "tiny")
    (folder / "config" / "tiny.yaml").write_text(yaml.safe_dump(tiny_config(datasets)))
    rows = yaml.safe_load((folder / "config" / "archives.yaml").read_text())
    ours = {"licence": "MIT", "citation": "Ours."}
    rows["tiny"] = {"format": "qm9", "path": TINY_ARCHIVE, "records": TINY_RECORDS} | ours
    rows["tiny-spice"] = {"format": "spice", "path": TINY_SPICE, "records": len(SPICE_GROUPS)}
    rows["tiny-spice"] |= ours
    (folder / "config" / "archives.yaml").write_text(yaml.safe_dump(rows))
    return Repository(folder)
