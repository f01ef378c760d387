"""An undisturbed run of the workflow, copies of it to disturb, and what must be equal after."""

import contextlib
import csv
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import pandas as pd
import psutil
import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / part) for part in ("workflow/scripts", "tests/workflow", "tests/cases")]

from tiny_repository import Repository, copy_repository  # noqa: E402

from mepflow.storage.journal import Journal  # noqa: E402

VARIANT: Final = "AC-AD-DQ-dw100-c"
RESULTS: Final = "results/qm9"
MODEL: Final = f"{RESULTS}/models/{VARIANT}/seed-1"
REFERENCE: Final = f"{RESULTS}/reference/reference.h5"
SPLITS: Final = f"{RESULTS}/molecules/splits.csv"
TABLES: Final = tuple(f"{RESULTS}/tables/{name}.csv" for name in ("filters", "multipoles", "mep"))
NOT_COMPARED: Final = ("logs", "benchmarks", "state")
SECONDS: Final = {"wall_time_s"}
"""Column of a table that no two runs have in common; in HDF5 files, ``properties/wall_time``."""


@dataclass
class Copy(Repository):
    """A copy of the repository in which the workflow runs, is disturbed, and runs again."""

    def run(self, *targets: str) -> None:
        """Make the targets, the tables if none are named; it must succeed."""
        self.snakemake(*(targets or TABLES))

    def failure(self, *arguments: str) -> str:
        """Return what a run of the tables prints that must fail."""
        done = self.snakemake(*(arguments or TABLES), check=False)
        output = done.stdout + done.stderr
        assert done.returncode != 0, f"the run did not fail: {output[-2000:]}"
        return output

    def start(self, *targets: str) -> psutil.Popen:
        """Start a run of the targets, the tables if none are named, and return its Snakemake."""
        command = [sys.executable, "-m", "snakemake", "--configfile", "config/tiny.yaml"]
        with (self.root / "output.txt").open("w") as output:
            return psutil.Popen(
                [*command, "--cores", "2", *(targets or TABLES)],
                cwd=self.root,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def printed(self) -> str:
        """Return what the run that was started last has printed."""
        return (self.root / "output.txt").read_text()

    def processes(self, *rules: str) -> list[psutil.Process]:
        """Return the jobs of rules, or of any, that run in this copy, orphans among them."""
        ends = tuple(f".{rule}.py" for rule in rules) or (".py",)
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                script = words[1] if len(words) > 1 else ""
                ours = ".snakemake/scripts/" in script and script.endswith(ends)
                if ours and Path(process.cwd()) == self.root:
                    found.append(process)
        return found

    def remove(self, *folders: str) -> None:
        """Remove folders of the results."""
        for folder in folders:
            shutil.rmtree(self.root / RESULTS / folder)

    def configured(self, section: str, changes: dict[str, Any]) -> None:
        """Change settings of one section of the configuration."""
        path = self.root / "config" / "tiny.yaml"
        config = yaml.safe_load(path.read_text())
        config[section] |= changes
        path.write_text(yaml.safe_dump(config))


class Bench:
    """The undisturbed run, kept at two places: when its molecules were chosen, and at its end."""

    def __init__(self, folder: Path, steps: int) -> None:
        self.folder = folder
        self.count = 0
        self.whole = Copy(copy_repository(folder / "whole").root)
        path = self.whole.root / "config" / "tiny.yaml"
        config = yaml.safe_load(path.read_text())
        config["datasets"]["qm9"]["baselines"] = ["fitted-charges"]
        config["training"] |= {"variants": [VARIANT], "steps": steps, "validation_interval": 5}
        config["figures"]["showcase_variants"] = [VARIANT]
        path.write_text(yaml.safe_dump(config))
        self.whole.run(SPLITS)
        self.start = self.copy(self.whole)
        self.whole.run()
        assert self.problems(self.whole) == []

    def close(self) -> None:
        """End every process that is left in one of the copies."""
        left = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if Path(process.cwd()).is_relative_to(self.folder):
                    left.append(process)
        kill_all(left)

    def copy(self, original: Copy | None = None) -> Copy:
        """Return a copy of a run with its times and metadata, of the one at its start if None."""
        self.count += 1
        folder = self.folder / f"copy-{self.count}"
        shutil.copytree((original or self.start).root, folder, symlinks=True)
        return Copy(folder)

    def require_recovered(self, copy: Copy) -> None:
        """Check that a copy ended as the undisturbed run did, and remove it."""
        problems = self.problems(copy)
        assert not problems, "; ".join(problems)
        planned = copy.planned(*TABLES)
        assert planned == {}, f"a finished run plans {planned}"
        shutil.rmtree(copy.root)

    def problems(self, copy: Copy) -> list[str]:
        """Return what of a copy's results differs from the undisturbed run's, in words."""
        expected, found = (results_of(repository) for repository in (self.whole, copy))
        problems = [f"{name} is missing or foreign" for name in sorted(expected ^ found)]
        for name in sorted(expected & found):
            if not equal(self.whole.root / RESULTS / name, copy.root / RESULTS / name):
                problems.append(f"{name} differs")
        return problems + journal_problems(copy)


def results_of(repository: Repository) -> set[str]:
    """Return the result files that are compared, leftovers of writers among them."""
    folder = repository.root / RESULTS
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {
        str(path)
        for path in files
        if not set(NOT_COMPARED) & set(path.parts) and not path.name.endswith(".provenance.json")
    }


def equal(one: Path, other: Path) -> bool:
    """Return whether two results are the same to the last bit, wall times apart."""
    if one.suffix == ".h5":
        return hdf5_content(one) == hdf5_content(other)
    if one.name == "training.csv":
        return rows_without_seconds(one) == rows_without_seconds(other)
    return one.read_bytes() == other.read_bytes()


def hdf5_content(path: Path) -> dict[str, Any]:
    """Return the bytes of every dataset but the wall times, and all attributes."""
    content: dict[str, Any] = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        content[name] = {key: repr(value) for key, value in item.attrs.items()}
        if isinstance(item, h5py.Dataset) and name != "properties/wall_time":
            values = item[()]
            plain = values.tolist() if values.dtype == object else values.tobytes()
            content[name] |= {"": (values.shape, str(item.dtype), plain)}

    with h5py.File(path) as file:
        content[""] = {key: repr(value) for key, value in file.attrs.items()}
        file.visititems(visit)
    return content


def rows_without_seconds(path: Path) -> list[dict[str, str]]:
    """Return the rows of a log of a training without the seconds."""
    with path.open() as file:
        return [{k: v for k, v in row.items() if k not in SECONDS} for row in csv.DictReader(file)]


def journal_problems(copy: Copy) -> list[str]:
    """Return which journals of the reference hold a molecule twice, or have lost one."""
    problems, total = [], 0
    for path in sorted((copy.root / RESULTS / "reference/state").rglob("*.journal")):
        fingerprints = [str(record["fingerprint"]) for record in Journal(path).read()]
        total += len(fingerprints)
        if len(set(fingerprints)) < len(fingerprints):
            problems.append(f"{path.name} of shard {path.parent.name} holds a molecule twice")
    verdicts = pd.read_csv(copy.root / RESULTS / "molecules/verdicts.csv", keep_default_na=False)
    expected = int((verdicts["verdict"] == "kept").sum())
    if total != expected:
        problems.append(f"the journals hold {total} molecules instead of {expected}")
    return problems


def kill_all(processes: list[psutil.Process]) -> None:
    """Kill processes for good, their descendants with them, and wait until they are gone."""
    family = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            family += [process, *process.children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(family, timeout=30)


def wait_for(condition: Any, seconds: float = 900.0) -> bool:
    """Return whether a condition came true in time; it is asked twenty times a second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False
