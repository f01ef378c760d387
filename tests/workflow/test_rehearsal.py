"""The rehearsal of the paper's programme: made-up archives that readers take, and its plan."""

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from tiny_repository import ROOT, Repository

from mepflow.archives import qm9_table, spice_table
from mepflow.molecules import MoleculeTable
from mepflow.units import E_BOHR_IN_DEBYE

sys.path.insert(0, str(ROOT / "tools"))

import make_rehearsal_archives as rehearsal
import rehearsal_fragments as fragments

RECORDS, GROUPS = 9, 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with tiny archives, made of the first molecules of the source alone."""
    folder = tmp_path_factory.mktemp("made")
    some = fragments.read_fragments(most=200)
    rehearsal.make_qm9(folder, some, RECORDS)
    rehearsal.make_spice(folder, some, GROUPS)
    return folder


def test_what_would_be_computed_is_what_the_archives_say(made: Path, tmp_path: Path) -> None:
    table, rejected = tmp_path / "table.h5", tmp_path / "rejected.csv"
    qm9_table.read_archive(made / "dsgdb9nsd.xyz.tar.bz2", table, rejected, RECORDS)
    archive, reference = MoleculeTable.load(table), MoleculeTable.load(made / "qm9-reference.h5")
    assert archive.ids == reference.ids
    norms = np.linalg.norm(reference.properties["dipole"], axis=1)
    np.testing.assert_allclose(
        archive.properties["archive_dipole_norm"], norms, rtol=0, atol=6e-5 / E_BOHR_IN_DEBYE
    )
    spice_table.read_archive(made / "SPICE.hdf5", table, rejected, GROUPS)
    archive, reference = MoleculeTable.load(table), MoleculeTable.load(made / "spice-reference.h5")
    archive = archive.sorted_by_id()
    reference = reference.sorted_by_id()
    np.testing.assert_allclose(archive.positions, reference.positions, rtol=0, atol=1e-8)
    for name in ("dipole", "quadrupole"):
        np.testing.assert_allclose(  # to the single precision of the networks
            archive.properties[f"archive_{name}"], reference.properties[name], rtol=0, atol=1e-5
        )
    assert all(len(grid.mep) > 100 * GROUPS for grid in reference.grids.values())


def test_the_paper_is_planned_without_a_calculation(made: Path, repository: Repository) -> None:
    (repository.root / "resources/downloads").mkdir(parents=True)
    (repository.root / "resources/downloads/rehearsal").symlink_to(made)
    files = ("config/paper.yaml", "config/rehearsal.yaml")
    (repository.root / "config/tiny.yaml").write_text("{}\n")
    planned = repository.planned("--configfile", *files)
    variants = yaml.safe_load((ROOT / "config/studies/multipoles.yaml").read_text())["variants"]
    assert planned["train_seeds"] == 2 * len(variants)
    assert planned["collect_reference"] == 2
    assert planned["tabulate_agreement"] == 2
    assert not {"compute_reference", "download_archive", "train_model"} & planned.keys()
