"""The plan of jobs and the items of the page, from rules as Snakemake has them."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from mepflow.runs.plan import PageItem, SurfaceView, below, page_items, planned_jobs


class Text(str):
    """An output with flags, as Snakemake annotates it."""

    flags: dict[str, Any]

    def __new__(cls, text: str, **flags: Any) -> "Text":
        made = super().__new__(cls, text)
        made.flags = flags
        return made


class Rule:
    """A rule with one wildcard, ``dataset``, and what :class:`mepflow.runs.plan.Rule` asks."""

    def __init__(self, name: str, inputs: list[str], outputs: list[str], **params: Any) -> None:
        self.name, self.inputs, self.output, self.params = name, inputs, outputs, params

    def _match(self, file: str) -> re.Match[str] | None:
        patterns = (
            re.escape(o).replace(r"\{dataset\}", "(?P<dataset>[a-z0-9]+)") for o in self.output
        )
        return next((m for p in patterns if (m := re.fullmatch(p, file))), None)

    def is_producer(self, file: str) -> bool:
        return self._match(file) is not None

    def get_wildcards(self, file: str) -> dict[str, str]:
        match = self._match(file)
        assert match
        return match.groupdict()

    def expand_output(self, wildcards: dict[str, str]) -> tuple[list[str], None]:
        return [output.format(**wildcards) for output in self.output], None

    def expand_input(self, wildcards: dict[str, str]) -> tuple[list[str], None]:
        return [name.format(**wildcards) for name in self.inputs], None

    def expand_params(self, wildcards: Any, inputs: Any, outputs: Any, _: Any) -> Any:
        return {"code": "digest", **self.params}, None

    def expand_log(self, wildcards: dict[str, str]) -> list[str]:
        return [f"out/{wildcards['dataset']}/logs/{self.name}.log"]


def described(**labels: str) -> Any:
    return SimpleNamespace(labels=labels, category="Tables", caption="caption.rst")


TABLE = Text("out/{dataset}/tables/mep.md", report=described(dataset="{dataset}", table="mep"))
PICTURE = Text("out/{dataset}/figures/mep.png", report=described(dataset="{dataset}", figure="mep"))
READ = Rule("read", ["archive.xyz"], ["out/{dataset}/archive.h5"])
TABULATE = Rule("tabulate", [READ.output[0]], ["out/{dataset}/tables/mep.csv", TABLE], grid="mk")
PLOT = Rule("plot", ["out/{dataset}/tables/mep.csv"], [PICTURE, "out/{dataset}/figures/mep.pdf"])
TOGETHER = Rule("together", ["archive.xyz"], ["out/{dataset}/archive.h5", "out/{dataset}/more.h5"])
RULES = [READ, TABULATE, PLOT]


def test_every_job_on_the_way_is_planned_once() -> None:
    targets = ["out/a/tables/mep.csv", "out/a/figures/mep.png", "elsewhere/b.csv"]
    jobs = planned_jobs(RULES, targets, "out")
    assert sorted(job["rule"] for job in jobs) == ["plot", "read", "tabulate"]
    (table,) = [job for job in jobs if job["rule"] == "tabulate"]
    assert table == {
        "rule": "tabulate",
        "wildcards": {"dataset": "a"},
        "inputs": ["out/a/archive.h5"],
        "outputs": ["out/a/tables/mep.csv", "out/a/tables/mep.md"],
        "log": "out/a/logs/tabulate.log",
        "params": {"code": "digest", "grid": "mk"},
    }


def test_of_two_rules_for_a_file_the_later_one_makes_it() -> None:
    (job,) = planned_jobs([READ, TOGETHER], ["out/a/archive.h5", "out/a/more.h5"], "out")
    assert job["rule"] == "together"


def test_items_are_what_the_report_is_told() -> None:
    files = ["out/a/tables/mep.csv", "out/a/figures/mep.png"]
    table, figure = page_items(RULES, files, "out", lambda file: f"text of {file}")
    assert table == PageItem(
        file="a/tables/mep.md",
        csv="a/tables/mep.csv",
        pdf=None,
        record="a/tables/mep.csv",
        title="MEP",
        category="Tables",
        dataset="a",
        caption="text of caption.rst",
        wildcards={"dataset": "a"},
        params={"grid": "mk"},
    )
    # The table that a figure is drawn from can be downloaded with it.
    assert (figure.csv, figure.pdf) == ("a/tables/mep.csv", "a/figures/mep.pdf")
    assert figure.shown_files == ["a/figures/mep.png", "a/tables/mep.csv"]


def test_an_item_that_no_rule_makes_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"no rule makes out/a/other\.csv"):
        page_items(RULES, ["out/a/other.csv"], "out", str)


def test_a_view_is_made_of_reference_and_predictions() -> None:
    assert SurfaceView("a", "surface", ["m"], "r.h5", ["p.h5"]).shown_files == ["r.h5", "p.h5"]
    assert below("out/a/b.csv", "out") == "a/b.csv"
