"""A copy of the repository with a tiny configuration, and a finished run of it."""

import shutil
from pathlib import Path

import pytest
from tiny_repository import Repository, copy_repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return a fresh copy of the repository in which nothing has run."""
    return copy_repository(tmp_path / "repository")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a copy of the repository whose tiny run is finished; tests must not change it.

    It takes a minute, so modules that use it belong to one group of tests, ``workflow``.
    """
    repository = copy_repository(tmp_path_factory.mktemp("finished") / "repository")
    repository.snakemake()
    return repository


@pytest.fixture
def rerun(finished: Repository, tmp_path: Path) -> Repository:
    """Return a copy of the finished run, with its times and metadata, that a test may change."""
    shutil.copytree(finished.root, tmp_path / "repository", symlinks=True)
    return Repository(tmp_path / "repository")
