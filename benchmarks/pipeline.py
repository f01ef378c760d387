r"""Measure what surrounds the science: reading an archive, building the data set, starting jobs.

Run from the repository's root, in the project's environment::

    python benchmarks/pipeline.py

- *archive*: molecules of QM9's number and layout, made up, are read from a ``.tar.bz2`` in a
  temporary folder; ``bzip2 -dc`` of the same file is the floor. The memory of all of them is
  compared with that of a quarter and of a few.
- *dataset*: the training data of as many molecules as QM9's training set has, made up, of 18 atoms
  on average, are built with their pairs; the floor is one copy of the result in memory.
- *workflow*: a dry run of ``config/paper.yaml``, a run of the finished default with nothing to do,
  and the imports of all jobs of the default. The finished run is made of empty files in a copy of
  the repository.

Every measurement is a process of its own. Times are of the processor, user and system: on an idle
machine that is the time on the clock, and on a busy one it hardly changes.
"""

import argparse
import bz2
import io
import itertools
import re
import shutil
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from measuring import Row, Spent, machine, spent, write_rows

ROOT: Final = Path(__file__).resolve().parent.parent
SCRIPTS: Final = ROOT / "workflow" / "scripts"
sys.path.insert(0, str(SCRIPTS))

RECORDS: Final = 133_885
FEW: Final = 10
"""Records that are read to see what the program itself takes."""
FLAT_MB: Final = 10.0
"""What the peak may grow by from a quarter of the records to all and still counts as flat."""
MOLECULES: Final = 124_000
ELEMENTS: Final = (1, 6, 7, 8, 9)
SYMBOLS: Final = np.array(["H", "C", "N", "O", "F"])
ATOMS: Final = (10, 26)
"""Atoms of a molecule made up, least and most; QM9's have 18 on average."""
SPACING_ANGSTROM: Final = 2.1
CUTOFF_ANGSTROM: Final = 4.5
BLOCK: Final = 5_000
COPIED: Final = ("Snakefile", "workflow", "config", "envs", "profiles", "resources")
PARTS: Final = ("archive", "dataset", "workflow")

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--molecules", type=int, default=MOLECULES)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--build", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read(options.read)
    elif options.build:
        build(options.build)
    else:
        details: dict[str, Any] = {"machine": machine()}
        with tempfile.TemporaryDirectory(prefix="mepflow-", dir=options.folder) as folder:
            rows: list[Row] = []
            if "archive" in options.parts:
                rows += archive_rows(Path(folder), options.records)
            if "dataset" in options.parts:
                rows += dataset_rows(Path(folder), options.molecules)
            if "workflow" in options.parts:
                rows += workflow_rows(Path(folder), details)
        write_rows("pipeline", rows, details)


def made_up(count: int, seed: int) -> tuple[np.ndarray[Any, Any], FloatArray]:
    """Return the offsets (count + 1,) and positions (n, 3) in Å of compact clusters of atoms."""
    rng = np.random.default_rng(seed)
    side = np.arange(-2, 3) * SPACING_ANGSTROM
    lattice = np.stack(np.meshgrid(side, side, side), axis=-1).reshape(-1, 3)
    lattice = lattice[np.argsort(np.linalg.norm(lattice, axis=1), kind="stable")]
    offsets = np.cumsum([0, *rng.integers(ATOMS[0], ATOMS[1] + 1, count)])
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))
    return offsets, lattice[within] + rng.uniform(-0.4, 0.4, (len(within), 3))


def archive_rows(folder: Path, records: int) -> list[Row]:
    """Return the rows of reading an archive, a few of its records and a quarter of it first."""
    used: dict[int, Spent] = {}
    few, quarter = min(FEW, records), records // 4
    for count in (few, quarter, records):
        archive = folder / f"{count}.tar.bz2"
        write_archive(archive, count)
        used[count] = spent([sys.executable, __file__, "--read", str(archive)], folder)
    floor = spent(["bzip2", "-dc", str(archive)], folder)
    part = used[quarter].peak_mb
    return [
        Row(
            f"reading {records:,} records of QM9's layout",
            used[records].cpu_s,
            "CPU s",
            asked=1.3 * floor.cpu_s + 60.0,
            floor=floor.cpu_s,
            note=f"floor: bzip2 -dc; archive of {archive.stat().st_size / 1e6:.0f} MB",
        ),
        Row(
            "memory of that, at its peak",
            used[records].peak_mb,
            "MB",
            asked=part + FLAT_MB,
            floor=used[few].peak_mb,
            note=(
                f"asked: at most {FLAT_MB:.0f} MB above a quarter of the records, {part:.0f} MB;"
                f" floor: {few} records, mostly what is imported"
            ),
        ),
    ]


