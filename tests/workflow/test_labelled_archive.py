"""A reference of one run is an archive of another, which computes nothing and learns the same."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from tiny_repository import Repository

from mepflow.molecules import MoleculeTable

pytestmark = pytest.mark.xdist_group("workflow")

PUBLISHED = "resources/tiny/reference.h5"
MODEL = "models/AC-AD-DQ-dw100-c/seed-1"


def publish(repository: Repository) -> None:
    """Make the reference of a finished run the archive of a new run."""
    root = repository.root
    shutil.copy(root / "results/qm9/reference/reference.h5", root / PUBLISHED)
    rows = yaml.safe_load((root / "config/archives.yaml").read_text())
    rows["published"] = {
        "format": "labelled",
        "path": PUBLISHED,
        "records": len(MoleculeTable.load(root / PUBLISHED)),
        "labels": ["dipole", "quadrupole", "mulliken_charges", "energy", "mep"],
        "licence": "MIT",
        "citation": "Ours.",
    }
    (root / "config/archives.yaml").write_text(yaml.safe_dump(rows))
    dataset = yaml.safe_load((root / "config/tiny.yaml").read_text())["datasets"]["qm9"]
    changes = {"archive": "published", "labels": "archive"}
    repository.configure(
        {"name": "again", "results": "again", "datasets": {"again": dataset | changes}}
    )


@pytest.fixture
def again(rerun: Repository) -> Repository:
    publish(rerun)
    return rerun


def test_nothing_is_computed(again: Repository) -> None:
    planned = again.planned()
    assert "compute_reference" not in planned
    assert "tabulate_agreement" not in planned
    assert planned["collect_reference"] == 1


def test_the_same_labels_make_the_same_model_and_errors(again: Repository) -> None:
    again.snakemake(f"again/again/{MODEL}/mep.csv", "again/again/tables/mep.csv")
    first, second = again.root / "results/qm9", again.root / "again/again"
    one, other = (MoleculeTable.load(at / "reference/reference.h5") for at in (first, second))
    assert one.ids == other.ids
    for name in ("dipole", "quadrupole", "mulliken_charges"):
        has_it = np.isfinite(other.properties[name])
        np.testing.assert_array_equal(
            other.properties[name][has_it], one.properties[name][has_it], err_msg=name
        )
    assert other.metadata["grid_settings"] == one.metadata["grid_settings"]
    weights = [
        torch.load(at / MODEL / "model.pt", weights_only=True)["state"] for at in (first, second)
    ]
    assert all(torch.equal(weights[0][name], values) for name, values in weights[1].items())
    for file in (
        f"{MODEL}/mep.csv",
        "baselines/fitted-charges/mep.csv",
        "baselines/mulliken/mep.csv",
    ):
        assert Path(first / file).read_bytes() == Path(second / file).read_bytes()
