"""Many molecules in one call: bad ones among good ones, where they come from, kills, JSON."""

import functools
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase.io import read

from mepflow.__main__ import main
from mepflow.prediction import batch_folder, job, progress_display
from mepflow.prediction.batch_folder import UNFINISHED, BatchFolder
from mepflow.prediction.molecule_names import MoleculeNames, file_name
from mepflow.prediction.predictor import Predictor

ATOMS = "O 0 0 {z}\nH 0 0.7572 -0.4692\nH 0 -0.7572 -0.4692\n"
GOOD = "3\n\n" + ATOMS.format(z=0.1173)
SDF = """
  made 3D

  2  1  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 {:<3} 0  0  0  0  0  0  0  0  0  0  0  0
    0.0000    0.0000    1.0000 H   0  0  0  0  0  0  0  0  0  0  0  0
  1  2  1  0
M  END
$$$$
"""
SCRIPTS = Path(job.__file__).parents[2]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


LOADED = functools.cache(Predictor.load)


@pytest.fixture(autouse=True)
def models_are_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading models takes most of a call with a molecule or two."""
    monkeypatch.setattr(Predictor, "load", LOADED)


@pytest.fixture
def predict(models: Path) -> Callable[..., int]:
    """Run the command without files of single molecules."""

    def run(*arguments: str) -> int:
        given = ["--model", str(models), "--output", "out", "--no-cubes", "--no-pqr"]
        return main(["predict", *arguments, *given])

    return run


def table(name: str = "multipoles") -> pd.DataFrame:
    found = pd.read_csv(f"out/{name}.csv")
    for column in {"failure", "warnings"} & set(found.columns):
        found[column] = found[column].astype(object).fillna("")
    return found


BAD = {  # what stands between two good molecules, in what kind of file, and what is said of it
    "an unknown element": ("xyz", "1\n\nCl 0 0 0\n", "contains Cl, which the model"),
    "no element": ("xyz", "1\n\nQq 0 0 0\n", "'Qq' is not an element"),
    "no number": ("xyz", "1\n\nO 0 0 x\n", "'x' is not a coordinate"),
    "too few columns": ("xyz", "1\n\nO 0 0\n", "has 3 of the 4 columns"),
    "no atoms": ("xyz", "0\n\n", "has no atoms"),
    "too many atoms": ("xyz", "1001\n\n" + "H 0 0 0\n" * 1001, "has 1001 atoms, more than"),
    "atoms on each other": ("xyz", "2\n\nO 0 0 0\nH 0 0 0.1\n", "atoms 1 and 2 are 0.1 Å apart"),
    "no whole charge": ("xyz", "1\ncharge=0.5\nO 0 0 0\n", "is not a whole total charge"),
    "a broken record": ("sdf", "rubbish\n$$$$\n", "cannot be read as a structure"),
    "an unknown element of a record": ("sdf", SDF.format("Cl"), "contains Cl"),
    "no SMILES": ("smi", "C(C\n", "is not a SMILES that RDKit can read"),
    "several fragments": ("smi", "C.O\n", "has several fragments"),
    "an unknown element of a SMILES": ("smi", "CBr bromide\n", "contains Br"),
}
GOOD_OF = {"xyz": GOOD, "sdf": SDF.format("F"), "smi": "O\n"}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_molecule_costs_itself(
    case: str, predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    kind, bad, reason = BAD[case]
    Path(f"in.{kind}").write_text(GOOD_OF[kind] + bad + GOOD_OF[kind])
    assert predict(f"in.{kind}", "--json", "out.json") == 1
    rows = table()
    assert [bool(text) for text in rows["failure"]] == [False, True, False]
    assert reason in rows["failure"][1]
    assert rows["name"][0] == "in-1"
    assert rows["dipole_x_e_bohr"][0] == pytest.approx(float(rows["dipole_x_e_bohr"][2]))
    assert set(table("atoms")["name"]) == {rows["name"][0], rows["name"][2]}
    assert len(read("out/molecules.extxyz", ":")) == 2
    printed = capsys.readouterr().out
    assert "Not predicted: 1 of 3 molecules." in printed
    assert f"  {rows['name'][1]}: {rows['failure'][1]}\n" in printed
    failed = json.loads(Path("out.json").read_text())["molecules"][1]
    assert failed == {key: rows[key][1] for key in ("name", "source", "failure")}
    shutil.rmtree("out")
    assert predict(f"in.{kind}", "--strict") == 2
    assert reason in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_frame_without_an_end_is_the_last(predict: Callable[..., int]) -> None:
    Path("in.xyz").write_text(GOOD + "rest\n" + GOOD)
    assert predict("in.xyz", "--smiles", "C") == 1
    assert [bool(text) for text in table()["failure"]] == [False, True, False]
    assert table()["name"].tolist() == ["in-1", "in-2", "C"]


def test_a_bad_file_costs_itself(predict: Callable[..., int]) -> None:
    Path("a.xyz.gz").write_bytes(b"\x1f\x8bno gzip")
    Path("b.xyz").write_text("")
    Path("c.xyz").write_text(GOOD)
    assert predict("a.xyz.gz", "b.xyz", "c.xyz") == 1
    assert table()["name"].tolist() == ["a", "b", "c"]
    assert "damaged or cut short" in table()["failure"][0]
    assert "holds no structure" in table()["failure"][1]


def test_none_that_can_be_predicted(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict("--smiles", "CCl", "--smiles", "CBr") == 2
    error = capsys.readouterr().err
    assert error.startswith(
        "mepflow: None of 2 molecules can be predicted; the first: --smiles 'CCl' contains"
    )
    assert not Path("out").exists()


SOURCES = {  # arguments, and the names of the molecules
    "a folder": (["set"], ["a", "b", "c"]),
    "a pattern": (["set/[ab].*"], ["a", "b"]),
    "a pattern of folders": (["s*"], ["a", "b", "c"]),
    "a file twice": (["set/a.xyz", "set/a.xyz"], ["a", "a_2"]),
    "a name that looks like a pattern": (["[x].xyz"], ["x"]),
}


@pytest.mark.parametrize("case", SOURCES)
def test_where_molecules_come_from(case: str, predict: Callable[..., int]) -> None:
    folder = Path("set")
    (folder / "inner").mkdir(parents=True)
    for path in (folder / "b.xyz", folder / "a.xyz", folder / "inner" / "d.xyz", Path("[x].xyz")):
        path.write_text(GOOD)
    (folder / "c.smi").write_text("C\n")
    (folder / "notes.txt").write_text("none")
    arguments, names = SOURCES[case]
    assert predict(*arguments) == 0
    assert table()["name"].tolist() == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (GOOD * 2, ["molecule-1", "molecule-2"]),
        ("C methane\nO\n", ["methane", "molecule-2"]),
        (SDF.format("F"), ["molecule"]),
    ],
)
def test_the_standard_input(
    text: str, names: list[str], predict: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(text.encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    assert predict("-") == 0
    assert table()["name"].tolist() == names
    assert table()["source"][0].startswith("the standard input, ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none/*.xyz"], "No file matches none/*.xyz"),
        (["empty"], "empty holds no structure file (.xyz, .extxyz"),
        (["-", "-"], "The standard input (-) can be read once"),
        (["a.cif"], "a.cif is not a structure file by its name"),
        (["--smiles", "C", "--moments-only", "--png"], "--png needs the potential"),
        (["--smiles", "C", "--definitions", "no.yaml"], "no.yaml does not exist"),
    ],
)
def test_usage_errors_are_told_before_anything_is_imported(
    arguments: list[str], message: str
) -> None:
    Path("empty").mkdir()
    code = (
        f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})\n"
        "from mepflow.__main__ import main\n"
        f"status = main(['predict', *{arguments}])\n"
        "heavy = {'torch', 'ase', 'rdkit', 'scipy', 'numpy', 'pandas', 'matplotlib'}\n"
        "print(status, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2 []\n"
    assert message in done.stderr


def test_json_holds_what_the_tables_hold(
    predict: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in.xyz").write_text(GOOD + "3\ncharge=1\n" + ATOMS.format(z=0.2))
    assert predict("in.xyz", "--json", "-") == 0
    printed = capsys.readouterr()
    content = json.loads(printed.out)
    assert "Written to out" in printed.err
    assert (content["format"], content["model"]) == ("mepflow predictions", "AC-AD-DQ-c")
    rows, atoms = table(), table("atoms")
    for (_, row), found in zip(rows.iterrows(), content["molecules"], strict=True):
        assert found["name"] == row["name"]
        assert "; ".join(found["warnings"]) == row["warnings"]
        for name in rows.select_dtypes(float).columns.drop("multiplicity_stated"):
            assert found[name] == pytest.approx(row[name], rel=1e-8)
        own = atoms[atoms["name"] == row["name"]]
        assert list(found["atoms"]) == list(atoms.columns.drop("name"))
        np.testing.assert_allclose(found["atoms"]["charge_e"], own["charge_e"], rtol=1e-8)
    assert content["molecules"][1]["multiplicity_stated"] is None


def test_moments_only(predict: Callable[..., int], models: Path) -> None:
    Path("in.xyz").write_text(GOOD)
    assert predict("in.xyz") == 0
    whole, whole_atoms = table(), table("atoms")
    assert (
        main(["predict", "in.xyz", "--model", str(models), "--output", "out", "--moments-only"])
        == 0
    )
    names = {path.name for path in Path("out").iterdir()}
    assert names == {"multipoles.csv", "atoms.csv", "molecules.extxyz", "prediction.json"}
    assert [c for c in whole.columns if not c.startswith(("mep_", "charges_"))] == list(
        table().columns
    )
    pd.testing.assert_frame_equal(whole[table().columns], table())
    left = whole_atoms.columns.drop(["charge_e", "charge_spread_e"])
    pd.testing.assert_frame_equal(whole_atoms[left], table("atoms"))
    atoms = read("out/molecules.extxyz")
    assert atoms.calc is None or "charges" not in atoms.calc.results
    assert "atomic_charges_e" in atoms.arrays


class KilledError(BaseException):
    """Stands for kill -9: nothing catches it, and the process writes no more."""


@pytest.fixture
def killed(
    predict: Callable[..., int], models: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Run the command with groups of one molecule, and kill it while the third is computed."""
    text = "".join(f"3\nname=w{k % 4}\n{ATOMS.format(z=0.1 + 0.01 * k)}" for k in range(6))
    Path("in.xyz").write_text(text)
    monkeypatch.setattr(job, "ATOMS_AT_ONCE", 2)

    def run(*arguments: str) -> None:
        predict_all, calls = Predictor.predict_all, []

        def stopping(self: Predictor, structures: object) -> object:
            calls.append(structures)
            if len(calls) == 3:
                raise KilledError
            return predict_all(self, structures)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(Predictor, "predict_all", stopping)
            with pytest.raises(KilledError):
                predict("in.xyz", *arguments)

    return run


