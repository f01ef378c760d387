"""The plan of a run: its jobs, and what its page shows, as the rules of the workflow say.

The one module that knows Snakemake's inside, by the methods of a rule that :class:`Rule` names.
Only the standard library is imported.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypedDict

_REPORT: Final = "report"
"""Flag of Snakemake on an output that belongs to its report."""


class Rule(Protocol):
    """What is used of Snakemake's rules; the first of a pair is the expansion of the rule."""

    name: str
    output: Sequence[Any]

    def is_producer(self, requested_output: str) -> bool:
        """Return whether the rule makes a file."""

    def get_wildcards(self, requested_output: str) -> Mapping[str, str]:
        """Return the values of the wildcards with which the rule makes a file."""

    def expand_output(self, wildcards: Any) -> tuple[Sequence[str], Any]:
        """Return the outputs, and what belongs to them."""

    def expand_input(self, wildcards: Any) -> tuple[Any, ...]:
        """Return the inputs, and what belongs to them."""

    def expand_params(
        self, wildcards: Any, input: Any, output: Any, resources: Any
    ) -> tuple[Mapping[str, Any], Any]:
        """Return the params, and what belongs to them."""

    def expand_log(self, wildcards: Any) -> Sequence[Any]:
        """Return the logs."""


class PlannedJob(TypedDict):
    """A job: its rule, the values of its wildcards, its files, and its params."""

    rule: str
    wildcards: dict[str, str]
    inputs: list[str]
    outputs: list[str]
    log: str
    params: dict[str, Any]


@dataclass(frozen=True)
class PageItem:
    """A table or figure of the page, with files relative to the results.

    ``file`` is the Markdown of the table or the PNG of the figure; ``csv`` the table to download
    and ``pdf`` the figure as PDF, where there are any; ``record`` the first output of the job that
    made it. ``caption`` is a template that knows ``wildcards`` and ``params``.
    """

    file: str
    csv: str | None
    pdf: str | None
    record: str
    title: str
    category: str
    dataset: str
    caption: str
    wildcards: Mapping[str, str]
    params: Mapping[str, Any]

    @property
    def shown_files(self) -> list[str]:
        """The files that the page reads."""
        return [name for name in (self.file, self.csv) if name]


@dataclass(frozen=True)
class DatasetFiles:
    """Files of a dataset that the first numbers of the page come from, relative to the results.

    ``table`` and ``differences`` are the MEP errors and their paired differences, None in a run
    that does not ask for that table; ``verdicts`` and ``splits`` say how many structures were
    learned from. ``note`` says what the archive is, where that is not the original of its format
    (may be empty).
    """

    dataset: str
    table: str | None
    differences: str | None
    verdicts: str
    splits: str
    note: str

    @property
    def shown_files(self) -> list[str]:
        """The files that the page reads."""
        files = (self.table, self.differences, self.verdicts, self.splits)
        return [file for file in files if file is not None]


@dataclass(frozen=True)
class SurfaceView:
    """Molecules with a surface (the grid ``grid``) and the files with potentials there.

    ``reference`` and ``predictions``, one of each model, are relative to the results.
    """

    dataset: str
    grid: str
    molecules: Sequence[str]
    reference: str
    predictions: Sequence[str]

    @property
    def shown_files(self) -> list[str]:
        """The files that the page reads."""
        return [self.reference, *self.predictions]


class RunningJob(Protocol):
    """What is used of the jobs that Snakemake is about to run."""

    input: Iterable[Any]
    output: Iterable[Any]


def given_inputs(jobs: Iterable[RunningJob]) -> set[str]:
    """Return the files that jobs will read and none of them makes."""
    running = list(jobs)
    made = {str(file) for job in running for file in job.output}
    return {str(file) for job in running for file in job.input} - made


def lock_files(persistence: Any) -> list[str]:
    """Return the files of the lock that this Snakemake holds, none where it keeps no such files."""
    return list(getattr(persistence, "_lockfile", {}).values())


def planned_jobs(
    rules: Iterable[Rule], targets: Iterable[object], results: str
) -> list[PlannedJob]:
    """Return every job that makes a result below the folder ``results`` on the way to ``targets``.

    Of two rules for the same file the later one makes it, as its ruleorder says.
    """
    known = list(rules)
    waiting = list(map(str, targets))
    jobs: dict[str, PlannedJob] = {}
    while waiting:
        file = waiting.pop()
        maker = _maker(known, file)
        if maker is None or not file.startswith(f"{results}/"):
            continue
        wildcards = maker.get_wildcards(file)
        outputs, _ = maker.expand_output(wildcards)
        if outputs[0] not in jobs:
            job = _job(maker, wildcards, outputs)
            jobs[outputs[0]] = job
            waiting.extend(job["inputs"])
    return list(jobs.values())


def _maker(rules: Sequence[Rule], file: str) -> Rule | None:
    makers = [rule for rule in rules if rule.is_producer(file)]
    return makers[-1] if makers else None


def _job(maker: Rule, wildcards: Mapping[str, str], outputs: Sequence[str]) -> PlannedJob:
    inputs = maker.expand_input(wildcards)[0]
    params, _ = maker.expand_params(wildcards, inputs, outputs, None)
    return PlannedJob(
        rule=maker.name,
        wildcards=dict(wildcards),
        inputs=list(map(str, inputs)),
        outputs=list(map(str, outputs)),
        log=str(maker.expand_log(wildcards)[0]),
        params=dict(params.items()),
    )


def page_items(
    rules: Iterable[Rule], files: Iterable[str], results: str, read: Callable[[Any], str]
) -> list[PageItem]:
    """Return what the page says about tables and figures: what the rules tell the report.

    ``read`` returns the text of a caption's file. Every file must be the output of a rule.
    """
    known = list(rules)
    return [_page_item(known, file, results, read) for file in files]


def _page_item(
    rules: Sequence[Rule], file: str, results: str, read: Callable[[Any], str]
) -> PageItem:
    maker = _maker(rules, file)
    if maker is None:
        raise LookupError(f"no rule makes {file}")
    wildcards = maker.get_wildcards(file)
    outputs, _ = maker.expand_output(wildcards)
    job = _job(maker, wildcards, outputs)
    shown, described = next(
        (path, pattern.flags[_REPORT])
        for pattern, path in zip(maker.output, job["outputs"], strict=True)
        if getattr(pattern, "flags", {}).get(_REPORT)
    )
    labels = {name: text.format(**wildcards) for name, text in described.labels.items()}
    dataset = labels.pop("dataset")
    title = " ".join(labels.values()).replace("mep", "MEP")
    csv, pdf = _beside(job)
    return PageItem(
        file=below(shown, results),
        csv=csv and below(csv, results),
        pdf=pdf and below(pdf, results),
        record=below(job["outputs"][0], results),
        title=title[:1].upper() + title[1:],
        category=described.category,
        dataset=dataset,
        caption=read(described.caption),
        wildcards=job["wildcards"],
        params={name: value for name, value in job["params"].items() if name != "code"},
    )


def _beside(job: PlannedJob) -> tuple[str | None, str | None]:
    """Return the table and the PDF that belong to a table or figure."""
    by_suffix = {Path(path).suffix: path for path in job["outputs"]}
    tables = [p for p in (*job["outputs"], *job["inputs"]) if Path(p).match("tables/*.csv")]
    return (tables[0] if tables else by_suffix.get(".csv")), by_suffix.get(".pdf")


def below(path: str, results: str) -> str:
    """Return a path relative to the results, which may be moved."""
    return str(Path(path).relative_to(results))
