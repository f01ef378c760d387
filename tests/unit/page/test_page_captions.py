"""Captions of the report as HTML."""

from html import unescape

import pytest

from mepflow.errors import InputError
from mepflow.page.captions import caption_html


def test_markup_of_the_caption_is_kept() -> None:
    assert caption_html("**Errors** of *AC-D*.", {}) == (
        "<p><strong>Errors</strong> of <em>AC-D</em>.</p>\n"
    )


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "a_b_",
        "*a*",
        "``a``",
        "|a|",
        "`x <javascript:alert(1)>`_",
        "<script>alert(1)</script>",
        "C[C@@H](F)Cl:0",
        "back\\slash",
    ],
)
def test_values_stay_text(value: str) -> None:
    html = caption_html("**Of {{ snakemake.wildcards.molecule }}** here", {}, {"molecule": value})
    assert unescape(html) == f"<p><strong>Of {value}</strong> here</p>\n"
    assert "<script" not in html


def test_values_can_be_looked_up_and_joined() -> None:
    config = {"datasets": {"my_data": {"level": "b3lyp"}}, "seeds": [1, 2]}
    template = (
        '{% set row = snakemake.config["datasets"][snakemake.wildcards.dataset] -%}'
        '{{ row["level"] }}, {{ snakemake.config["seeds"] | join(", ") }}, '
        "{{ snakemake.params.grid }}"
    )
    html = caption_html(template, config, {"dataset": "my_data"}, {"grid": "mk"})
    assert html == "<p>b3lyp, 1, 2, mk</p>\n"


@pytest.mark.parametrize("template", ["{{ snakemake.params.nothing }}", "{% if %}"])
def test_captions_that_cannot_be_filled_in_are_named(template: str) -> None:
    with pytest.raises(InputError, match=r"workflow/report"):
        caption_html(template, {})


def test_raw_html_and_files_are_off() -> None:
    html = caption_html("Before\n\n.. raw:: html\n\n   <b>x</b>\n\n.. include:: /etc/passwd\n", {})
    assert "<b>" not in html
    assert "root:" not in html
