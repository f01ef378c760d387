"""Verdicts: the first filter counts, the counts add up, the files are read with care."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mepflow.errors import InputError
from mepflow.selection.verdicts import (
    COLUMNS,
    REASONS,
    funnel,
    judge,
    read_funnel,
    read_verdicts,
    summarise,
)
from mepflow.storage.csv_file import write_csv


def failing(*failed):
    """Return a filter that rejects these rows, and must not see others twice."""
    return lambda rows: {row: f"row {row}" for row in rows.tolist() if row in failed}


def test_the_order_is_the_documented_one():
    assert list(REASONS) == [
        "unreadable_record",
        "uncharacterized",
        "other_subset",
        "unsupported_element",
        "charged",
        "open_shell",
        "several_molecules",
        "too_large",
        "large_force",
        "inchi_changed",
        "smiles_changed",
        "duplicate",
        "scf_not_converged",
        "dipole_mismatch",
    ]


def test_the_first_filter_counts_and_the_next_do_not_see_what_it_took():
    seen = {}

    def watched(rows):
        seen["rows"] = rows.tolist()
        return {2: "second"}

    verdicts = judge(["a", "b", "c"], {"charged": failing(1), "too_large": watched})
    assert seen["rows"] == [0, 2]
    assert list(verdicts.columns) == list(COLUMNS)
    assert verdicts.to_numpy().tolist() == [
        ["a", "kept", "", ""],
        ["b", "rejected", "charged", "row 1"],
        ["c", "rejected", "too_large", "second"],
    ]


def test_filters_in_another_order_are_a_mistake():
    with pytest.raises(ValueError, match="not in the order"):
        judge(["a"], {"too_large": failing(), "charged": failing()})
    with pytest.raises(ValueError, match="not in the order"):
        judge(["a"], {"ugly": failing()})


def test_no_molecules_and_no_filters_are_fine():
    assert judge([], {"charged": failing()}).empty
    assert list(judge(["a"], {})["verdict"]) == ["kept"]


@given(st.dictionaries(st.sampled_from(list(REASONS)), st.sets(st.integers(0, 19))))
def test_counts_add_up(failed):
    filters = {reason: failing(*failed[reason]) for reason in REASONS if reason in failed}
    verdicts = judge([f"m{row:02d}" for row in range(20)], filters)
    summary = summarise(verdicts, list(filters))
    assert list(summary["reason"]) == list(filters)
    assert [len(ids.split()) for ids in summary["ids"]] == list(summary["count"])
    steps = funnel(verdicts, list(filters))
    assert list(steps["step"]) == ["archive", *filters]
    assert steps["remaining"].iloc[0] == 20
    assert steps["remaining"].iloc[-1] == (verdicts["verdict"] == "kept").sum()
    np.testing.assert_array_equal(-np.diff(steps["remaining"]), steps["rejected"][1:])


def test_a_step_that_was_not_applied_cannot_have_rejected():
    verdicts = judge(["a", "b"], {"charged": failing(1)})
    with pytest.raises(ValueError, match="charged, which was not looked for"):
        funnel(verdicts, ["too_large"])


def test_a_file_gives_the_funnel_back(tmp_path):
    steps = funnel(judge(["a", "b"], {"charged": failing(1)}), ["charged", "too_large"])
    write_csv(steps, tmp_path / "funnel.csv")
    pd.testing.assert_frame_equal(read_funnel(tmp_path / "funnel.csv"), steps)


GOOD_FUNNEL = "step,rejected,remaining\narchive,0,2\ncharged,1,1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "does not exist: run the rule"),
        ("", "is damaged"),
        ("step,rejected\narchive,0\n", "has not the columns step, rejected, remaining"),
        (GOOD_FUNNEL.replace("archive", "charged"), "unknown step or count"),
        (GOOD_FUNNEL.replace("charged", "ugly"), "unknown step or count"),
        (GOOD_FUNNEL.replace("1,1", "one,1"), "unknown step or count"),
        ("step,rejected,remaining\n", "unknown step or count"),
    ],
)
def test_a_damaged_funnel_is_one_sentence(tmp_path, text, message):
    path = tmp_path / "funnel.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=rf"funnel\.csv {message}|funnel\.csv .*{message}"):
        read_funnel(path)


GOOD_CSV = "id,verdict,reason,detail\na,kept,,\nb,rejected,uncharacterized,x\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "does not exist: run the rule"),
        ("", "is damaged"),
        ('id,verdict,reason,detail\n"a,kept', "is damaged"),
        ("id,verdict\na,kept\n", "has not the columns id, verdict, reason, detail"),
        (GOOD_CSV.replace("kept", "keep"), "unknown verdict or reason"),
        (GOOD_CSV.replace("uncharacterized", "ugly"), "unknown verdict or reason"),
        (GOOD_CSV.replace("uncharacterized", ""), "unknown verdict or reason"),
        (GOOD_CSV.replace("kept,", "kept,smiles_changed"), "unknown verdict or reason"),
        (GOOD_CSV + "a,kept,,\n", "holds a twice"),
    ],
)
def test_a_damaged_table_of_verdicts_is_one_sentence(tmp_path, text, message):
    path = tmp_path / "verdicts.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=rf"verdicts\.csv {message}|verdicts\.csv .*{message}"):
        read_verdicts(path)


def test_a_key_that_looks_like_nothing_stays_a_key(tmp_path):
    path = tmp_path / "verdicts.csv"
    path.write_text("id,verdict,reason,detail\nNA,kept,,\n007,kept,,\n")
    assert list(read_verdicts(path)["id"]) == ["NA", "007"]
