import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from mepflow.errors import ConfigError
from mepflow.models.variants import Variant

STUDIES = Path(__file__).parents[3] / "config" / "studies"
ROWS: dict[str, dict[str, Any]] = {
    name: row
    for file in sorted(STUDIES.glob("*.yaml"))
    for name, row in yaml.safe_load(file.read_text())["variants"].items()
}


CHARGES: dict[str, Any] = {"loss_weights": {"charges": 1.0}}


def row(**changes: Any) -> dict[str, Any]:
    return {
        "atomic_terms": ["charges", "dipoles"],
        "loss_weights": {"dipole": 100.0, "quadrupole": 1.0},
        "quadrupole_from": "all",
        **changes,
    }


def test_reads_a_row() -> None:
    variant = Variant.from_row("X", row())
    weights = {"dipole": 100.0, "quadrupole": 1.0}
    assert variant == Variant("X", ("charges", "dipoles"), weights, "all")
    assert variant.outputs == ("p1", "p3")


def test_row_and_variant_are_inverse() -> None:
    variant = Variant.from_row("X", row())
    assert Variant.from_row("X", variant.row()) == variant


def test_a_target_that_is_absent_has_no_weight() -> None:
    short, long = (row(loss_weights={"dipole": 2, **more}) for more in ({}, {"quadrupole": 0.0}))
    assert Variant.from_row("X", short) == Variant.from_row("X", long)
    assert Variant.from_row("X", short).loss_weights == {"dipole": 2.0}


def test_charges_name_their_scheme() -> None:
    variant = Variant.from_row("X", row(**CHARGES, charges_like="mbis"))
    assert variant.charges_like == "mbis"
    assert Variant.from_row("X", variant.row()) == variant


@pytest.mark.parametrize(
    ("weights", "selecting"),
    [
        ({"dipole_norm": 1.0, "charges": 10.0}, {"dipole_norm": 1.0}),
        (
            {"dipole": 100.0, "quadrupole": 1.0, "charges": 1.0},
            {"dipole": 100.0, "quadrupole": 1.0},
        ),
        ({"charges": 2.0}, {"charges": 2.0}),
    ],
)
def test_charges_choose_the_step_only_where_nothing_else_is_learned(
    weights: dict[str, float], selecting: dict[str, float]
) -> None:
    variant = Variant.from_row("X", row(loss_weights=weights, charges_like="mulliken"))
    assert variant.selecting_weights == selecting


def test_penetration_is_said_where_it_is_learned_with() -> None:
    mep = row(loss_weights={"mep": 1.0}, mep_grids=["mk"])
    variant = Variant.from_row("X", {**mep, "penetration": True})
    assert variant.penetration
    assert Variant.from_row("X", variant.row()) == variant
    plain = Variant.from_row("X", {**mep, "penetration": False})
    assert plain == Variant.from_row("X", mep)
    assert "penetration" not in plain.row()


def test_order_of_the_weights_does_not_matter() -> None:
    weights = {"charges": 1.0, "quadrupole": 2.0, "dipole_norm": 3.0}
    variant = Variant.from_row("X", row(loss_weights=weights, charges_like="mulliken"))
    assert list(variant.loss_weights) == ["quadrupole", "dipole_norm", "charges"]


def test_order_of_the_terms_does_not_matter() -> None:
    assert Variant.from_row("X", row(atomic_terms=["dipoles", "charges"])) == Variant.from_row(
        "X", row()
    )


@pytest.mark.parametrize("name", ROWS)
def test_every_configured_variant_is_what_its_name_says(name: str) -> None:
    row = {key: ROWS[name][key] for key in ROWS[name] if key not in ("network", "training")}
    variant = Variant.from_row(name, row)
    parts = name.split("-")
    targets = next((part for part in parts if part in ("N", "D", "Q", "DQ", "M", "MDQ")), "")
    terms = {"AC": "charges", "PN": "charges", "AD": "dipoles", "AQ": "quadrupoles"}
    assert variant.atomic_terms == tuple(word for part, word in terms.items() if part in parts)
    if "EFD" in parts:  # weighted as their network needs it: docs/studies/energies.md
        assert set(variant.loss_weights) == {"energy", "forces", "dipole"}
        return
    if "EFMD" in parts:  # and the potential: docs/studies/dynamics.md
        assert set(variant.loss_weights) == {"energy", "forces", "dipole", "mep"}
        return
    learns_mep = "M" in targets
    consistent = "c" in parts or (learns_mep and "AD" in parts)
    assert variant.quadrupole_from == ("all" if consistent else "charges")
    heavy = "dw100" in parts or learns_mep
    weights = {"dipole": 100.0 if heavy else 1.0, "quadrupole": 1.0, "mep": 1.0}
    expected = {k: v for k, v in weights.items() if k[0].upper() in targets}
    expected |= {"dipole_norm": 1.0} if targets == "N" else {}
    scheme, weight = auxiliary_of(parts[-1])
    expected |= {"charges": weight * max(expected.values(), default=1.0)} if scheme else {}
    assert variant.loss_weights == expected
    assert variant.charges_like == scheme
    assert variant.mep_grids == (("mk",) if learns_mep or scheme == "fitted" else ())
    assert variant.penetration == (learns_mep and "AD" in parts)


