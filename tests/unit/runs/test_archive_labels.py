"""Labels by archive and target: what is taken, and what is refused before anything runs."""

import copy
from typing import Any

import pytest

from mepflow.errors import ConfigError
from mepflow.runs import archive_labels as labels
from mepflow.runs import settings

DIPOLES: dict[str, Any] = {"loss_weights": {"dipole": 1.0, "quadrupole": 0.0}}
MULTIPOLES: dict[str, Any] = {"loss_weights": {"dipole": 1.0, "quadrupole": 1.0}}
LENGTHS: dict[str, Any] = {
    "loss_weights": {"dipole_norm": 1.0, "charges": 0.1},
    "charges_like": "mulliken",
}
FITTED: dict[str, Any] = {
    "loss_weights": {"dipole_norm": 1.0, "charges": 0.1},
    "charges_like": "fitted",
}
FORCES: dict[str, Any] = {"loss_weights": {"energy": 1.0, "forces": 1.0}}
WHOLE = ["dipole", "quadrupole", "mulliken_charges", "mep"]
ARCHIVES: dict[str, Any] = {
    "qm9": {"format": "qm9", "records": 10},
    "spice": {"format": "spice", "records": 10},
    "whole": {"format": "labelled", "records": 10, "labels": WHOLE},
    "moments": {"format": "labelled", "records": 10, "labels": WHOLE[:2]},
    "frames": {
        "format": "extxyz",
        "records": 10,
        "labels": ["dipole"],
        "keys": {"dipole": "mu"},
        "uncharacterized": None,
    },
}


def run(archive: str, variant: dict[str, Any], **row: Any) -> dict[str, Any]:
    """Return the parts of a configuration that count here, of one dataset."""
    dataset = {
        "archive": archive,
        "labels": "archive",
        "level_of_theory": "ours",
        "conformers": "all",
        "shard_size": 2,
        "split": {"test": 3},
        "grids": ["mk"],
        "baselines": ["fitted-charges"],
    }
    return {
        "datasets": {"ours": copy.deepcopy(dataset) | row},
        "levels_of_theory": {"ours": {"basis": "sto-3g"}},
        "grids": {"mk": {"kind": "shells"}},
        "variants": {"v": variant},
        "training": {"variants": ["v"]},
    }


SOURCES = ("computed", "archive")
ENOUGH = {
    "QM9's own lengths and charges": ("qm9", LENGTHS),
    "charges fitted to the potential": ("whole", FITTED),
    "forces": ("spice", FORCES),
    "a length follows from a dipole": ("frames", {"loss_weights": {"dipole_norm": 1.0}}),
    "a target without weight": ("frames", DIPOLES),
}


@pytest.mark.parametrize(("archive", "variant"), ENOUGH.values(), ids=ENOUGH)
def test_an_archive_with_all_labels_will_do(archive: str, variant: dict[str, Any]) -> None:
    labels.check_labels(run(archive, variant), ARCHIVES, "ours")


REFUSED = {
    "vectors of QM9": ("qm9", DIPOLES, {}, r"labels: the variant v learns dipole, .* archive qm9"),
    "quadrupoles": ("frames", MULTIPOLES, {}, r"v learns quadrupole, .* frames \(format extxyz\)"),
    "charges of no potential": ("qm9", FITTED, {}, r"v learns mep, .* qm9"),
    "charges": ("spice", LENGTHS, {}, r"v learns mulliken_charges, .* spice"),
    "MBIS": ("whole", DIPOLES, {"baselines": ["mbis-charges"]}, r"baselines: mbis-charges needs"),
    "Mulliken of nothing computed": (
        "whole-without",
        DIPOLES,
        {"baselines": ["mulliken"]},
        r"baselines: mulliken needs mulliken_charges",
    ),
}


@pytest.mark.parametrize(("archive", "variant", "row", "message"), REFUSED.values(), ids=REFUSED)
def test_a_label_that_the_archive_lacks_is_refused(
    archive: str, variant: dict[str, Any], row: dict[str, Any], message: str
) -> None:
    archives = ARCHIVES | {"whole-without": ARCHIVES["whole"] | {"labels": [*WHOLE[:2], "mep"]}}
    config = run(archive, variant, **row)
    with pytest.raises(ConfigError, match=message):
        labels.check_labels(config, archives, "ours")


SHARDS = {"qm9": 2, "spice": 2, "moments": 2, "frames": 2, "whole": 0}


@pytest.mark.parametrize(("archive", "expected"), SHARDS.items())
def test_an_archive_with_potentials_leaves_no_reference_job(archive: str, expected: int) -> None:
    assert settings.number_of_shards(run(archive, DIPOLES), ARCHIVES, "ours") == expected
    computed = run(archive, DIPOLES, labels="computed")
    assert settings.number_of_shards(computed, ARCHIVES, "ours") == 5


def test_a_published_reference_leaves_no_reference_job() -> None:
    archives = {"qm9": ARCHIVES["qm9"] | {"reference": "theirs.h5"}}
    config = run("qm9", DIPOLES, labels="computed")
    assert settings.number_of_shards(config, archives, "ours") == 0
    assert labels.published_reference(config, archives, "ours") == ["theirs.h5"]
    assert labels.tables(config, archives, "ours") == ["agreement"]
    assert labels.published_reference(config, ARCHIVES, "ours") == []


def test_what_readers_are_told() -> None:
    assert labels.reader_options(run("qm9", DIPOLES), ARCHIVES, "ours") == {}
    assert labels.reader_options(run("spice", DIPOLES), ARCHIVES, "ours") == {"conformers": "all"}
    wanted = labels.reader_options(run("spice", FORCES), ARCHIVES, "ours")
    assert wanted == {"conformers": "all", "gradients": True}
    # Where labels are computed, so are the forces.
    assert [labels.computes_forces(run("qm9", FORCES, labels=of), "ours") for of in SOURCES] == [
        True,
        False,
    ]
    assert not labels.computes_forces(run("qm9", DIPOLES, labels="computed"), "ours")
    whole = {"labels": WHOLE, "level": {"basis": "sto-3g"}, "grids": {"mk": {"kind": "shells"}}}
    assert labels.reader_options(run("whole", DIPOLES), ARCHIVES, "ours") == whole
    computed = run("whole", DIPOLES, labels="computed")
    assert labels.reader_options(computed, ARCHIVES, "ours") == whole | {"level": None, "grids": {}}
    frames = labels.reader_options(run("frames", DIPOLES), ARCHIVES, "ours")
    assert frames == {"labels": ["dipole"], "keys": {"dipole": "mu"}}
