"""Errors by distance: those of the breakdown, and none with penetration where it is known."""

import numpy as np
import pandas as pd
import pytest

from mepflow.elements import ATOMIC_NUMBERS
from mepflow.evaluation.baselines import fit_baseline
from mepflow.evaluation.breakdown import DISTANCE, breakdown
from mepflow.evaluation.distance_errors import ALONE, REFERENCE, distance_errors
from mepflow.evaluation.mep_errors import WITH_PENETRATION
from mepflow.evaluation.sources import Source
from mepflow.tables.distance_table import distance_table, write_distance_table


@pytest.fixture
def sources(system_with_shells):
    """A model of the terms that made the reference, and the fit of such terms."""
    system = system_with_shells
    path = system.folder / "fit.h5"
    fit_baseline("fitted-charges-dipoles", system.reference, system.splits, "mk", path)
    return [
        Source("AC-AD-M", 1, system.predict(system.terms)),
        Source("fitted-charges-dipoles", None, path),
    ]


def test_known_terms_have_no_error_with_penetration(system_with_shells, sources, widths) -> None:
    frame = distance_errors(sources, system_with_shells.reference, widths)
    assert set(frame["name"]) == {"AC-AD-M", "fitted-charges-dipoles"}
    np.testing.assert_allclose(frame[WITH_PENETRATION], 0.0, atol=1e-5)
    nearest = frame[frame["order"] == frame["order"].min()]
    assert (nearest[ALONE] > 0.01).all()


def test_points_alone_are_those_of_the_breakdown(system_with_shells, sources) -> None:
    reference = system_with_shells.reference
    frame = distance_errors(sources, reference, None)
    assert frame[WITH_PENETRATION].isna().all()
    other = breakdown(sources, reference, "mk")
    other = other[other["by"] == DISTANCE].reset_index(drop=True)
    common = ["name", "seed", "id", "molecule", "part", "order", "n_points", ALONE, REFERENCE]
    pd.testing.assert_frame_equal(frame[common], other[common])


def test_structures_without_a_width_have_no_error_with_penetration(
    system_with_shells, sources, widths
) -> None:
    molecules = system_with_shells.molecules
    holders = {
        element: {m.id for m in molecules if ATOMIC_NUMBERS[element] in m.atomic_numbers}
        for element in widths
    }
    missing = next(e for e, ids in holders.items() if 0 < len(ids) < len(molecules))
    few = {element: width for element, width in widths.items() if element != missing}
    frame = distance_errors(sources, system_with_shells.reference, few)
    assert set(frame.loc[frame[WITH_PENETRATION].isna(), "id"]) == holders[missing]


def errors(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": "AC-D",
            "seed": 1,
            "id": [f"m{k}" for k in range(count)],
            "molecule": [f"m{k}" for k in range(count)],
            "part": "0.00 to 0.25 Å",
            "order": 0.125,
            "n_points": 2,
            ALONE: np.arange(1.0, count + 1.0),
            WITH_PENETRATION: [np.nan, *(np.arange(2.0, count + 1.0) / 2.0)],
            REFERENCE: 10.0,
        }
    )


def test_medians_are_over_the_structures_that_have_a_value() -> None:
    row = distance_table(errors(9), ["AC-D"]).iloc[0]
    assert row["median_rmse_kcal_per_mol_e"] == 5.0
    assert row[f"median_{WITH_PENETRATION}"] == 2.75
    assert 1.0 <= row["median_rmse_with_penetration_low_kcal_per_mol_e"] < 2.75
    assert row[["n_structures", "n_points", "n_seeds"]].tolist() == [9, 18, 1]


def test_the_markdown_has_both_and_the_size_of_the_reference(
    system_with_shells, sources, widths, tmp_path
) -> None:
    files = tmp_path / "t.csv", tmp_path / "t.md"
    write_distance_table(sources, system_with_shells.reference, widths, *files)
    text = files[1].read_text()
    assert "## Points alone" in text
    assert "## With penetration" in text
    assert text.count("No model (V = 0)") == 2
    write_distance_table(sources, system_with_shells.reference, None, *files)
    assert "## With penetration" not in files[1].read_text()