def auxiliary_of(part: str) -> tuple[str | None, float]:
    """Return the scheme of charges and the relative weight that the last part of a name says."""
    found = re.fullmatch(r"(q|mbis|fit)([0-9.]*)", part)
    if found is None:
        return None, 0.0
    schemes = {"q": "mulliken", "mbis": "mbis", "fit": "fitted"}
    return schemes[found[1]], float(found[2] or 1.0)


def test_studies_agree_on_the_rows_that_they_share() -> None:
    for file in STUDIES.glob("*.yaml"):
        for name, row in yaml.safe_load(file.read_text())["variants"].items():
            assert row == ROWS[name], f"{file.name}: {name}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"atomic_terms": ["charges", "octupoles"]}, "unknown atomic term 'octupoles'"),
        ({"atomic_terms": [["charges"]]}, "unknown atomic term"),
        ({"atomic_terms": "charges"}, "no list of atomic terms"),
        ({"atomic_terms": ["charges", "charges"]}, "twice"),
        ({"atomic_terms": ["dipoles"]}, "no atomic charges"),
        ({"loss_weights": {"dipole": -1.0, "quadrupole": 1.0}}, "dipole weight -1.0"),
        ({"loss_weights": {"dipole": float("nan"), "quadrupole": 1.0}}, "dipole weight nan"),
        ({"loss_weights": {"dipole": 0.0, "quadrupole": 0}}, "only zero loss weights"),
        ({"loss_weights": 1.0}, "no loss weights by target"),
        ({"loss_weights": {"octupole": 1.0}}, "unknown target 'octupole': use dipole, quadrupole"),
        ({"loss_weights": {}}, "only zero loss weights"),
        ({"loss_weights": {"dipole": 1.0, "dipole_norm": 1.0}}, "dipole and dipole_norm"),
        ({"loss_weights": {"dipole": 1.0, "mep": 1.0}}, "learns mep but on no grid: add mep_grids"),
        ({"mep_grids": ["mk"]}, "has mep_grids but does not learn mep"),
        ({"mep_grids": "mk"}, "mep_grids that are no list"),
        ({"penetration": True}, "has penetration but does not learn mep: give mep a loss weight"),
        ({"penetration": "yes"}, "has penetration 'yes': write true or false"),
        (
            {"loss_weights": {"forces": 1.0}},
            "learns forces but not energy: give energy a loss weight",
        ),
        ({"electrostatics": True}, "has electrostatics but does not learn energy"),
        ({"electrostatics": "no"}, "has electrostatics 'no': write true or false"),
        ({"loss_weights": {"charges": 1.0}}, "add charges_like: mulliken, mbis, fitted"),
        (CHARGES | {"charges_like": "hirshfeld"}, "charges_like 'hirshfeld': use mulliken, mbis"),
        (CHARGES | {"charges_like": "fitted"}, "learns charges fitted on no grid: add mep_grids"),
        ({"charges_like": "mbis"}, "has charges_like but does not learn charges"),
        ({"loss_weights": {"dipole": "1", "quadrupole": 1.0}}, "not a number"),
        ({"loss_weights": {"dipole": True, "quadrupole": 1.0}}, "not a number"),
        ({"quadrupole_from": "dipoles"}, "'dipoles': write charges or all"),
        ({"atomic_terms": ["charges"]}, "no atomic dipoles"),
        (
            {"atomic_terms": ["charges", "quadrupoles"], "quadrupole_from": "charges"},
            "nothing depends on which it learns",
        ),
        (
            {"atomic_terms": ["charges", "quadrupoles"], "loss_weights": {"dipole": 1.0}},
            "nothing depends on which it learns",
        ),
        ({"weight": 1.0}, "unknown key 'weight'"),
    ],
)
def test_refuses_in_one_sentence(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        Variant.from_row("my-variant", row(**changes))
    message = str(error.value)
    assert message.startswith("Variant my-variant ")
    assert said in message
    assert message.endswith(".")
    assert "\n" not in message


def test_refuses_a_row_without_a_key() -> None:
    incomplete = row()
    del incomplete["loss_weights"]
    with pytest.raises(ConfigError, match="lacks 'loss_weights'"):
        Variant.from_row("X", incomplete)
