"""A reference of ours as an archive: what is taken, what is rejected, what is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from labelled_tables import GRID, LEVEL, make_reference, with_values

from mepflow.archives.labelled_table import read_archive
from mepflow.errors import ConfigError, InputError
from mepflow.molecules import MoleculeTable

LABELS = ("dipole", "quadrupole", "energy", "mulliken_charges", "mbis_charges", "mep")


def ingest(reference, folder, **options: Any):
    reference.save(folder / "reference.h5")
    chosen = {"labels": LABELS, "level": LEVEL, "grids": {"mk": GRID}} | options
    read_archive(folder / "reference.h5", folder / "a.h5", folder / "rejected.csv", **chosen)
    rejected = pd.read_csv(folder / "rejected.csv", keep_default_na=False)
    return MoleculeTable.load(folder / "a.h5"), [tuple(row) for row in rejected.to_numpy()]


def test_results_become_the_archives(tmp_path):
    reference = make_reference()
    table, rejected = ingest(reference, tmp_path, expected_records=3)
    assert rejected == []
    assert table.ids == reference.ids
    for name in ("dipole", "quadrupole", "energy", "homo", "mulliken_charges"):
        np.testing.assert_array_equal(
            table.properties[f"archive_{name}"], reference.properties[name]
        )
    np.testing.assert_array_equal(
        table.properties["archive_mbis_charges"], reference.properties["archive_mbis_charges"]
    )
    np.testing.assert_allclose(
        table.properties["archive_dipole_norm"],
        np.sqrt((reference.properties["dipole"] ** 2).sum(axis=1)),
        rtol=1e-15,
    )
    # Water, the methyl cation, and water with an electron more.
    np.testing.assert_array_equal(table.properties["archive_radical_electrons"], [0, 0, 1])
    assert all(name.startswith("archive_") for name in table.properties)
    assert set(table.texts) == {"archive_subset"}
    assert list(table.grids) == ["mk"]
    np.testing.assert_array_equal(table.grids["mk"].of(0)[1], reference.grids["mk"].of(0)[1])
    assert table.metadata == reference.metadata | {"archive": "reference.h5"}


def changed(column: str, row: int, value: Any):
    table = make_reference()
    values = table.properties[column].copy()
    values[row] = value
    return with_values(table, **{column: values})


def moved(shift: float):
    table = make_reference()
    positions = table.positions.copy()
    positions[4] = positions[3] + shift
    return replace(table, positions=positions)


def numbered(number: int):
    numbers = make_reference().atomic_numbers.copy()
    numbers[3] = number
    return with_values(make_reference(), atomic_numbers=numbers)


BAD_ROWS = {
    "not converged": (changed("scf_converged", 1, 0.0), "its calculation failed"),
    "origin": (changed("origin", 1, 9.0), "its multipoles are .* bohr off the centre of nuclear"),
    "implausible": (changed("dipole", 1, 1e13), "a label of it is not plausible"),
    "close atoms": (moved(0.1), "atoms 1 and 2 are closer than 0.3 Å"),
    "far atom": (moved(1e5), "an atom is farther than 1000 Å from the origin"),
    "no element": (numbered(0), "it has an atomic number that is no element's"),
    "beyond": (numbered(119), "it has an atomic number that is no element's"),
    "charge": (
        with_values(make_reference(), total_charge=np.array([0, 101, 0])),
        "its total charge is 101 e",
    ),
    "twice": (with_values(make_reference(), ids=["m0", "m0", "m2"]), "the id m0 is also that of"),
    "id": (
        with_values(make_reference(), ids=["m0", "\x1b[2J", "m2"]),
        "its id is empty, too long, or no printable text",
    ),
}


@pytest.mark.parametrize(("reference", "reason"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_rejected_with_its_reason(tmp_path, reference, reason):
    table, rejected = ingest(reference, tmp_path)
    assert table.ids == ["m0", "m2"]
    assert [row for row, _, _ in rejected] == ["row 2"]
    assert pd.Series([rejected[0][2]]).str.match(reason).all(), rejected
    assert all(text.isprintable() for text in rejected[0])


def test_a_row_without_any_label_is_rejected_and_one_with_some_is_not(tmp_path):
    table = changed("dipole", 1, np.nan)
    kept, rejected = ingest(table, tmp_path)
    assert kept.ids == table.ids
    assert np.isnan(kept.properties["archive_dipole"][1]).all()
    kept, rejected = ingest(table, tmp_path, labels=["dipole", "mep"])
    assert rejected == [("row 2", "m1", "it has none of archive_dipole")]


LEVELS = {
    "functional": ({"functional": "pbe"}, r"its 'functional' is 'lda,vwn', not 'pbe'"),
    "missing": ({"unknown": 3}, r"its 'unknown' is None, not 3"),
}


@pytest.mark.parametrize(("change", "message"), LEVELS.values(), ids=LEVELS)
def test_another_level_of_theory_is_refused(tmp_path, change, message):
    with pytest.raises(ConfigError, match=message):
        ingest(make_reference(), tmp_path, level=LEVEL | change)
    assert not (tmp_path / "a.h5").exists()


def test_where_labels_are_computed_any_level_will_do(tmp_path):
    table, _ = ingest(make_reference(), tmp_path, level=None, grids={})
    assert len(table) == 3
    assert table.grids == {}


def test_the_backend_is_no_level(tmp_path):
    assert len(ingest(make_reference(), tmp_path, level=LEVEL | {"backend": "gpu4pyscf"})[0]) == 3


REFUSED = {
    "records": ({"expected_records": 4}, InputError, "holds 3 molecules instead of 4"),
    "grid": ({"grids": {"shell": GRID}}, InputError, "no potential on the grid shell .*'mk'"),
    "scale": (
        {"grids": {"mk": GRID | {"scales": [2.0]}}},
        ConfigError,
        r"the 'scales' of its grid",
    ),
    "label": ({"labels": ["forces"]}, InputError, "has no archive_gradient"),
}


@pytest.mark.parametrize(("options", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_the_file_lacks_is_one_sentence(tmp_path, options, error, message):
    with pytest.raises(error, match=message) as caught:
        ingest(make_reference(), tmp_path, **options)
    assert str(caught.value).isprintable()
    assert not (tmp_path / "a.h5").exists()
    assert not (tmp_path / "rejected.csv").exists()


def test_which_molecules_a_grid_is_for_is_no_place_of_its_points(tmp_path):
    assert len(ingest(make_reference(), tmp_path, grids={"mk": GRID | {"molecules": "all"}})[0])


def test_a_file_without_level_or_usable_row_is_refused(tmp_path):
    reference = make_reference()
    with pytest.raises(InputError, match="does not say its level of theory"):
        ingest(replace(reference, metadata={}), tmp_path)
    with pytest.raises(
        InputError, match=r"all 3 were rejected, the first one .*calculation failed"
    ):
        ingest(with_values(reference, scf_converged=np.zeros(3)), tmp_path)
