"""The table and figure of energies and forces, from files of known errors."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from energy_cases import energy_table
from mepflow.errors import InputError
from mepflow.evaluation.energy_errors import energy_errors
from mepflow.evaluation.mep_errors import COLUMNS as MEP_COLUMNS
from mepflow.evaluation.sources import Source
from mepflow.molecules import MoleculeTable
from mepflow.plots import style
from mepflow.plots.energy_parity import plot_energy_parity
from mepflow.plots.energy_sizes import plot_energy_sizes
from mepflow.selection.splits import write_splits
from mepflow.tables.energies_table import write_energies_table
from mepflow.tables.learning_curve_table import Step
from mepflow.units import BOHR_IN_ANGSTROM, HARTREE_IN_EV

VARIANTS = {
    name: {"atomic_terms": ["charges"], "loss_weights": weights, "quadrupole_from": "charges"}
    for name, weights in (
        ("AC-D", {"dipole": 1.0}),
        ("PN-EFD", {"energy": 1.0, "forces": 1.0, "dipole": 1.0}),
    )
}


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    table = energy_table(8)
    charges = np.linspace(-0.2, 0.2, len(table.positions))
    table = table.with_properties(archive_mulliken_charges=charges)
    table.save(tmp_path / "reference.h5")
    return tmp_path / "reference.h5"


@pytest.fixture
def predictions(tmp_path: Path, reference: Path) -> list[Source]:
    """Energies 1 and −3 meV off in two seeds, forces 10 meV/Å, charges 0.1 e; and none of AC-D."""
    table = MoleculeTable.load(reference)
    sources = []
    for name, seed, off in (("AC-D", 1, 0.0), ("PN-EFD", 1, 1.0), ("PN-EFD", 2, -3.0)):
        found = {
            "atomic_charges": table.properties["archive_mulliken_charges"] + 0.1,
            "dipole": table.properties["dipole"],
            "quadrupole": table.properties["quadrupole"],
        }
        if name != "AC-D":
            factor = 0.01 * BOHR_IN_ANGSTROM / HARTREE_IN_EV
            found["energy"] = table.properties["energy"] + off / 1000.0 / HARTREE_IN_EV
            found["forces"] = -table.properties["archive_gradient"] + factor
        path = tmp_path / name / f"seed-{seed}" / "predictions.h5"
        path.parent.mkdir(parents=True)
        MoleculeTable(
            ids=table.ids,
            atomic_numbers=table.atomic_numbers,
            positions=table.positions,
            atom_offsets=table.atom_offsets,
            total_charge=table.total_charge,
            smiles=table.smiles,
            properties=found,
        ).save(path)
        rows = [(key, key, "mk", 10, float(k), 0.0, 0.0, 0.0) for k, key in enumerate(table.ids)]
        frame = pd.DataFrame(rows, columns=list(MEP_COLUMNS))
        frame.to_csv(path.with_name("mep.csv"), index=False)
        log = pd.DataFrame({"step": [100, 200], "wall_time_s": [1.0, 2.0 * seed]})
        log.to_csv(path.with_name("training.csv"), index=False)
        sources.append(Source(name, seed, path))
    return sources


def step_of(tmp_path: Path, sources: list[Source], n_training: int = 4) -> Step:
    ids = energy_table(8).ids
    of = ["train"] * n_training + ["validation"] + ["test"] * (7 - n_training)
    path = tmp_path / f"splits-{n_training}.csv"
    write_splits(pd.DataFrame({"id": ids, "split": of, "showcase": 0}), path)
    files = {"predictions": "predictions.h5", "mep": "mep.csv", "logs": "training.csv"}
    return Step(path, {kind: beside(sources, name) for kind, name in files.items()})


def beside(sources: list[Source], name: str) -> list[Source]:
    return [Source(s.name, s.seed, s.path.with_name(name)) for s in sources]


def test_errors_are_means_over_seeds_in_the_units_of_their_columns(
    tmp_path: Path, reference: Path, predictions: list[Source]
) -> None:
    steps = [step_of(tmp_path, predictions)]
    files = tmp_path / "e.csv", tmp_path / "e.md"
    write_energies_table(steps, reference, "mk", *files)
    table = pd.read_csv(files[0]).set_index("representation")
    row = table.loc["PN-EFD"]
    assert row["energy_mae_mev"] == pytest.approx(2.0, abs=1e-6)
    assert row["energy_mae_mev_low"] == pytest.approx(2.0, abs=1e-6)
    assert row["forces_mae_ev_per_angstrom"] == pytest.approx(0.01, abs=1e-9)
    assert row["charges_rmse_e"] == pytest.approx(0.1, abs=1e-12)
    assert row["mep_rmse_kcal_per_mol_e"] == pytest.approx(3.5)
    assert row["ms_per_step"] == pytest.approx(15.0)
    assert row["n_seeds"] == 2
    assert np.isnan(table.loc["AC-D", "energy_mae_mev"])
    text = files[1].read_text()
    assert "| 2.0 [2.0, 2.0] |" in text
    assert "8 test structures of 8 molecules" in text
    write_energies_table(steps, reference, None, *files)
    assert pd.read_csv(files[0])["mep_rmse_kcal_per_mol_e"].isna().all()


def test_a_row_and_a_point_of_the_curve_for_each_size(
    tmp_path: Path, reference: Path, predictions: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Figure] = []
    monkeypatch.setattr(
        style, "Figure", lambda **size: (figures.append(Figure(**size)), figures[-1])[1]
    )
    part, whole = predictions[2:], predictions[:2]  # of one variant, 3 and 1 meV off
    steps = [step_of(tmp_path, part, 2), step_of(tmp_path, whole, 4)]
    write_energies_table(steps, reference, None, tmp_path / "e.csv", tmp_path / "e.md")
    table = pd.read_csv(tmp_path / "e.csv")
    assert list(table["representation"]) == ["AC-D", "PN-EFD", "PN-EFD"]
    assert list(table["n_training"]) == [4, 4, 2]
    np.testing.assert_allclose(table["energy_mae_mev"], [np.nan, 1.0, 3.0], rtol=1e-5)
    plot_energy_sizes(tmp_path / "e.csv", VARIANTS, [tmp_path / "e.png"])
    (line,) = figures[-1].axes[0].get_lines()
    np.testing.assert_allclose(line.get_xdata(), [2, 4])
    np.testing.assert_allclose(line.get_ydata(), [3.0, 1.0], rtol=1e-5)


def test_a_structure_without_labels_has_no_error(reference: Path) -> None:
    table = MoleculeTable.load(reference)
    gradient = table.properties["archive_gradient"].copy()
    gradient[table.atoms(2)] = np.nan
    found = table.with_properties(
        archive_gradient=gradient,
        forces=-table.properties["archive_gradient"],
        atomic_charges=table.properties["archive_mulliken_charges"],
    )
    errors = energy_errors(found, found)
    assert errors["forces_mae"].isna().tolist() == [k == 2 for k in range(8)]
    assert not errors["energy_hartree"].any()


def test_the_figure_shows_variants_with_energies_alone(
    tmp_path: Path, reference: Path, predictions: list[Source]
) -> None:
    outputs = [tmp_path / "e.png", tmp_path / "e.pdf"]
    plot_energy_parity(predictions, VARIANTS, reference, outputs)
    assert all(path.stat().st_size > 5000 for path in outputs)
    with pytest.raises(InputError, match="no variant has energies"):
        plot_energy_parity(predictions[:1], VARIANTS, reference, outputs)
