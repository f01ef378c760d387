"""What names mean, where they stand."""

import pytest
from page_case import CONFIG

from mepflow.naming import BASELINES, baseline_words, level_label, variant_words
from mepflow.page.names import Names

CHARGES = "charges fitted to the reference potential of each molecule itself"


@pytest.fixture(scope="module")
def names() -> Names:
    return Names(CONFIG)


def test_every_name_says_what_it_means(names: Names) -> None:
    marked = names.marked("AC-D < Fitted charges")
    assert marked == (
        '<abbr class="name" title="atomic charges, learned from dipole">AC-D</abbr> &lt; '
        f'<abbr class="name" title="{CHARGES}">Fitted charges</abbr>'
    )


def test_every_baseline_has_words() -> None:
    assert all(map(baseline_words, BASELINES))


@pytest.mark.parametrize("text", ["AC-DQ", "AC-D-c", "Fitted charges + dipoles", "XAC-D", "a <b>"])
def test_parts_of_other_names_are_none(names: Names, text: str) -> None:
    assert "abbr" not in names.marked(text)


@pytest.mark.parametrize(
    ("terms", "weights", "source", "words"),
    [
        (["charges"], {"dipole": 0.0}, "charges", "atomic charges, learned from nothing"),
        (
            ["charges"],
            {"dipole": 10.0, "quadrupole": 1.0},
            "charges",
            "atomic charges, learned from dipole (weight 10) and quadrupole",
        ),
        (
            ["charges", "dipoles"],
            {"dipole": 1.0, "quadrupole": 1.0},
            "all",
            "atomic charges and atomic dipoles, learned from dipole and quadrupole; its quadrupole"
            " is that of the charges and atomic dipoles",
        ),
        (
            ["charges", "dipoles"],
            {"dipole_norm": 1.0, "mulliken_charges": 0.5},
            "charges",
            "atomic charges and atomic dipoles, learned from length of the dipole and mulliken"
            " charges (weight 0.5)",
        ),
        (
            ["charges", "dipoles", "quadrupoles"],
            {"quadrupole": 1.0, "mep": 2.0},
            "all",
            "atomic charges and atomic dipoles and atomic quadrupoles, learned from quadrupole and"
            " MEP (weight 2) less penetration; its quadrupole is that of the charges and"
            " atomic dipoles and atomic quadrupoles",
        ),
    ],
)
def test_variants_in_words_follow_from_their_rows(terms, weights, source, words) -> None:
    row = {"atomic_terms": terms, "loss_weights": weights, "quadrupole_from": source}
    if "mep" in weights:
        row["penetration"] = True
    assert variant_words(row) == words


@pytest.mark.parametrize(
    ("functional", "basis", "fitting", "label"),
    [
        ("b3lyp", "gaussian-6-31g(2df,p)", "x", "B3LYP/6-31G(2df,p), density fitting"),
        ("wb97m-d3bj", "def2-tzvppd", None, "ωB97M-D3BJ/def2-TZVPPD"),
        ("hf", "6-31g*", None, "HF/6-31G*"),
        ("pbe", "cc-pvdz", None, "PBE/cc-pVDZ"),
        ("lda", "sto-3g", None, "LDA/STO-3G"),
    ],
)
def test_levels_as_chemists_write_them(functional, basis, fitting, label) -> None:
    row = {"functional": functional, "basis": basis, "density_fitting": fitting}
    assert level_label(row) == label
