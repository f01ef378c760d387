"""Checks that results are what their records say, and what the present workflow would make.

A *plan* is the list of all jobs of a run: dictionaries with ``rule``, ``wildcards``, ``inputs``,
``outputs`` and ``params``. Only the standard library is imported, as in
:mod:`mepflow.runs.provenance`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mepflow.errors import InputError
from mepflow.runs.code_digest import script_digest
from mepflow.runs.provenance import file_digest, plain, read_record, record_path, software_versions
from mepflow.runs.results_folder import RUN_RECORD

Job = Mapping[str, Any]

_REMAKE: Final = "delete it and run snakemake"
_AGAIN: Final = "run snakemake"
_NOT_RESULTS: Final = ("logs", "benchmarks", "state")
"""Folders of the results whose files no job reads."""


@dataclass(frozen=True)
class Problem:
    """A file that is not what it should be, why, and what to do."""

    path: str
    reason: str
    remedy: str


@dataclass
class Verification:
    """What was found: the number of files whose content was compared, problems, and remarks."""

    compared: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def report(self) -> str:
        """Return the table of the problems under the numbers, and the remarks."""
        lines = [f"{self.compared} files compared with the records: {len(self.problems)} problems"]
        if self.problems:
            rows = [("file", "what is wrong", "what to do")]
            rows += [(p.path, p.reason, p.remedy) for p in self.problems]
            widths = [max(len(row[column]) for row in rows) for column in range(2)]
            lines += ["", *(f"{a:{widths[0]}}  {b:{widths[1]}}  {c}" for a, b, c in rows), ""]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])


def verify(results: str, plan: Sequence[Job], threads: int = 1) -> Verification:
    """Compare all files in the folder ``results`` with their records, and these with the plan.

    Every file is read in full. A problem is a result without a record, a result or an input whose
    content is not the recorded one, and a result that the present inputs, settings or code would
    not give. Other versions of the software, files that no job of the plan makes and results that
    are not there yet are remarks. Raises :class:`InputError` where there is no result at all.
    """
    found = Verification()
    records = dict(_records(results, plan, found))
    present = {name for job in plan for name in job["outputs"] if Path(name).exists()}
    if not present:
        raise InputError(f"{results} holds no results of this run: run snakemake first.")
    digests = _digests(_files_of(plan, records), threads)
    found.compared = len(digests)
    for job in plan:
        record = records.get(job["outputs"][0])
        if record is not None:
            _check_outputs(job, record, digests, found)
    changed = {problem.path for problem in found.problems}
    for job in plan:
        record = records.get(job["outputs"][0])
        if record is not None:
            found.problems += _outdated(job, record, digests, changed)
    found.problems.sort(key=lambda problem: problem.path)
    found.notes += _notes(results, plan, present, changed, records.values())
    return found


def _records(
    results: str, plan: Sequence[Job], found: Verification
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the record of each job by its first output; what has none is a problem."""
    for job in plan:
        outputs = job["outputs"]
        path = record_path(outputs[0])
        if path.exists():
            try:
                yield outputs[0], _moved(read_record(path), results)
            except InputError:
                found.problems.append(Problem(str(path), "is damaged", _remake(outputs)))
            continue
        for output in outputs:
            if Path(output).exists():
                found.problems.append(Problem(output, "has no record", _remake([output])))


def _remake(outputs: Sequence[str]) -> str:
    return _REMAKE if len(outputs) == 1 else f"delete {outputs[0]} and run snakemake"


def _moved(record: dict[str, Any], results: str) -> dict[str, Any]:
    """Return a record with its paths as they are where the results' folder is ``results``."""
    before = f"{record['results'].rstrip('/')}/"

    def renamed(value: Any) -> Any:
        if isinstance(value, str) and value.startswith(before):
            return f"{results}/{value.removeprefix(before)}"
        if isinstance(value, list):
            return [renamed(item) for item in value]
        if isinstance(value, dict):
            return {renamed(key): renamed(item) for key, item in value.items()}
        return value

    return {name: renamed(value) for name, value in record.items()}


