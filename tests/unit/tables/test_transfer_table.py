import numpy as np
import pandas as pd
import pytest

from mepflow.errors import InputError
from mepflow.evaluation.mep_errors import COLUMNS as MEP_COLUMNS
from mepflow.evaluation.multipole_errors import COLUMNS as MULTIPOLE_COLUMNS
from mepflow.evaluation.sources import sources_of
from mepflow.evaluation.transfer_evaluation import transfer_sources
from mepflow.tables.transfer_table import transfer_table, write_transfer_table

VARIANTS = ("AC-D", "AC-DQ")


def write(folder, ids, scale):
    """Write the errors of a model: RMSE of the k-th molecule is k + 1 times ``scale``."""
    folder.mkdir(parents=True)
    number = {name: int(name[1:]) + 1 for name in ids}
    mep = [
        (name, name, grid, 9, factor * scale * number[name], 0.0, 0.0, 0.0)
        for grid, factor in (("mk", 1.0), ("shell", 100.0))
        for name in ids
    ]
    multipoles = [
        (name, name, scale * number[name], 0, 0, 2 * scale * number[name], 0) for name in ids
    ]
    pd.DataFrame(mep, columns=list(MEP_COLUMNS)).to_csv(folder / "mep.csv", index=False)
    frame = pd.DataFrame(multipoles, columns=list(MULTIPOLE_COLUMNS))
    frame.to_csv(folder / "multipoles.csv", index=False)
    return folder


@pytest.fixture
def run(tmp_path):
    """Errors on the test molecules m0 to m4 of b: own models, and those of a on three of them."""
    own, foreign = [], []
    for variant in VARIANTS:
        for seed in (1, 2):
            name = f"{variant}/seed-{seed}"
            own.append(write(tmp_path / "b/models" / name, [f"m{k}" for k in range(5)], seed))
            place = tmp_path / "b/transfer/from-a" / name
            foreign.append(write(place, ["m0", "m2", "m4"] if variant == "AC-D" else [], 10 * seed))
    return own, foreign


def arguments(run):
    own, foreign = run
    return (
        "b",
        tuple(sources_of([f / name for f in own]) for name in ("mep.csv", "multipoles.csv")),
        tuple(
            transfer_sources([f / name for f in foreign]) for name in ("mep.csv", "multipoles.csv")
        ),
        "mk",
    )


def test_sources_are_grouped_by_the_dataset_of_the_models():
    paths = [f"r/b/transfer/from-{name}/AC-D/seed-1/mep.csv" for name in ("a", "from-c")]
    grouped = transfer_sources(paths)
    assert list(grouped) == ["a", "from-c"]
    assert (grouped["a"][0].name, grouped["a"][0].seed) == ("AC-D", 1)


def test_own_models_are_judged_on_the_molecules_of_the_foreign_ones(run):
    table = transfer_table(*arguments(run))
    assert table["trained_on"].tolist() == ["b", "a", "b", "a"]
    assert table["representation"].tolist() == ["AC-D", "AC-D", "AC-DQ", "AC-DQ"]
    own, foreign = table.iloc[0], table.iloc[1]
    # Means over the seeds are 1.5 and 15 times 1, 3, 5; over all five molecules 1, 2, 3, 4, 5.
    assert own["median_rmse_kcal_per_mol_e"] == pytest.approx(4.5)
    assert foreign["median_rmse_kcal_per_mol_e"] == pytest.approx(45.0)
    assert (own["n_structures"], own["n_seeds"]) == (foreign["n_structures"], 2) == (3, 2)
    pooled = np.sqrt(np.mean([(s * k) ** 2 for s in (1, 2) for k in (1, 3, 5)]))
    assert own["dipole_rmse_e_bohr"] == pytest.approx(pooled)
    assert foreign["quadrupole_rmse_e_bohr2"] == pytest.approx(20 * pooled)


def test_a_variant_without_molecules_has_no_numbers(run, tmp_path):
    write_transfer_table(*arguments(run), tmp_path / "t.csv", tmp_path / "t.md")
    table = pd.read_csv(tmp_path / "t.csv")
    assert table["n_structures"].tolist() == [3, 3, 0, 0]
    assert table["median_rmse_kcal_per_mol_e"].isna().tolist() == [False, False, True, True]
    last = (tmp_path / "t.md").read_text(encoding="utf-8").splitlines()[-1]
    assert [cell.strip() for cell in last.strip("|").split("|")] == [
        *("AC-DQ", "a"),
        *("–", "–", "–", "–", "0", "0"),
    ]


def test_molecules_that_the_own_models_lack_are_refused(run):
    own, _ = run
    for folder in own:
        frame = pd.read_csv(folder / "mep.csv")
        frame[frame["id"] != "m2"].to_csv(folder / "mep.csv", index=False)
    with pytest.raises(InputError, match="models AC-D of a were evaluated on molecules that"):
        transfer_table(*arguments(run))
