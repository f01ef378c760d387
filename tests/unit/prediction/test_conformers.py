"""Several conformers of a SMILES: which there are, their weights, and what is averaged."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mepflow.__main__ import main
from mepflow.errors import InputError
from mepflow.prediction.conformer_tables import write_averages
from mepflow.prediction.conformers import boltzmann_weights, conformers_of


def dihedral(positions: np.ndarray) -> float:
    a, b, c = np.diff(positions[:4], axis=0)
    sine = np.linalg.norm(b) * a @ np.cross(b, c)
    return float(np.degrees(np.arctan2(sine, np.cross(a, b) @ np.cross(b, c))))


def test_butane_has_one_anti_and_two_gauche_conformers() -> None:
    found = conformers_of("CCCC", "place", "butane", 12)
    angles = [abs(dihedral(one.positions)) for one in found]
    assert angles[0] == pytest.approx(180.0, abs=0.5)
    assert angles[1:] == pytest.approx([65.0, 65.0], abs=2.0)
    energies = [one.conformer.energy for one in found]
    assert energies[0] == 0.0
    assert energies[1:] == pytest.approx([0.78, 0.78], abs=0.05)  # of MMFF94s
    weights = [one.conformer.weight for one in found]
    boltzmann = np.exp(-np.array(energies) * 4184.0 / (8.314462618 * 298.15))
    np.testing.assert_allclose(weights, boltzmann / boltzmann.sum(), rtol=1e-5)
    assert [one.title for one in found] == [f"butane-conformer-{k}" for k in (1, 2, 3)]
    assert {one.conformer.force_field for one in found} == {"MMFF94s"}


def test_a_rigid_molecule_has_one_and_uff_serves_where_mmff_cannot() -> None:
    assert len(conformers_of("c1ccccc1", "place", "", 5)) == 1
    (found,) = conformers_of("CB(C)C", "place", "", 1)
    assert found.conformer.force_field == "UFF"
    assert boltzmann_weights([3.0]) == [1.0]
    with pytest.raises(InputError, match="several fragments"):
        conformers_of("C.C", "place", "", 2)


def test_the_command_averages_over_conformers(models: Path, tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("OCCO glycol\nnonsense bad\n")
    out = tmp_path / "out"
    given = ["--smiles", "CCO", "--conformers", "4", "--model", str(models), "--no-cubes"]
    assert main(["predict", str(tmp_path / "a.smi"), *given, "--output", str(out)]) == 1
    conformers, atoms = (pd.read_csv(out / f"{name}.csv") for name in ("conformers", "atoms"))
    averages = pd.read_csv(out / "conformer_averages.csv")
    assert set(averages["molecule"]) == {"glycol", "CCO"}
    assert set(conformers["name"]) == set(atoms["name"])
    own = conformers[conformers["molecule"] == "glycol"]
    assert own["boltzmann_weight"].sum() == pytest.approx(1.0, abs=1e-6)
    assert len(own) > 1
    expected = sum(
        weight * atoms.loc[atoms["name"] == name, "charge_e"].to_numpy()
        for name, weight in zip(own["name"], own["boltzmann_weight"], strict=True)
    )
    found = averages[averages["molecule"] == "glycol"]
    np.testing.assert_allclose(found["charge_e"], expected, atol=1e-7)
    assert set(found["n_conformers"]) == {len(own)}
    assert list(averages["first_conformer"].unique()) == [
        f"{n}-conformer-1" for n in ("glycol", "CCO")
    ]
    assert "not a SMILES" in (out / "multipoles.csv").read_text()


def test_molecules_of_one_title_are_averaged_apart(tmp_path: Path) -> None:
    rows = [("a-conformer-1", 1, 0.75), ("a-conformer-2", 2, 0.25), ("a-conformer-1_2", 1, 1.0)]
    names, numbers, weights = zip(*rows, strict=True)
    columns = {"name": names, "conformer": numbers, "boltzmann_weight": weights}
    pd.DataFrame(columns | {"molecule": "a"}).to_csv(tmp_path / "conformers.csv")
    atoms = {"name": names, "atom": 1, "element": "O", "charge_e": [-0.4, -0.8, 0.1]}
    pd.DataFrame(atoms).to_csv(tmp_path / "atoms.csv")
    write_averages(tmp_path)
    found = pd.read_csv(tmp_path / "conformer_averages.csv")
    assert list(found["first_conformer"]) == ["a-conformer-1", "a-conformer-1_2"]
    assert list(found["charge_e"]) == pytest.approx([-0.5, 0.1], abs=1e-12)
    assert list(found["n_conformers"]) == [2, 1]
