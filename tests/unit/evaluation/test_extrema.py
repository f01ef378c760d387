"""Statistics of potentials on the innermost shell, by hand and where the terms are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mepflow.electrostatics.penetration import shells_of
from mepflow.electrostatics.potential import potential
from mepflow.errors import InputError
from mepflow.evaluation.baselines import fit_baseline
from mepflow.evaluation.extrema import (
    QUANTITIES,
    innermost_scale,
    on_shell,
    shell_statistics,
    surface_statistics,
)
from mepflow.evaluation.sources import Source
from mepflow.geometry.grids import grid_points
from mepflow.molecules import GridValues
from mepflow.tables.extrema_table import extrema_table, write_extrema_table
from mepflow.units import HARTREE_PER_E_IN_KCAL_PER_MOL_E

SHELLS = {"kind": "shells", "molecules": "all", "scales": [1.6, 1.4], "points_per_angstrom2": 1.0}


def test_statistics_of_six_values() -> None:
    values = np.array([4.0, 2.0, 0.0, -1.0, -3.0, -8.0])
    assert surface_statistics(values) == pytest.approx(
        {
            "v_max": 4.0,
            "v_min": -8.0,
            "mean_positive": 3.0,
            "mean_negative": -4.0,
            "average_deviation": (5.0 + 3.0 + 1.0 + 0.0 + 2.0 + 7.0) / 6.0,
            "total_variance": 1.0 + (9.0 + 1.0 + 16.0) / 3.0,
        }
    )
    assert list(surface_statistics(values)) == list(QUANTITIES)


def test_without_a_sign_its_mean_does_not_exist() -> None:
    found = surface_statistics(np.array([1.0, 3.0]))
    assert np.isnan(found["mean_negative"])
    assert found["total_variance"] == 1.0


@pytest.fixture
def on_spheres(system_with_dipoles, widths):
    """A system whose reference is charges, dipoles and shells, on spheres of two scales."""
    system = system_with_dipoles
    parts = []
    for molecule, terms in zip(system.molecules, system.terms, strict=True):
        points = grid_points(SHELLS, molecule.atomic_numbers, molecule.positions)
        shells = shells_of(molecule.atomic_numbers, widths)
        parts.append((points, potential(points, molecule.positions, *terms, penetration=shells)))
    grids = {"mk": GridValues.from_ragged(parts)}
    system.table = replace(system.table, grids=grids, metadata={"grid_settings": {"mk": SHELLS}})
    system.save()
    return system


def exact(system) -> list[Source]:
    return [Source("AC-AD-M", 1, system.predict(system.terms))]


def test_the_innermost_shell_is_that_of_the_smallest_scale(on_spheres) -> None:
    table = on_spheres.table
    assert innermost_scale(table, "mk") == 1.4
    for row, molecule in enumerate(on_spheres.molecules):
        points, _ = table.grids["mk"].of(row)
        only = grid_points(SHELLS | {"scales": [1.4]}, molecule.atomic_numbers, molecule.positions)
        np.testing.assert_array_equal(points[on_shell(points, molecule, 1.4)], only)


def test_terms_and_shells_that_made_the_reference_have_its_statistics(on_spheres, widths) -> None:
    frame = shell_statistics(exact(on_spheres), on_spheres.reference, "mk", widths)
    np.testing.assert_allclose(frame["predicted"], frame["reference"], atol=1e-9)
    alone = shell_statistics(exact(on_spheres), on_spheres.reference, "mk", None)
    assert (np.abs(alone["predicted"] - alone["reference"]) > 1e-3).sum() > 0.9 * len(alone)
    points, values = on_spheres.table.grids["mk"].of(0)
    inner = values[on_shell(points, on_spheres.molecules[0], 1.4)] * HARTREE_PER_E_IN_KCAL_PER_MOL_E
    first = frame[frame["id"] == on_spheres.molecules[0].id].set_index("quantity")["reference"]
    assert first["v_min"] == pytest.approx(inner.min())
    assert first["v_max"] == pytest.approx(inner.max())


def test_fits_are_made_again_to_what_the_shells_leave(on_spheres, widths) -> None:
    path = on_spheres.folder / "fitted-charges-dipoles" / "predictions.h5"
    path.parent.mkdir()
    fit_baseline("fitted-charges-dipoles", on_spheres.reference, on_spheres.splits, "mk", path)
    source = [Source("fitted-charges-dipoles", None, path)]
    frame = shell_statistics(source, on_spheres.reference, "mk", widths)
    np.testing.assert_allclose(frame["predicted"], frame["reference"], atol=1e-5)


def test_molecules_with_an_element_without_width_are_points_alone(on_spheres, widths) -> None:
    few = {"H": widths["H"]}
    sources = exact(on_spheres)
    frame = shell_statistics(sources, on_spheres.reference, "mk", few)
    alone = shell_statistics(sources, on_spheres.reference, "mk", None)
    pd.testing.assert_frame_equal(frame, alone)


def test_a_grid_of_another_kind_is_refused(system_with_dipoles) -> None:
    with pytest.raises(InputError, match="no shells 'mk'"):
        shell_statistics(exact(system_with_dipoles), system_with_dipoles.reference, "mk", None)


def measured() -> pd.DataFrame:
    """Return V_min of seven molecules, once off by −2 and once by 4, and others by nothing."""
    rows = [
        ("AC-D", seed, f"m{k}", f"m{k}", quantity, -float(k), -float(k) + off)
        for quantity in QUANTITIES
        for seed, off in ((1, -2.0), (2, 4.0))
        for k in range(7)
    ]
    columns = ["name", "seed", "id", "molecule", "quantity", "reference", "predicted"]
    return pd.DataFrame(rows, columns=columns)


def test_the_table_has_mean_errors_over_seeds_and_correlations() -> None:
    values = measured()
    lacking = (values["quantity"] == "mean_positive") & (values["id"] == "m3")
    values.loc[lacking & (values["seed"] == 1), "predicted"] = np.nan
    table = extrema_table(values, ["AC-D"]).set_index("quantity")
    row = table.loc["v_min"]
    assert row[["mae", "mae_low", "mae_high"]].tolist() == [3.0, 3.0, 3.0]
    assert row[["spearman", "spearman_low", "spearman_high"]].to_numpy(float) == pytest.approx(1.0)
    assert (row["reference_mean"], row["n_seeds"]) == (-3.0, 2)
    assert row["reference_deviation"] == pytest.approx(np.std(np.arange(7.0), ddof=1))
    assert table.loc["mean_positive", "n_structures"] == 6
    assert table.loc["v_max", "n_structures"] == 7


def test_the_markdown_begins_with_the_reference(on_spheres, widths, tmp_path) -> None:
    files = {"csv": tmp_path / "t.csv", "values": tmp_path / "v.csv", "markdown": tmp_path / "t.md"}
    write_extrema_table(exact(on_spheres), on_spheres.reference, "mk", widths, **files)
    lines = files["markdown"].read_text().splitlines()
    rows = [line for line in lines if line.startswith("|") and not line.startswith("|:")]
    assert "V_min (kcal/mol/e)" in rows[0]
    assert rows[1].startswith("| Reference")
    assert rows[2].startswith("| AC-AD-M")
    assert len(pd.read_csv(files["values"])) == len(QUANTITIES) * len(on_spheres.molecules)
