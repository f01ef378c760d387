"""Measure the reader of SPICE: memory and time against the size of the archive.

Run from the repository's root, in the project's environment::

    python benchmarks/spice_reader.py --gigabytes 5

A file of SPICE's layout with random numbers grows in a temporary folder to 1/5, 1/2 and the whole
of the size that is asked for. At each size a process of its own reads it, after the file has been
put out of the page cache, and says what it used; then the file is read plainly, from end to end,
for comparison. The result goes to the standard output as JSON, and as a table in Markdown.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from rdkit import Chem  # noqa: E402

from mepflow.archives.spice_table import read_archive  # noqa: E402

GIGABYTE: Final = 10**9
STEPS: Final = (0.2, 0.5, 1.0)
CONFORMERS: Final = 50
ATOMS: Final = (20, 60)
ATOM_DISTANCE_BOHR: Final = 2.5
FRAGMENTS: Final = (
    "C", "C", "C", "N", "O", "S", "C(F)", "C(Cl)", "C(=O)N", "C(=O)O", "C=C", "[C@H](C)",
    "c1ccc(cc1)", "c1cnc(cn1)", "C1CCC(C1)", "[C@@H](O)", "S(=O)(=O)N", "C(C)(C)",
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """The datasets of a group that have a row per conformer: shape of a row, unit."""

    name: str
    shape: tuple[str | int, ...]
    unit: str = ""
    is_read: bool = False


LAYOUT: Final = (
    Layout("conformations", ("atoms", 3), "bohr", is_read=True),
    Layout("dft_total_gradient", ("atoms", 3), "hartree/bohr", is_read=True),
    Layout("mayer_indices", ("atoms", "atoms")),
    Layout("mbis_charges", ("atoms", 1), "elementary_charge", is_read=True),
    Layout("mbis_dipoles", ("atoms", 3), "elementary_charge*bohr", is_read=True),
    Layout("mbis_octupoles", ("atoms", 3, 3, 3), "elementary_charge*bohr^3"),
    Layout("mbis_quadrupoles", ("atoms", 3, 3), "elementary_charge*bohr^2", is_read=True),
    Layout("scf_dipole", (3,), "elementary_charge*bohr", is_read=True),
    Layout("scf_quadrupole", (3, 3), "elementary_charge*bohr^2", is_read=True),
    Layout("wiberg_lowdin_indices", ("atoms", "atoms")),
)


def main() -> None:
    """Measure at every size and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--gigabytes", type=float, default=5.0, help="size of the largest file")
    parser.add_argument("--conformers", default="lowest", help="lowest, all or a number")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        json.dump(read(arguments.read, arguments.conformers), sys.stdout)
        return
    folder = Path(tempfile.mkdtemp(prefix="spice-", dir=arguments.folder))
    try:
        results = [
            {**step, **measure(folder / "archive.hdf5", arguments.conformers)}
            for step in grow(folder / "archive.hdf5", arguments.gigabytes)
        ]
    finally:
        shutil.rmtree(folder)
    result = {"conformers": arguments.conformers, "steps": results}
    sys.stdout.write(json.dumps(result, indent=1) + "\n\n" + markdown(results))


def read(path: Path, conformers: str) -> dict[str, Any]:
    """Read an archive in this process; return seconds, peak memory and bytes that were read."""
    selection: Any = int(conformers) if conformers.isdecimal() else conformers
    before = counters("io")
    start = time.perf_counter()
    read_archive(path, path.with_name("table.h5"), path.with_name("rejected.csv"), None, selection)
    seconds = time.perf_counter() - start
    after = counters("io")
    return {
        "seconds": seconds,
        "cpu_seconds": time.process_time(),
        "peak_megabytes": counters("status")["VmHWM"] / 1024,
        "asked_gigabytes": (after["rchar"] - before["rchar"]) / GIGABYTE,
        "disk_gigabytes": (after["read_bytes"] - before["read_bytes"]) / GIGABYTE,
    }


def counters(name: str) -> dict[str, int]:
    """Return the numbers of a file of /proc/self."""
    lines = (line.split() for line in Path("/proc/self", name).read_text().splitlines())
    return {
        words[0].rstrip(":"): int(words[1])
        for words in lines
        if words[1:2] and words[1].isdecimal()
    }