def write_archive(path: Path, count: int) -> None:
    """Write an archive of made-up records in QM9's layout."""
    with bz2.open(path, "wb") as stream, tarfile.open(fileobj=stream, mode="w|") as tar:
        for first in range(0, count, BLOCK):
            for number, text in enumerate(made_up_records(first, min(BLOCK, count - first)), first):
                content = text.encode()
                member = tarfile.TarInfo(f"dsgdb9nsd_{number + 1:06d}.xyz")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def made_up_records(first: int, count: int) -> Iterator[str]:
    """Yield records; the layout is explained at :mod:`mepflow.archives.qm9`."""
    offsets, positions = made_up(count, first)
    rng = np.random.default_rng(first)
    symbols = rng.choice(SYMBOLS, len(positions))
    charges = rng.uniform(-0.5, 0.5, len(positions))
    numbers = rng.uniform(0.01, 400.0, (count, 15))
    waves = rng.uniform(50.0, 3800.0, (count, 3 * ATOMS[1]))
    for row, (start, end) in enumerate(itertools.pairwise(offsets)):
        n_atoms = end - start
        key = "\t".join(["gdb " + str(first + row + 1), *(f"{x:.5f}" for x in numbers[row])])
        atoms = zip(symbols[start:end], *positions[start:end].T, charges[start:end], strict=True)
        lines = [f"{s}\t{x:.10f}\t{y:.10f}\t{z:.10f}\t{q:.6f}" for s, x, y, z, q in atoms]
        wavenumbers = "\t".join(f"{x:.4f}" for x in waves[row, : 3 * n_atoms - 6])
        smiles = "C" * (row % 9 + 1)
        inchi = f"InChI=1S/C{row}H{n_atoms}/made-up"
        yield "\n".join(
            [str(n_atoms), key, *lines, wavenumbers, f"{smiles}\t{smiles}", f"{inchi}\t{inchi}", ""]
        )


def read(archive: Path) -> None:
    """Read an archive in this process, as the workflow's job does."""
    from mepflow.archives.qm9_table import read_archive

    read_archive(archive, archive.with_name("table.h5"), archive.with_name("rejected.csv"))


def dataset_rows(folder: Path, molecules: int) -> list[Row]:
    """Return the rows of building training data."""
    output = folder / "built.txt"
    used = spent([sys.executable, __file__, "--build", str(molecules)], folder, output=output)
    seconds, copy_s, pairs, megabytes = map(float, output.read_text().split())
    return [
        Row(
            f"data of {molecules:,} molecules with their pairs, built",
            seconds,
            "CPU s",
            asked=60.0,
            floor=copy_s,
            note=f"{pairs / molecules:.0f} pairs a molecule; floor: one copy of the result",
        ),
        Row(
            "memory of that, at its peak",
            used.peak_mb,
            "MB",
            floor=megabytes,
            note="floor: the result; PyTorch and the table are part of the peak",
        ),
    ]


