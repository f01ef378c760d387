"""Errors of models of energies: what is put in comes out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dynamics_cases import NUMBERS, PLACES, WATER, Springs
from mepflow.dynamics import surface_errors
from mepflow.dynamics.harmonic_file import write_modes
from mepflow.dynamics.harmonic_modes import harmonic_modes
from mepflow.dynamics.surface_errors import evaluate_surfaces
from mepflow.evaluation.sources import Source
from mepflow.molecules import MoleculeTable
from mepflow.multipoles import centre_of_nuclear_charge
from mepflow.units import BOHR_IN_ANGSTROM, E_BOHR_IN_DEBYE, HARTREE_IN_KCAL_PER_MOL

SOURCES = [Source("springs", 1, Path("springs.pt")), Source("slope", 2, Path("slope.pt"))]


class Slope(Springs):
    """A surface without a minimum."""

    def __call__(self, positions: np.ndarray) -> Any:
        found = super().__call__(positions)
        return found._replace(forces=found.forces + 0.1)


def surface(paths: list[Path], *_: Any) -> Springs:
    return Slope() if paths[0].stem == "slope" else Springs()


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Errors of springs against springs that are 2 kcal/mol, 3 kcal/mol/Å and 0.1 D off."""
    monkeypatch.setattr(surface_errors, "load_surface", surface)
    rng = np.random.default_rng(1)
    places = PLACES + rng.normal(0.0, 0.05, (5, 3, 3))
    exact = Springs()(places)
    rows = [replace(WATER, id=f"{k}", positions=one) for k, one in enumerate(places)]
    signs = rng.choice([-1.0, 1.0], (5, 3, 3))
    per_angstrom = HARTREE_IN_KCAL_PER_MOL / BOHR_IN_ANGSTROM
    forces = exact.forces + signs * 3.0 / per_angstrom
    table = MoleculeTable.from_molecules(rows).with_properties(
        energy=exact.energy + 2.0 / HARTREE_IN_KCAL_PER_MOL,
        gradient=-forces.reshape(-1, 3),
        dipole=exact.dipole + 0.1 / E_BOHR_IN_DEBYE,
        origin=np.array([centre_of_nuclear_charge(NUMBERS, one) for one in places]),
    )
    table.save(tmp_path / "reference.h5")
    split = ["train", "validation", "test", "test", "test"]
    splits = pd.DataFrame({"id": table.ids, "split": split, "showcase": False})
    splits.to_csv(tmp_path / "splits.csv", index=False)
    modes = harmonic_modes(NUMBERS, PLACES, Springs())
    shifted = replace(
        modes,
        wavenumbers=modes.wavenumbers + np.array([3.0, -6.0, 0.0]),
        intensities=modes.intensities + np.array([1.0, -1.0, 4.0]),
    )
    write_modes(tmp_path / "modes.json", shifted)
    files = (tmp_path / name for name in ("reference.h5", "splits.csv", "modes.json"))
    evaluate_surfaces(SOURCES, *files, tmp_path / "surfaces.csv")
    return tmp_path / "surfaces.csv"


def test_errors_are_those_that_were_put_in(found: Path) -> None:
    rows = pd.read_csv(found)
    assert rows["name"].tolist() == ["springs", "slope"]
    springs, slope = rows.iloc[0], rows.iloc[1]
    assert springs["n_structures"] == 3
    assert springs["energy_mae_kcal_per_mol"] == pytest.approx(2.0, rel=1e-5)
    assert springs["forces_mae_kcal_per_mol_angstrom"] == pytest.approx(3.0, rel=1e-5)
    assert springs["dipole_mae_debye"] == pytest.approx(0.1, rel=1e-5)
    assert springs["wavenumber_mae_per_cm"] == pytest.approx(3.0, abs=0.05)
    assert springs["largest_wavenumber_error_per_cm"] == pytest.approx(6.0, abs=0.05)
    assert springs["intensity_mae_km_per_mol"] == pytest.approx(2.0, abs=0.05)
    assert slope.filter(like="wavenumber").isna().all()
    assert slope["forces_mae_kcal_per_mol_angstrom"] > 50.0
