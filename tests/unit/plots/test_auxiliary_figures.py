"""Figures of dipoles with the help of charges: they show the numbers of their table."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from mepflow.evaluation.sources import Source
from mepflow.molecules import Molecule, MoleculeTable
from mepflow.plots import style
from mepflow.plots.auxiliary_charges import plot_auxiliary_charges
from mepflow.plots.auxiliary_sizes import plot_auxiliary_sizes
from mepflow.plots.auxiliary_weights import plot_auxiliary_weights

ROW: dict[str, Any] = {"atomic_terms": ["charges"], "quadrupole_from": "charges"}
VARIANTS: dict[str, dict[str, Any]] = {
    "AC-N": ROW | {"loss_weights": {"dipole_norm": 1.0}},
    **{
        f"AC-N-q{weight}": ROW
        | {"loss_weights": {"dipole_norm": 1.0, "charges": weight}, "charges_like": "mulliken"}
        for weight in (1, 10)
    },
    "AC-D": ROW | {"loss_weights": {"dipole": 1.0}},
}
# Name, what it learned, weight, training structures, error, gain, potential, share, its lowest.
NUMBERS = [
    ("AC-N", "|μ|", 0.0, 100, 0.4, None, 9.0, 0.5, 0.0),
    ("AC-N", "|μ|", 0.0, 300, 0.3, None, 8.0, 0.5, 0.0),
    ("AC-N-q1", "|μ|", 1.0, 300, 0.28, 7.0, 2.5, 1.0, 1.0),
    ("AC-N-q10", "|μ|", 10.0, 100, 0.3, 25.0, 2.4, 1.0, 0.99),
    ("AC-N-q10", "|μ|", 10.0, 300, 0.2, 33.0, 2.0, 1.0, 0.99),
    ("AC-D", "μ", 0.0, 300, 0.16, None, 2.6, 1.0, 1.0),
    ("mulliken", "", None, 0, 0.5, None, 2.7, 1.0, 1.0),
    ("fitted-charges", "", None, 0, 0.01, None, 0.7, 1.0, 1.0),
]
ERROR, GAIN, MEP = (
    "dipole_norm_mae_debye",
    "dipole_norm_gain_percent",
    "median_mep_rmse_kcal_per_mol_e",
)
COLUMNS = ["representation", "learned", "charges_weight", "n_training", ERROR, GAIN, MEP]
COLUMNS += ["share_right", "share_right_lowest_seed"]


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    made: list[Figure] = []

    class Recorded(Figure):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)

    monkeypatch.setattr(style, "Figure", Recorded)
    return made


@pytest.fixture
def table(tmp_path: Path) -> Path:
    frame = pd.DataFrame(NUMBERS, columns=COLUMNS).assign(n_structures=9, n_molecules=8)
    is_auxiliary = frame["charges_weight"].fillna(0.0) > 0.0
    frame["charges_like"] = np.where(is_auxiliary, "mulliken", "")
    for name in (ERROR, GAIN, MEP):
        frame[f"{name}_low"], frame[f"{name}_high"] = 0.9 * frame[name], 1.1 * frame[name]
    frame.to_csv(tmp_path / "auxiliary.csv", index=False)
    return tmp_path / "auxiliary.csv"


def marks(axes: Any) -> dict[str, tuple[float, float]]:
    single = [line for line in axes.lines if len(line.get_xdata()) == 1]
    return {line.get_label(): tuple(map(float, line.get_xydata()[0])) for line in single}


def test_weights_are_places_and_the_largest_training_set_counts(
    figures: list[Figure], table: Path, tmp_path: Path
) -> None:
    plot_auxiliary_weights(table, VARIANTS, [tmp_path / "f.png"])
    gains, potentials, shares = figures[0].axes
    assert {name: y for name, (_, y) in marks(gains).items()} == {"AC-N-q1": 7.0, "AC-N-q10": 33.0}
    assert marks(gains)["AC-N-q1"][0] == 0.0
    assert marks(gains)["AC-N-q10"][0] == 1.0
    found = {name: y for name, (_, y) in marks(potentials).items() if name != "wrong directions"}
    assert found == {"AC-N": 8.0, "AC-N-q1": 2.5, "AC-N-q10": 2.0, "AC-D": 2.6}
    assert marks(potentials)["wrong directions"] == marks(potentials)["AC-N"]
    levels = {line.get_label(): line.get_ydata()[0] for line in potentials.lines}
    assert (levels["Mulliken charges"], levels["Fitted charges"]) == (2.7, 0.7)
    assert marks(shares)["AC-N"][1] == 0.5
    ticks = [text.get_text() for text in shares.get_xticklabels()]
    assert ticks == ["0", "1", "10"]
    # The variant without charges is the left end of the line of those with charges.
    line = next(line for line in potentials.lines if len(line.get_xdata()) == 3)
    assert list(line.get_ydata()) == [8.0, 2.5, 2.0]


def test_variants_of_several_sizes_are_lines(
    figures: list[Figure], table: Path, tmp_path: Path
) -> None:
    plot_auxiliary_sizes(table, VARIANTS, [tmp_path / "f.png"])
    (axes,) = figures[0].axes
    assert axes.get_title() == "learned |μ|"
    lines = {line.get_label(): line.get_ydata().tolist() for line in axes.lines}
    assert lines == {"AC-N": [0.4, 0.3], "AC-N-q10": [0.3, 0.2]}


def test_charges_are_compared_atom_by_atom(figures: list[Figure], tmp_path: Path) -> None:
    molecules = [Molecule(f"m{k}", np.array([1, 8], np.uint8), np.eye(2, 3)) for k in range(3)]
    true = np.array([[0.3, -0.3], [0.2, -0.2], [np.nan, np.nan]])
    table = MoleculeTable.from_molecules(molecules, {"mulliken_charges": list(true)})
    table.save(tmp_path / "reference.h5")
    sources = []
    for seed, factor in ((1, 1.1), (2, -1.0)):
        path = tmp_path / f"{seed}.h5"
        charges = [factor * np.array([0.3, -0.3])] * 3
        MoleculeTable.from_molecules(molecules, {"atomic_charges": charges}).save(path)
        sources.append(Source("AC-N", seed, path))
    plot_auxiliary_charges(sources, VARIANTS, tmp_path / "reference.h5", [tmp_path / "f.png"])
    (axes,) = [axes for axes in figures[0].axes if axes.get_title()]
    points = np.asarray(axes.collections[0].get_offsets())
    np.testing.assert_allclose(points[:, 0], [0.3, -0.3, 0.2, -0.2] * 2)
    np.testing.assert_allclose(points[:, 1], [0.33, -0.33] * 2 + [-0.3, 0.3] * 2)
    rmse = np.sqrt(np.mean((points[:, 1] - points[:, 0]) ** 2))
    assert f"RMSE {rmse:.3f} e" in axes.get_title()