def _files_of(plan: Sequence[Job], records: Mapping[str, Job]) -> set[str]:
    """Return the files that the records name and that are there."""
    names: set[str] = set()
    for job in plan:
        record = records.get(job["outputs"][0])
        if record is not None:
            names.update(job["outputs"], record["inputs"])
    return {name for name in names if Path(name).exists()}


def _digests(names: Iterable[str], threads: int) -> dict[str, str]:
    """Return the checksum of each file; hashing lets other threads go on."""
    ordered = sorted(names)
    with ThreadPoolExecutor(threads) as pool:
        digests = pool.map(lambda name: file_digest(Path(name)), ordered)
        return dict(zip(ordered, digests, strict=True))


def _check_outputs(job: Job, record: Job, digests: Mapping[str, str], found: Verification) -> None:
    for output in job["outputs"]:
        recorded = record["outputs"].get(output, {}).get("sha256")
        if output not in digests:
            reason = "is gone, its record is there"
        elif recorded is None:
            reason = "is not in the record beside it"
        elif digests[output] != recorded:
            reason = "has changed since it was made"
        else:
            continue
        found.problems.append(Problem(output, reason, _REMAKE))


def _outdated(
    job: Job, record: Job, digests: Mapping[str, str], changed: set[str]
) -> Iterator[Problem]:
    """Yield why the present workflow would make something else than a job's outputs.

    What follows from a result in ``changed`` is left out: that one is named already.
    """
    output = job["outputs"][0]
    for name in sorted({*record["inputs"], *job["inputs"]} - changed):
        entry = record["inputs"].get(name)
        if entry is None:
            yield Problem(output, f"was made without the input {name}", _AGAIN)
        elif name not in job["inputs"]:
            yield Problem(output, f"was made from {name}, which is no input any more", _AGAIN)
        elif name not in digests:
            yield Problem(name, "is gone", f"bring it back: {output} was made from it")
        elif digests[name] != entry.get("sha256"):
            remedy = f"bring the former one back, or delete {output} and run snakemake"
            yield Problem(name, f"has changed since {output} was made from it", remedy)
    differing = list(_differences(record["params"], plain(job["params"])))
    if "code" in differing or record["script"] != script_digest(job["rule"]):
        yield Problem(output, "was made by another version of the code", _AGAIN)
    if settings := ", ".join(name for name in differing if name != "code"):
        yield Problem(output, f"was made with another {settings}", _AGAIN)


def _differences(one: Any, other: Any, name: str = "") -> Iterator[str]:
    """Yield the names of the settings, such as ``training.steps``, in which two values differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            inner = f"{name}.{key}" if name else key
            yield from _differences(one.get(key), other.get(key), inner)
    elif one != other:
        yield name


def _notes(
    results: str, plan: Sequence[Job], present: set[str], changed: set[str], records: Iterable[Job]
) -> Iterator[str]:
    missing = sum(len(job["outputs"]) for job in plan) - len(present | changed)
    if missing:
        yield f"{missing} results are not there yet"
    here = software_versions()
    versions: Counter[str] = Counter()
    for record in records:
        for name, version in record["software"].items():
            if here.get(name) != version:
                is_here = f"here is {here[name]}" if name in here else "not installed here"
                versions[f"{name} {version}, {is_here}"] += 1
    for text, count in sorted(versions.items()):
        yield f"{count} jobs ran with {text}"
    for path in _foreign(Path(results), plan):
        yield f"{path} is no result of this run"


def _foreign(results: Path, plan: Sequence[Job]) -> Iterator[Path]:
    """Yield the files among the results that no job of the plan makes."""
    known = {Path(name) for job in plan for name in job["outputs"]}
    known |= {record_path(job["outputs"][0]) for job in plan} | {results / RUN_RECORD}
    for path in sorted(results.rglob("*")):
        parts = path.relative_to(results).parts
        hidden = any(part.startswith(".") for part in parts)
        skipped = hidden or set(_NOT_RESULTS).intersection(parts[:-1])
        if path.is_file() and path not in known and not skipped:
            yield path