def measure(path: Path, conformers: str) -> dict[str, Any]:
    """Read the file in a process of its own, then plainly."""
    forget(path)
    command = [sys.executable, __file__, "--read", str(path), "--conformers", conformers]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    forget(path)
    start = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 24):
            pass
    return {**json.loads(result.stdout), "plain_seconds": time.perf_counter() - start}


def forget(path: Path) -> None:
    """Put a file out of the page cache."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def grow(path: Path, gigabytes: float) -> Iterator[dict[str, Any]]:
    """Append groups to the file; yield what is in it at each of the steps."""
    rng = np.random.default_rng(1)
    numbers = rng.normal(scale=0.1, size=10_000_000).astype(np.float32)
    groups, needed = 0, 0
    for step in STEPS:
        size = 0
        with h5py.File(path, "a") as file:
            while size < step * gigabytes * GIGABYTE:
                needed += append(file, f"{groups:08d}", rng, numbers)
                groups += 1
                size = file.id.get_filesize()
        yield {
            "gigabytes": path.stat().st_size / GIGABYTE,
            "groups": groups,
            "needed_gigabytes": needed / GIGABYTE,
        }


def append(file: h5py.File, name: str, rng: np.random.Generator, numbers: Any) -> int:
    """Write a group; return the bytes of it that belong to one conformer."""
    smiles, atomic_numbers = molecule(rng)
    atoms = len(atomic_numbers)
    group = file.create_group(name)
    for text, value in {"smiles": smiles, "subset": "synthetic"}.items():
        group.create_dataset(text, data=[value], dtype=h5py.string_dtype())
    group["atomic_numbers"] = np.array(atomic_numbers, dtype=np.int16)
    group["dft_total_energy"] = rng.normal(size=CONFORMERS)
    group["dft_total_energy"].attrs["units"] = "hartree"
    needed = len(smiles) + 2 * atoms + 8 * CONFORMERS
    for layout in LAYOUT:
        row = [atoms if length == "atoms" else int(length) for length in layout.shape]
        count = CONFORMERS * int(np.prod(row))
        start = int(rng.integers(len(numbers) - count))
        values = numbers[start : start + count].reshape(CONFORMERS, *row)
        if layout.name == "conformations":
            values = values + lattice(atoms)
        if layout.name == "scf_quadrupole":
            values = values + values.transpose(0, 2, 1)
        dataset = group.create_dataset(layout.name, data=values)
        if layout.unit:
            dataset.attrs["units"] = layout.unit
        needed += layout.is_read * values[0].nbytes
    return needed


def molecule(rng: np.random.Generator) -> tuple[str, list[int]]:
    """Return a random molecule's mapped SMILES with every hydrogen, and its elements."""
    while True:
        parts = rng.choice(FRAGMENTS, size=rng.integers(3, 12))
        graph = Chem.MolFromSmiles("C" + "".join(parts) + "C")
        if graph is None:
            continue
        graph = Chem.AddHs(graph)
        if ATOMS[0] <= graph.GetNumAtoms() <= ATOMS[1]:
            break
    for index, atom in enumerate(graph.GetAtoms(), start=1):
        atom.SetAtomMapNum(index)
    return Chem.MolToSmiles(graph), [atom.GetAtomicNum() for atom in graph.GetAtoms()]


def lattice(atoms: int) -> np.ndarray:
    """Return positions (atoms, 3) that no noise brings too close to each other."""
    corners = np.indices((4, 4, 4)).reshape(3, -1).T[:atoms]
    return (ATOM_DISTANCE_BOHR * corners).astype(np.float32)


def markdown(results: list[dict[str, Any]]) -> str:
    """Return the table."""
    heading = (
        "GB", "groups", "peak memory (MB)", "s", "CPU s", "groups/s", "one conformer each (GB)",
        "asked for (GB)", "from disk (GB)", "plain reading of the file (s)",
    )  # fmt: skip
    rows = [
        (
            f"{step['gigabytes']:.2f}",
            f"{step['groups']}",
            f"{step['peak_megabytes']:.0f}",
            f"{step['seconds']:.1f}",
            f"{step['cpu_seconds']:.1f}",
            f"{step['groups'] / step['seconds']:.0f}",
            f"{step['needed_gigabytes']:.3f}",
            f"{step['asked_gigabytes']:.3f}",
            f"{step['disk_gigabytes']:.3f}",
            f"{step['plain_seconds']:.1f}",
        )
        for step in results
    ]
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