def build(count: int) -> None:
    """Build the data of molecules in this process; print CPU s, s of a copy, pairs and MB."""
    import torch

    from mepflow.models.device_data import DeviceDataset
    from mepflow.molecules import MoleculeTable
    from mepflow.units import ANGSTROM_IN_BOHR

    torch.set_num_threads(1)
    offsets, positions = made_up(count, 1)
    rng = np.random.default_rng(1)
    table = MoleculeTable(
        [f"m{row}" for row in range(count)],
        [""] * count,
        np.zeros(count, dtype=np.int64),
        offsets,
        rng.choice(ELEMENTS, len(positions)).astype(np.uint8),
        positions * ANGSTROM_IN_BOHR,
        {"dipole": np.zeros((count, 3)), "quadrupole": np.zeros((count, 3, 3))},
    )
    start = time.process_time()
    dataset = DeviceDataset.from_table(table, ELEMENTS, CUTOFF_ANGSTROM)
    seconds = time.process_time() - start
    rows = np.arange(count, dtype=np.int64)
    graph = dataset.batch(rows[: count // 10]).graph
    tensors = [values for values in vars(graph).values() if isinstance(values, torch.Tensor)]
    start = time.process_time()
    for values in tensors:
        values.clone()
    copy_s = 10.0 * (time.process_time() - start)
    megabytes = 10.0 * sum(values.nbytes for values in tensors) / 2**20
    print(seconds, copy_s, 10 * len(graph.pair_i), megabytes)  # noqa: T201


def workflow_rows(folder: Path, details: dict[str, Any]) -> list[Row]:
    """Return the rows of Snakemake itself and of the starts of the jobs, by rule in ``details``."""
    copy = folder / "repository"
    copy.mkdir()
    for name in COPIED:
        source = ROOT / name
        tree = shutil.copytree if source.is_dir() else shutil.copy
        tree(source, copy / name)
    plan = folder / "plan.txt"
    paper = spent(snakemake("--dry-run", "--configfile", "config/paper.yaml"), copy, output=plan)
    n_paper = sum(planned_jobs(plan).values())
    spent(snakemake("--dry-run"), copy, output=plan)
    jobs = planned_jobs(plan)
    finish(copy, plan)
    idle = spent(snakemake("--cores", "1"), copy, output=plan)
    starts = {rule: start_of(rule, folder) for rule in jobs}
    details["jobs"] = {rule: {"count": jobs[rule], "start_cpu_s": starts[rule]} for rule in jobs}
    total = sum(starts[rule] * count for rule, count in jobs.items())
    slowest = max(starts, key=lambda rule: starts[rule])
    return [
        Row(f"dry run of paper.yaml, {n_paper:,} jobs", paper.cpu_s, "CPU s", asked=10.0),
        Row("run of the finished default", idle.cpu_s, "CPU s", asked=6.0),
        Row(
            f"imports of the default's {sum(jobs.values())} jobs, all together",
            total,
            "CPU s",
            note=f"at most {starts[slowest]:.1f} s a job ({slowest})",
        ),
    ]


def snakemake(*arguments: str) -> list[str]:
    """Return a command."""
    return [sys.executable, "-m", "snakemake", *arguments]


def planned_jobs(plan: Path) -> Counter[str]:
    """Return the number of jobs of each rule in what a dry run printed."""
    jobs: Counter[str] = Counter()
    lines = iter(plan.read_text().splitlines())
    for line in lines:
        if line.startswith("job ") and line.endswith("count"):
            break
    next(lines, None)
    for line in lines:
        rule, _, count = line.strip().partition(" ")
        if not count.strip().isdigit():
            break
        jobs[rule] = int(count)
    for target in ("all", "total"):
        jobs.pop(target, None)
    return jobs


def finish(copy: Path, listing: Path) -> None:
    """Make the outputs of all jobs, empty, and let Snakemake take them for finished."""
    spent(snakemake("--summary"), copy, output=listing)
    for line in listing.read_text().splitlines()[1:]:
        path = copy / line.split("\t", maxsplit=1)[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    spent(snakemake("--touch", "--cores", "1"), copy)


def start_of(rule: str, folder: Path) -> float:
    """Return the CPU s until the script of a rule has imported what it needs."""
    rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    inherited = re.search(rf"^use rule (\w+) as {rule} with", rules, re.MULTILINE)
    source = (SCRIPTS / f"{inherited[1] if inherited else rule}.py").read_text()
    imports = [line.strip() for line in source.splitlines() if " import " in line]
    code = "\n".join(line for line in imports if line.startswith(("from", "import")))
    program = f"import sys\nsys.path.insert(0, {str(SCRIPTS)!r})\n{code}\n"
    return spent([sys.executable, "-c", program], folder).cpu_s


if __name__ == "__main__":
    main()