def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that the names of the molecules that are computed will be in."""
    predict_all, names = Predictor.predict_all, []

    def noting(self: Predictor, structures: list[job.Structure]) -> object:
        names.extend(structure.molecule.id for structure in structures)
        return predict_all(self, structures)

    monkeypatch.setattr(Predictor, "predict_all", noting)
    return names


def files_of(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.mark.parametrize("torn", [b"", b'{"done": 1, "pre', b"\xff\x00\n", b"[1]\n"])
def test_a_killed_batch_goes_on(
    torn: bytes,
    killed: Callable[..., None],
    predict: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert predict("in.xyz", "--json", "a.json") == 0
    whole = files_of("out")
    shutil.rmtree("out")
    killed("--json", "b.json")
    assert [path.name for path in Path("out").iterdir()] == [UNFINISHED]
    for name, rest in (("progress.jsonl", torn), ("atoms.csv", b"w2,1,O,0.1")):
        with Path("out", UNFINISHED, name).open("ab") as file:
            file.write(rest)
    names = computed(monkeypatch)
    assert predict("in.xyz", "--json", "b.json") == 0
    assert "Going on: 2 of 6 molecules were finished." in capsys.readouterr().err
    assert names == ["w2", "w3", "w0_2", "w1_2"]
    assert files_of("out") == whole
    assert Path("a.json").read_text() == Path("b.json").read_text()


def edit_input() -> None:
    path = Path("in.xyz")
    path.write_text(path.read_text().replace("0 0 0.11", "0 0 0.3"))


CHANGES = {  # between a kill and the next call: what is done, or arguments that are added
    "an input": edit_input,
    "a total charge": ["--charge", "0"],
    "a kind of files": ["--pqr"],
    "an option": ["--moments-only"],
    "a table": lambda: Path("out", UNFINISHED, "atoms.csv").write_text("lost"),
    "a missing table": lambda: Path("out", UNFINISHED, "atoms.csv").unlink(),
    "the code": lambda: None,
    "the models": lambda: None,
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_is_changed_is_computed_anew(
    case: str,
    killed: Callable[..., None],
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    killed()
    if case == "the code":
        monkeypatch.setattr("mepflow.prediction.batch_key._SOURCES", (".py",))
    if case == "the models":
        models = models / "seed-2" / "model.pt"
    change = CHANGES[case]
    options = change if isinstance(change, list) else []
    if callable(change):
        change()
    pqr = [] if "--pqr" in options else ["--no-pqr"]
    names = computed(monkeypatch)
    given = ["--model", str(models), "--output", "out", "--no-cubes", *pqr]
    assert main(["predict", "in.xyz", *given, *options]) == 0
    assert len(names) == 6
    assert "Beginning anew" in capsys.readouterr().err
    assert not Path("out", UNFINISHED).exists()


def test_a_kill_while_files_move(
    predict: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("in.xyz").write_text(GOOD)
    assert predict("in.xyz") == 0
    whole = files_of("out")

    def stop(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(batch_folder, "replace_listing", stop)
        with pytest.raises(KilledError):
            predict("in.xyz")
    names = computed(monkeypatch)
    assert predict("in.xyz") == 0
    assert names == []
    assert files_of("out") == whole


def test_two_calls_at_once(predict: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    with BatchFolder(Path("out"), "key"):
        assert predict("--smiles", "C") == 2
    assert "Another call is writing into out: wait for it" in capsys.readouterr().err
    assert predict("--smiles", "C") == 0


def test_a_batch_is_the_same_as_one_at_a_time(predict: Callable[..., int]) -> None:
    smiles = ["CCO", "C", "NC=O", "FC", "O"]
    assert predict(*[word for text in smiles for word in ("--smiles", text)]) == 0
    together, atoms = table(), table("atoms")
    for number, text in enumerate(smiles):
        assert predict("--smiles", text) == 0
        row = together.iloc[[number]].reset_index(drop=True)
        pd.testing.assert_frame_equal(table(), row, check_dtype=False, rtol=1e-7, atol=1e-9)
        own = atoms[atoms["name"] == together["name"][number]].reset_index(drop=True)
        pd.testing.assert_frame_equal(table("atoms"), own, check_dtype=False, rtol=1e-7, atol=1e-9)


def test_lines_of_progress(
    predict: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(progress_display, "SECONDS_BETWEEN_LINES", 0.0)
    assert predict("--smiles", "C", "--smiles", "O") == 0
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("2 of 2 molecules, ")
    assert line.endswith(" molecules/s, 00:00 left")


def test_a_bar_on_a_terminal(
    predict: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert predict("--smiles", "C", "--smiles", "O") == 0
    assert "2/2 [" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("éthanol 1", "éthanol_1"),
        ("e\u0301thanol", "éthanol"),
        ("àau", "àau"),
        ("éau", "éau"),
        ("水", "水"),
        ("../../etc", "etc"),
        ("a:b*c", "a_b_c"),
        ("...", "molecule"),
        ("ä" * 200, "ä" * 50),
    ],
)
def test_names(wanted: str, name: str) -> None:
    assert file_name(wanted) == name


def test_names_depend_on_what_is_taken_alone() -> None:
    wanted = ("a", "A", "a", "a_2", "a", "b")
    names = MoleculeNames()
    found = [names.take(text) for text in wanted]
    assert found == ["a", "A_2", "a_3", "a_2_2", "a_4", "b"]
    for count in range(6):
        again = MoleculeNames(found[:count])
        assert [again.take(text) for text in ("a", "A", "a", "a_2", "a", "b")[count:]] == found[
            count:
        ]
