"""A run with datasets of both kinds: labels that are computed, and labels of the archive."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_repository import SPICE_GROUPS, Repository, copy_repository

from mepflow.molecules import MoleculeTable

pytestmark = pytest.mark.xdist_group("two datasets")

DATASETS = ("qm9", "spice")
KINDS = {".csv": "tables", ".md": "tables", ".png": "figures", ".pdf": "figures"}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    repository = copy_repository(tmp_path_factory.mktemp("both") / "repository", DATASETS)
    repository.snakemake()
    return repository


def names_of(results: Path, suffix: str) -> set[str]:
    return {path.stem for path in (results / KINDS[suffix]).glob(f"*{suffix}")}


@pytest.mark.parametrize("suffix", KINDS)
def test_every_table_and_figure_has_both(both: Repository, suffix: str) -> None:
    names = [names_of(both.root / "results" / name, suffix) for name in DATASETS]
    own = {"labels"}
    own |= {f"{name}_{key}" for name in ("showcase", "surface") for key in ("gdb_000003", "furan")}
    assert names[0] - own == names[1] - own
    assert "transfer" in names[0]
    assert ("labels" in names[1]) == (KINDS[suffix] == "tables")


def test_filters_take_what_they_are_for(both: Repository) -> None:
    results = both.root / "results" / "spice"
    verdicts = pd.read_csv(results / "reference" / "verdicts.csv", keep_default_na=False)
    reason_of = verdicts.set_index("id")["reason"]
    assert set(reason_of.index) == set(SPICE_GROUPS)
    assert reason_of[reason_of != ""].to_dict() == {
        "ethyl_formate": "unreadable_record",
        "trimethylammonium": "charged",
        "formamide-water": "several_molecules",
        "propan-2-ol": "duplicate",
    }


def test_labels_are_the_archives_and_the_test_set_alone_is_computed(both: Repository) -> None:
    results = both.root / "results" / "spice"
    reference = MoleculeTable.load(results / "reference" / "reference.h5")
    computed = MoleculeTable.load(results / "reference" / "computed.h5")
    splits = pd.read_csv(results / "molecules" / "splits.csv").set_index("id")["split"]
    assert set(computed.ids) == set(splits.index[splits == "test"])
    np.testing.assert_array_equal(
        reference.properties["dipole"], reference.properties["archive_dipole"]
    )
    has_points = np.diff(reference.grids["mk"].point_offsets) > 0
    assert has_points.tolist() == [key in computed.ids for key in reference.ids]


def test_models_meet_the_other_datasets_molecules(both: Repository) -> None:
    for name in DATASETS:
        table = pd.read_csv(both.root / "results" / name / "tables" / "transfer.csv")
        assert set(table["trained_on"]) == set(DATASETS)
        assert (table["n_structures"] > 0).all()
        assert np.isfinite(table["median_rmse_kcal_per_mol_e"]).all()
