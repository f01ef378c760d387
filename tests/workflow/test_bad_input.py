"""Bad input ends in one sentence with the file and the remedy, and loses nothing."""

import json
import re
from typing import Any

import pytest
import yaml
from tiny_repository import TINY_ARCHIVE, Repository

pytestmark = pytest.mark.xdist_group("workflow")


def message_of(repository: Repository, *arguments: str) -> str:
    """Return what a failing run printed; it must end with a status other than 0."""
    done = repository.snakemake(*arguments, check=False)
    assert done.returncode != 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def change(repository: Repository, path: tuple[str, ...], value: Any) -> None:
    file = repository.root / "config" / "tiny.yaml"
    config = yaml.safe_load(file.read_text())
    row = config
    for key in path[:-1]:
        row = row[key]
    row[path[-1]] = value
    file.write_text(yaml.safe_dump(config))


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            ("training", "stepps"),
            5,
            r"config/tiny\.yaml line \d+: training\.stepps: .*mean steps\?",
        ),
        (
            ("figures", "drawn"),
            ["mep"],
            r"config/tiny\.yaml line \d+: figures\.drawn: no rule makes",
        ),
    ],
)
def test_wrong_configuration(
    repository: Repository, path: tuple[str, ...], value: Any, expected: str
) -> None:
    change(repository, path, value)
    message = message_of(repository, "--dry-run")
    assert re.search(expected, message), message


def test_results_of_another_run(repository: Repository) -> None:
    folder = repository.root / "results"
    folder.mkdir()
    owner = {"name": "other", "archives": {"qm9": "qm9"}}
    (folder / "run.json").write_text(json.dumps(owner))
    message = message_of(repository, "--dry-run")
    assert "results holds the results of run 'other'" in message
    assert "set `results` to another folder" in message
    assert json.loads((folder / "run.json").read_text()) == owner


def test_missing_archive(repository: Repository) -> None:
    (repository.root / TINY_ARCHIVE).unlink()
    message = message_of(repository, "--dry-run")
    assert "Missing input files for rule read_archive" in message
    assert TINY_ARCHIVE in message


def archive_message(repository: Repository) -> str:
    return message_of(repository, "results/qm9/molecules/archive.h5")


def test_truncated_archive(repository: Repository) -> None:
    archive = repository.root / TINY_ARCHIVE
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 2])
    message = archive_message(repository)
    assert re.search(rf"{re.escape(TINY_ARCHIVE)} .*(truncated|damaged|ends)", message)
    assert "Traceback" not in message.split("RuleException")[0]
    assert not (repository.root / "results/qm9/molecules/archive.h5").exists()
    archive.write_bytes(content)
    repository.snakemake("results/qm9/molecules/archive.h5")


def test_wrong_number_of_records(repository: Repository) -> None:
    rows = repository.root / "config" / "archives.yaml"
    rows.write_text(rows.read_text().replace("records: 12", "records: 13"))
    assert "holds 12 records instead of 13" in archive_message(repository)


def test_nothing_left_after_the_filters(repository: Repository) -> None:
    change(repository, ("datasets", "qm9", "filters", "elements"), ["He"])
    message = message_of(repository, "results/qm9/molecules/candidates.h5")
    assert "No molecule of" in message
    assert "unsupported_element" in message


def test_missing_showcase_molecule(repository: Repository) -> None:
    change(repository, ("datasets", "qm9", "split", "showcase"), ["gdb_999999"])
    message = message_of(repository, "results/qm9/molecules/splits.csv")
    assert "gdb_999999 is not in the data set" in message
