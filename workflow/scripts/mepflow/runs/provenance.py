"""Provenance records: the code, settings and software that made a result."""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mepflow import __version__
from mepflow.errors import InputError
from mepflow.runs.code_digest import script_digest
from mepflow.runs.package_sources import PACKAGE, ROOT
from mepflow.storage.files import atomic_path
from mepflow.storage.versions import NewerVersionError, Upgrade, upgraded

_SOFTWARE: Final = ("snakemake", "numpy", "scipy", "h5py", "pandas", "pyscf", "torch", "rdkit")
RECORD_SUFFIX: Final = ".provenance.json"
FORMAT_VERSION: Final = 1
"""Records without a version, as mepflow 0.1.0 wrote them, are of version 1."""
_UPGRADES: Final[Mapping[int, Upgrade]] = {}
_LARGE_BYTES: Final = 64 * 1024 * 1024
"""Inputs larger than this are not read once more where the job that made them has done so."""


def record_path(output: str | Path) -> Path:
    """Return where the record of the job lies whose first output is ``output``."""
    return Path(f"{output}{RECORD_SUFFIX}")


def write_record(
    results: str,
    rule: str,
    wildcards: Mapping[str, str],
    inputs: Sequence[str],
    outputs: Sequence[str],
    params: Mapping[str, Any],
) -> None:
    """Write the provenance of a job's outputs beside the first of them, as JSON.

    It holds the checksums of inputs and outputs, the settings (the digest of the modules among
    them), the digest of the script, the seed, software, commit, host and time, and the processor
    time and memory that this process has used so far. ``results`` is the folder of the run's
    results, which :mod:`mepflow.runs.verification` may find elsewhere.
    """
    record = {
        "format_version": FORMAT_VERSION,
        "rule": rule,
        "wildcards": dict(wildcards),
        "results": results,
        "inputs": {name: _describe(Path(name), _digest_of_input) for name in inputs},
        "outputs": {name: _describe(Path(name), file_digest) for name in outputs},
        "params": params,
        "seed": _seed(wildcards, params),
        "script": script_digest(rule),
        "software": software_versions(),
        "git_commit": git_commit(),
        "host": platform.node(),
        "platform": platform.platform(),
        "used": _used(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with atomic_path(record_path(outputs[0])) as temporary:
        temporary.write_text(json.dumps(record, indent=1, sort_keys=True, default=str) + "\n")


def _used() -> dict[str, float]:
    """Return the processor time of this process and its children, and its own peak of memory.

    The peak is the kernel's (``VmHWM``): Snakemake's benchmarks look now and then and miss it.
    """
    spent = os.times()
    used = {"cpu_s": spent.user + spent.system + spent.children_user + spent.children_system}
    with contextlib.suppress(OSError, ValueError):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        for line in lines:
            if line.startswith("VmHWM:"):
                used["peak_mb"] = int(line.split()[1]) / 1024
    return used


def read_record(path: Path) -> dict[str, Any]:
    """Return the record in a file; raises :class:`InputError` where it is not whole, or newer."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        record = upgraded(record, record.get("format_version", 1), _UPGRADES, FORMAT_VERSION)
        tables = [record[name] for name in ("wildcards", "inputs", "outputs", "params", "software")]
        tables += [*record["inputs"].values(), *record["outputs"].values()]
        whole = "script" in record and all(isinstance(table, dict) for table in tables)
        whole &= all(isinstance(record[name], str) for name in ("rule", "results"))
    except NewerVersionError as error:
        raise InputError(
            f"{path} is newer than this program ({error}): use the mepflow that wrote it."
        ) from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise InputError(f"{path} is not a whole record: delete it with its result and run again.")
    return dict(record)


def plain(value: Any) -> Any:
    """Return a value as a record gives it back: lists for tuples, text for paths."""
    return json.loads(json.dumps(value, default=str))


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and the contents of a folder's files."""
    if path.is_dir():
        digest = hashlib.sha256()
        for file in sorted(file for file in path.rglob("*") if file.is_file()):
            digest.update(f"{file.relative_to(path)}\0{file_digest(file)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _describe(path: Path, digest: Callable[[Path], str]) -> dict[str, Any]:
    status = path.stat()
    return {"bytes": status.st_size, "modified_ns": status.st_mtime_ns, "sha256": digest(path)}


def _digest_of_input(path: Path) -> str:
    """Return the SHA-256 of a file; of a large one, what the job that made it has recorded.

    That record counts as long as the file's size and time are those of the record. An archive of
    37 GB takes minutes to read, and many jobs read the same reference.
    """
    status = path.stat()
    if path.is_file() and status.st_size > _LARGE_BYTES:
        for candidate in (record_path(path), *path.parent.glob(f"*{RECORD_SUFFIX}")):
            with contextlib.suppress(InputError):
                entry = read_record(candidate)["outputs"].get(str(path), {})
                if (entry.get("bytes"), entry.get("modified_ns")) == (
                    status.st_size,
                    status.st_mtime_ns,
                ):
                    return str(entry["sha256"])
    return file_digest(path)


def _seed(wildcards: Mapping[str, str], params: Any) -> int | None:
    """Return the seed that a job drew from: of its training, or of its split."""
    if "seed" in wildcards:
        return int(wildcards["seed"])
    if isinstance(params, Mapping):
        if "seed" in params:
            return int(params["seed"])
        found = (_seed({}, value) for value in params.values())
        return next((seed for seed in found if seed is not None), None)
    return None


def software_versions() -> dict[str, str]:
    """Return the versions of Python, mepflow and of the packages that are installed."""
    versions = {"python": platform.python_version(), PACKAGE: __version__}
    for name in _SOFTWARE:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def git_commit() -> str | None:
    """Return the commit of the code, with ``+`` where files were changed, or None outside git."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip()
