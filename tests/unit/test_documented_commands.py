"""Every command that a page of the documentation shows is run, or the nearest that is quick.

Snakemake's are parsed by Snakemake and dry-run together, once for each configuration; those of make
are dry-run; programs of the repository print their help. What needs conda, a container, SLURM or
the network is not run: ``pytest -s`` lists how each command was tried.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from rdkit import Chem
from rdkit.Chem import AllChem

from mepflow.__main__ import main
from mepflow.runs.studies import merged

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "config/README.md")),
    *sorted((ROOT / "resources").glob("*/README.md")),
    *sorted((ROOT / "resources").glob("*/*/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
PROGRAMS = ("snakemake", "./mepflow", "make", "python", "pip", "sbatch", "scancel", "source")
NOT_RUN = ("pip", "sbatch", "scancel", "source")
"""Programs that need the network or SLURM, or change the shell."""
PLACEHOLDER = re.compile(r"…|\.\.\.|(?<![\w-])[A-Z]{2,}(_[A-Z]+)*(\.npz)?(?![\w=])")
CLUSTER = "--profile profiles/slurm"
"""Needs a plugin of Snakemake that ``make install`` does not bring."""
LONG = ("check-level", "judge", "spectrum")
"""Commands of mepflow that take more than seconds, or files that nobody has."""
NO_RUNS = {"archives.yaml", "definitions.yaml", "config.yaml", "miniature.yaml"}
RUNS = {path.name for path in (ROOT / "config").glob("*.yaml")} - NO_RUNS
"""Files of runs that pages name."""
FENCES = ("python", "yaml", "csv")
"""Blocks of other languages."""


def shown(text: str) -> Iterator[str]:
    """Yield the lines of blocks and the spans of code of a page."""
    fence = None
    for line in text.splitlines():
        if line.startswith("```"):
            fence = line[3:].strip() if fence is None else None
        elif fence is not None:
            if fence not in FENCES:
                yield line.strip()
        elif line.startswith("    "):
            yield line.strip()
        else:
            yield from (span.strip() for span in re.findall(r"`([^`\n]+)`", line))


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of the commands of a page, without variables, pipes and comments."""
    for line in shown(text):
        line = re.sub(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?", "", line)
        line = re.split(r" #| \| | 2> ", line)[0]
        program = line.split(" ")[0]
        if program in PROGRAMS and len(line.split()) > 1:
            yield shlex.split(line)


COMMANDS = {
    shlex.join(words): (page.relative_to(ROOT), words)
    for page in PAGES
    for words in commands(page.read_text())
}


def of(*programs: str) -> list[list[str]]:
    return [words for _, words in COMMANDS.values() if words[0] in programs]


def is_of_snakemake(words: list[str]) -> bool:
    return words[0] == "snakemake" or words[:2] == ["./mepflow", "run"]


def tell(how: str, words: list[str]) -> None:
    sys.stdout.write(f"{how:<12} {shlex.join(words)}\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with what the pages' reader has: a molecule, results, mine.yaml."""
    ethanol = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    AllChem.EmbedMolecule(ethanol, randomSeed=1)
    (tmp_path / "ethanol.xyz").write_text(Chem.MolToXYZBlock(ethanol))
    (tmp_path / "library.sdf").write_text(f"{Chem.MolToMolBlock(ethanol)}$$$$\n")
    results = ROOT / "tests" / "stored_formats" / "0.1.0" / "results" / "logs"
    for name in ("results", "results-paper"):
        shutil.copytree(results, tmp_path / name / "logs")
    (block,) = re.findall(
        r"```yaml\n(name: mine\n.*?)```", (ROOT / "docs/tutorial.md").read_text(), re.DOTALL
    )
    default = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    (tmp_path / "config").mkdir()
    mine = merged(default, yaml.safe_load(block))
    (tmp_path / "config" / "mine.yaml").write_text(yaml.safe_dump(mine))
    for name in RUNS:
        (tmp_path / "config" / name).symlink_to(ROOT / "config" / name)
    (tmp_path / "profiles").symlink_to(ROOT / "profiles")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def snakemake_words(words: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what Snakemake is called with, by itself or by ``mepflow run``."""
    if words[0] == "snakemake":
        return shlex.split(shlex.join(words[1:]).replace(CLUSTER, "--cores 1"))
    called: list[list[str]] = []

    class CalledError(Exception):
        pass

    def execve(program: str, arguments: list[str], environment: object) -> None:
        called.append(arguments)
        raise CalledError

    monkeypatch.setattr(os, "execve", execve)
    with pytest.raises(CalledError):
        main(words[1:])
    assert called[0][:3] == [sys.executable, "-m", "snakemake"]
    return called[0][3:]


def test_commands_of_snakemake(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from snakemake.cli import parse_args

    targets: dict[str, set[str]] = defaultdict(set)
    for words in of("snakemake", "./mepflow"):
        if not is_of_snakemake(words) or PLACEHOLDER.search(" ".join(words)):
            continue
        line = shlex.join(words)
        _, options = parse_args(snakemake_words(words, monkeypatch))
        files = options.configfile or []
        assert all(path.exists() for path in files), f"{line}: a target is taken for a file"
        works = not (options.dryrun or options.unlock or options.report)
        assert not works or options.cores, f"{line}: needs --cores"
        targets[" ".join(map(str, files))] |= set(options.targets)
        tell("no SLURM" if CLUSTER in line else "dry run", words)
    shown = {"potentials.yaml", "organic.yaml", "paper.yaml", "mine.yaml"}
    assert {"", *(f"config/{name}" for name in shown)} <= set(targets)
    assert {"verify", "tables", "figures"} <= targets[""] | targets["config/paper.yaml"]
    for file, wanted in targets.items():
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        command += ["--dry-run", "--quiet=all", "--nolock", "--cores=1"]
        command += [f"--configfile={file}"] if file else []
        done = subprocess.run(
            [*command, "all", *wanted], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{file} {sorted(wanted)}: {done.stdout}{done.stderr}"


def test_commands_of_mepflow(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tried = 0
    for words in of("./mepflow"):
        if is_of_snakemake(words):
            continue
        is_whole = not PLACEHOLDER.search(" ".join(words)) and words[1] not in LONG
        arguments = words[1:] if is_whole else [words[1], "--help"]
        tell("run" if is_whole else "--help", words)
        try:
            status = main(arguments)
        except SystemExit as stopped:
            status = int(stopped.code or 0)
        captured = capsys.readouterr()
        assert status == 0, f"{shlex.join(words)}: {captured.out}{captured.err}"
        tried += is_whole
    assert tried >= 3


def test_commands_of_make() -> None:
    found = of("make")
    assert ["make", "run"] in found
    for words in found:
        if words[1].startswith("needs"):  # a message
            continue
        assert not [w for w in words[1:] if not re.fullmatch(r"[a-z-]+|[A-Z]+=\S+", w)], words
        done = subprocess.run(
            ["make", "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        tell("dry run", words)


PROGRAM_FILES = sorted({words[1] for words in of("python") if words[1].endswith(".py")})


@pytest.mark.parametrize("file", PROGRAM_FILES)
def test_programs_of_the_repository(file: str) -> None:
    done = subprocess.run(
        [sys.executable, file, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for words in of("python"):
        if words[1] == file:
            tell("--help", words)
            for option in (w for w in words if w.startswith("--")):
                assert f'"{option}"' in (ROOT / file).read_text(), f"{shlex.join(words)}: {option}"


def test_the_others_name_files_that_exist() -> None:
    for words in of(*NOT_RUN):
        tell("not run", words)
        files = re.findall(r"\S+\.txt", " ".join(words))
        assert all((ROOT / file).exists() for file in files), words
