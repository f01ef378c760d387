"""The command line: what it writes and prints, and that it gives what the Python API gives."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from ase.io import read

import mepflow
from mepflow.__main__ import main
from mepflow.prediction import job as job_module
from mepflow.prediction.command import default_folder
from mepflow.prediction.predictor import Predictor

ROOT = Path(__file__).parents[3]
WATER_TWICE = "3\n{}\nO 0 0 0.1173\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692\n"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_one_file(models: Path, water: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(water), "--model", str(models), "--spacing", "0.5"]) == 0
    folder = Path("water-mep")
    assert {path.name for path in folder.iterdir()} == {
        "atoms.csv", "molecules.extxyz", "multipoles.csv", "prediction.json", "water.cube",
        "water.pqr",
    }  # fmt: skip
    printed = capsys.readouterr().out
    assert "AC-AD-DQ-c: mean and spread of 3 models, trained with 50 molecules" in printed
    row = next(line for line in printed.splitlines() if line.startswith("water"))
    table = pd.read_csv(folder / "multipoles.csv").iloc[0]
    assert row.split()[1:4] == ["H2O", "0", f"{table['dipole_norm_debye']:.2f}"]
    assert "No total charge was given for water: 0 is assumed" in printed
    assert "Written to water-mep: 2 .csv, 1 .cube, 1 .extxyz, 1 .pqr" in printed


def test_it_is_what_the_api_gives(models: Path, water: Path, predictor: Predictor) -> None:
    main(["predict", str(water), "--model", str(models), "--no-cubes"])
    prediction = mepflow.load(models).predict(read(water))
    atoms = pd.read_csv("water-mep/atoms.csv")
    np.testing.assert_allclose(atoms["charge_e"], prediction.charges, rtol=1e-8)
    table = pd.read_csv("water-mep/multipoles.csv").iloc[0]
    assert table["dipole_z_e_bohr"] == pytest.approx(prediction.dipole[2], rel=1e-8)
    assert not Path("water-mep/water.cube").exists()


@pytest.mark.parametrize("section", ["penetration", "levels_of_theory"])
def test_cubes_hold_penetration_where_the_models_say_what_they_learned(
    models: Path, water: Path, section: str, save: Callable[..., Path]
) -> None:
    content = yaml.safe_load((ROOT / "config" / "definitions.yaml").read_text())
    learned = save(Path("learned.pt"), penetration_bohr={"H": 0.4, "O": 0.35})
    Path("without.yaml").write_text(yaml.dump({k: content[k] for k in content if k != section}))
    for folder, more in (
        ("default", []),
        ("unknown", ["--model", str(models)]),
        ("without", ["--definitions", "without.yaml"]),
        ("learned", ["--definitions", "without.yaml", "--model", str(learned)]),
    ):
        given = ["predict", str(water), "--spacing", "2", "--output", folder, *more]
        assert main(given) == 0
        comment = Path(folder, "water.cube").read_text().splitlines()[1]
        assert ("and penetration" in comment) == (folder in ("default", "learned"))


def test_many_inputs(
    models: Path, water: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "FEW_MOLECULES", 2)
    frames = Path("ions.extxyz")
    frames.write_text(WATER_TWICE.format("charge=1") + WATER_TWICE.format("charge=-1"))
    arguments = [str(water), str(frames), "--smiles", "C", "--model", str(models)]
    assert main(["predict", *arguments, "--output", "out/of/it"]) == 0
    table = pd.read_csv("out/of/it/multipoles.csv")
    assert table["name"].tolist() == ["water", "ions-1", "ions-2", "C"]
    assert table["total_charge_e"].tolist() == [0, 1, -1, 0]
    assert table["total_charge_from"].tolist() == ["assumed", "read", "read", "read"]
    charges = pd.read_csv("out/of/it/atoms.csv").groupby("name")["charge_e"].sum()
    np.testing.assert_allclose(charges[table["name"]], table["total_charge_e"], atol=1e-7)
    printed = capsys.readouterr().out
    assert "No cubes and PQR files for so many molecules: --cubes and --pqr write them." in printed
    assert "Warning: ions-2: with a total charge of -1 it has an odd number" in printed
    assert "; its total charge is -1" in printed
    assert len(read("out/of/it/molecules.extxyz", ":")) == 4
    assert len(list(Path("out/of/it").iterdir())) == 4
    cubes = ["--output", "all", "--cubes", "--pqr", "--spacing", "1"]
    assert main(["predict", *arguments, *cubes]) == 0
    assert len(list(Path("all").glob("*.pqr"))) == len(list(Path("all").glob("*.cube"))) == 4


def test_a_picture(models: Path, water: Path) -> None:
    pytest.importorskip("skimage")
    assert main(["predict", str(water), "--model", str(models), "--no-cubes", "--png"]) == 0
    assert Path("water-mep/water.png").read_bytes()[:4] == b"\x89PNG"


def test_long_lists_are_cut(
    models: Path, water: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mepflow.prediction.table_summary.MOST_LINES", 2)
    water.write_text(WATER_TWICE.format("charge=1") * 5)
    main(["predict", str(water), "--model", str(models), "--no-cubes"])
    printed = capsys.readouterr().out
    assert "and 3 more, see the tables" in printed
    assert "Warnings on 3 more molecules are in multipoles.csv." in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Nothing to predict: give a structure file, or --smiles."),
        (["none.xyz"], "none.xyz cannot be read (No such file or directory)"),
        (
            ["--smiles", "CCl"],
            "--smiles 'CCl' contains Cl, which the model AC-AD-DQ-c has never seen",
        ),
        (
            ["--smiles", "C", "--charge", "1"],
            "--smiles 'C' says a total charge of 0 e, but 1",
        ),
        (["--smiles", "C", "--model", "none"], "none does not exist: correct its name."),
        (["--smiles", "C", "--threads", "0"], "--threads 0 is not a number of threads"),
        (["--smiles", "C", "--spacing", "0.01"], "choose a wider --spacing, or --no-cubes."),
        (["--smiles", "C", "--reference", "--level", "hf"], "there is no 'hf' in levels_of_theory"),
    ],
)
def test_what_is_refused(
    arguments: list[str], message: str, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = arguments if "--model" in arguments else [*arguments, "--model", str(models)]
    assert main(["predict", *given]) == 2
    error = capsys.readouterr().err
    assert error.startswith("mepflow: ")
    assert error.count("\n") == 1
    assert message in error
    assert not list(Path().glob("*-mep"))


def test_a_folder_that_cannot_be_written(
    models: Path, water: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("taken").write_text("a file")
    arguments = [str(water), "--model", str(models), "--no-cubes", "--output", "taken/out"]
    assert main(["predict", *arguments]) == 2
    assert "cannot be written (Not a directory): give another --output." in capsys.readouterr().err


@pytest.mark.parametrize("length", ["0", "nan", "-1", "x", "1e9"])
def test_lengths(length: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["predict", "--smiles", "C", f"--spacing={length}"])
    assert "is not a length in Å from 0.01 to 100" in capsys.readouterr().err


def test_default_folders() -> None:
    assert default_folder(["a/ethanol.xyz"], []) == Path("ethanol-mep")
    assert default_folder(["a.xyz"], ["C"]) == Path("molecules-mep")
    assert default_folder([], ["C"]) == Path("molecules-mep")
