"""The whole workflow on a tiny configuration, and what it runs again after which change."""

import json
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from tiny_repository import Repository

from mepflow.molecules import MoleculeTable

pytestmark = pytest.mark.xdist_group("workflow")

FIGURES = {
    "plot_filter_funnel",
    "plot_mep_error",
    "plot_mep_parity",
    "plot_multipole_parity",
    "plot_mep_breakdown",
    "plot_showcase",
    "plot_surface",
    "plot_trade_off",
    "plot_training_curves",
}
MODELS = {"train_model", "evaluate_models"}
# Figures and tables, but those of the filters, which the models do not touch.
MODEL_RESULTS = FIGURES - {"plot_filter_funnel"}
MODEL_RESULTS |= {"tabulate_mep", "tabulate_multipoles"}
MODEL_RESULTS |= {"tabulate_mep_breakdown", "tabulate_trade_off"}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_everything_is_made(finished: Repository) -> None:
    results = finished.root / "results" / "qm9"
    for table in ("filters", "multipoles", "mep", "mep_breakdown", "trade_off"):
        assert (results / "tables" / f"{table}.csv").stat().st_size > 0
        assert (results / "tables" / f"{table}.md").stat().st_size > 0
    assert (results / "figures" / "surface_gdb_000003.csv").stat().st_size > 0
    drawn = {path.name for path in (results / "figures").glob("*.p??")}
    several = {"plot_showcase", "plot_surface", "plot_mep_breakdown"}
    names = {rule.removeprefix("plot_") for rule in FIGURES - several}
    names |= {"showcase_gdb_000003", "surface_gdb_000003"}
    names |= {f"mep_by_{what}" for what in ("distance", "element", "group")}
    assert drawn == {f"{name}.{suffix}" for name in names for suffix in ("png", "pdf")}


def test_reference_and_tables_agree(finished: Repository) -> None:
    results = finished.root / "results" / "qm9"
    reference = MoleculeTable.load(results / "reference" / "reference.h5")
    verdicts = pd.read_csv(results / "reference" / "verdicts.csv", keep_default_na=False)
    assert len(verdicts) == 12
    assert set(verdicts.loc[verdicts["verdict"] == "kept", "id"]) == set(reference.ids)
    # The methyl radical of the embedded archive has no closed shell.
    assert "scf_not_converged" in set(verdicts["reason"])
    mep = pd.read_csv(results / "tables" / "mep.csv")
    models = set(mep.loc[mep["kind"] == "model", "representation"])
    assert models == {"AC-D", "AC-AD-DQ-dw100-c"}
    fitted = mep[(mep["representation"] == "fitted-charges") & (mep["grid"] == "mk")]
    others = mep[(mep["kind"] == "model") & (mep["grid"] == "mk")]
    floor = fitted["median_rmse_kcal_per_mol_e"].item()
    assert (others["median_rmse_kcal_per_mol_e"] > floor).all()


def test_every_job_leaves_its_log_and_provenance(finished: Repository) -> None:
    results = finished.root / "results" / "qm9"
    model = results / "models" / "AC-D" / "seed-1"
    record = json.loads((model / "model.pt.provenance.json").read_text())
    assert record["rule"] == "train_model"
    assert record["software"]["torch"]
    assert record["params"]["training"]["steps"] == 20
    assert (results / "logs" / "train_model" / "AC-D" / "seed-1.log").stat().st_size > 0


def test_an_unchanged_tree_runs_nothing(finished: Repository) -> None:
    output = finished.snakemake("--dry-run").stdout
    assert "Nothing to be done" in output


def test_a_change_of_style_draws_the_figures_again(rerun: Repository) -> None:
    config = {"style": "serif", "showcase_variants": ["AC-D", "AC-AD-DQ-dw100-c"]}
    rerun.configure({"figures": config})
    assert set(rerun.planned()) == FIGURES | {"make_page"}


def test_a_loss_weight_retrains_its_variant_alone(rerun: Repository) -> None:
    rerun.configure(
        {
            "variants": {
                "AC-AD-DQ-dw100-c": {
                    "atomic_terms": ["charges", "dipoles"],
                    "loss_weights": {"dipole": 50.0, "quadrupole": 1.0},
                    "quadrupole_from": "all",
                }
            }
        }
    )
    planned = rerun.planned()
    assert planned["train_model"] == 1
    assert planned["evaluate_models"] == 1
    assert set(planned) == MODELS | MODEL_RESULTS | {"make_page"}
    assert "AC-AD-DQ-dw100-c" in rerun.snakemake("--dry-run").stdout


def test_a_variant_can_learn_other_targets_with_its_own_network_and_training(
    rerun: Repository,
) -> None:
    rows = yaml.safe_load((rerun.root / "config" / "tiny.yaml").read_text())
    rerun.configure(
        {
            "networks": rows["networks"] | {"deep": rows["networks"]["tiny"] | {"depth": 3}},
            "variants": {
                "AC-N-M": {
                    "atomic_terms": ["charges"],
                    "loss_weights": {"dipole_norm": 1.0, "charges": 10.0},
                    "charges_like": "mulliken",
                    "quadrupole_from": "charges",
                    "network": "deep",
                    "training": {"steps": 25, "schedule": {"kind": "constant"}},
                }
            },
            "training": rows["training"] | {"variants": ["AC-D", "AC-AD-DQ-dw100-c", "AC-N-M"]},
        }
    )
    folder = "results/qm9/models/AC-N-M/seed-1"
    assert rerun.planned(f"{folder}/model.pt") == {"train_model": 1}
    rerun.snakemake(f"{folder}/model.pt")
    model = torch.load(rerun.root / folder / "model.pt", weights_only=True)
    assert (model["network"]["kind"], model["network"]["depth"]) == ("pinet2", 3)
    assert (model["training"]["steps"], model["training"]["batch_size"]) == (25, 4)
    log = pd.read_csv(rerun.root / folder / "training.csv")
    assert log["step"].tolist() == [10, 20, 25]
    assert set(log["learning_rate"]) == {rows["training"]["learning_rate"]}
    assert log["validation_charges_rmse_e"].notna().all()
    planned = rerun.planned()
    assert "train_model" not in planned
    assert planned["plot_training_curves"] == 1


def test_seeds_can_be_trained_together(rerun: Repository) -> None:
    def weights(seed: int) -> dict[str, torch.Tensor]:
        model = rerun.root / f"results/qm9/models/AC-D/seed-{seed}/model.pt"
        state: dict[str, torch.Tensor] = torch.load(model, weights_only=True)["state"]
        return state

    alone = weights(1)
    # With its checkpoint, the first seed would only be delivered again.
    shutil.rmtree(rerun.root / "results/qm9/models/AC-D/seed-1/state")
    training = yaml.safe_load((rerun.root / "config" / "tiny.yaml").read_text())["training"]
    together = {**training, "seeds": [1, 2], "seeds_together": True}
    own = {"AC-AD-DQ-dw100-c": {"training": {"seeds": [3]}}}
    rerun.configure({"training": together, "variants": own})
    assert {k: v for k, v in rerun.planned().items() if k.startswith("train")} == {
        "train_seeds": 1,
        "train_model": 1,
    }
    rerun.configure({"training": together, "variants": {}})
    assert rerun.planned()["train_seeds"] == 2
    rerun.snakemake("models")
    found = weights(1)
    assert all(torch.equal(found[name], values) for name, values in alone.items())
    assert not torch.equal(next(iter(weights(2).values())), next(iter(alone.values())))
    assert "train_model" not in rerun.planned()
    rerun.configure({
        "training": together,
        "tables": {"written": ["uncertainty"]},
        "figures": {"style": "default", "drawn": ["uncertainty"], "showcase_variants": ["AC-D"]},
    })  # fmt: skip
    rerun.snakemake("results/qm9/tables/uncertainty.csv", "results/qm9/figures/uncertainty.png")
    table = pd.read_csv(rerun.root / "results/qm9/tables/uncertainty.csv").set_index("quantity")
    assert table.loc["dipole", "variant"].tolist()[0] == "AC-D"
    assert (table["median_spread"] > 0.0).all()


def test_a_learning_curve_trains_on_parts_alone(rerun: Repository) -> None:
    rerun.configure(
        {"learning_curve": {"datasets": ["qm9"], "variants": ["AC-D"], "fractions": [0.5, 0.75]}}
    )
    planned = rerun.planned()
    planned.pop("make_page", None)  # it shows every table and figure
    assert planned == {
        "thin_training_set": 2,
        "train_on_part": 2,
        "evaluate_parts": 1,
        "tabulate_learning_curve": 1,
        "plot_learning_curve": 1,
    }


PACKAGE = "workflow/scripts/mepflow"
NOTHING = (
    (f"{PACKAGE}/units.py", "HARTREE_IN_EV: ", "NEW_UNIT: Final = 0.5\nHARTREE_IN_EV: "),
    (
        f"{PACKAGE}/fields.py",
        '    "dipole": ',
        '    "new": Field("atom", (), "e", "new"),\n    "dipole": ',
    ),
    (f"{PACKAGE}/storage/molecule_file.py", "is damaged (", "is not whole ("),
    (f"{PACKAGE}/qm/shards.py", "Shard %d of %d: %d", "Job %d of %d: %d"),
    (f"{PACKAGE}/training/loss.py", '"""', '"""A remark. '),
    (
        f"{PACKAGE}/nn/networks.py",
        '    "pinet2":',
        '    "new": "mepflow.new_study",\n    "pinet2":',
    ),
    (f"{PACKAGE}/qm/scf.py", "import ", "# A remark.\nimport "),
    ("Snakefile", "rule all:", 'include: "workflow/rules/new.smk"\n\n\nrule all:'),
)
"""Additions and words: a unit, a column, messages, remarks, a kind of network, a file of rules."""
NEW_RULE = """rule make_new:
    output:
        "results/new.txt",
    params:
        code=code_digest("tabulate_mep"),
    script:
        "../scripts/tabulate_mep.py"
"""
NEW_VARIANT = """variants:
  NEW:
    atomic_terms: [charges]
    loss_weights: {dipole: 3.0, quadrupole: 1.0}
    quadrupole_from: all
"""


def test_what_runs_again_follows_the_code(rerun: Repository) -> None:
    def planned_after(*changes: tuple[str, str, str]) -> dict[str, int]:
        before = {name: (rerun.root / name).read_text() for name, _, _ in changes}
        for name, old, new in changes:
            edit(rerun.root / name, old, new)
        planned = rerun.planned()
        for name, text in before.items():
            (rerun.root / name).write_text(text)
        return planned

    (rerun.root / "workflow/rules/new.smk").write_text(NEW_RULE)
    (rerun.root / PACKAGE / "new_study.py").write_text("X = 1\n")
    assert planned_after(*NOTHING) == {}
    variant = planned_after(("config/studies/multipoles.yaml", "variants:\n", NEW_VARIANT))
    assert set(variant) <= {"make_page"}  # it shows the settings

    scf = planned_after((f"{PACKAGE}/qm/corrected_scf.py", "exact.ecoul +", "exact.ecoul -"))
    assert scf["compute_reference"] == 2
    assert scf["train_model"] == 2
    assert not {"read_archive", "filter_molecules", "split_molecules"} & set(scf)

    loss = planned_after((f"{PACKAGE}/training/loss.py", "weight * _mean", "weight + _mean"))
    assert loss["train_model"] == 2
    assert set(loss) == MODELS | MODEL_RESULTS | {"make_page"}

    table = planned_after(
        (f"{PACKAGE}/tables/mep_table.py", "per_molecule.median()", "per_molecule.mean()")
    )
    assert table == {"tabulate_mep": 1, "make_page": 1}

    style = planned_after(
        (f"{PACKAGE}/plots/style.py", '"lines.linewidth": 1.0', '"lines.linewidth": 1.1')
    )
    assert set(style) == FIGURES | {"make_page"}


def test_report_holds_every_figure_with_its_caption(finished: Repository, tmp_path: Path) -> None:
    report = tmp_path / "report.zip"
    finished.snakemake("--report", str(report))
    with zipfile.ZipFile(report) as archive:
        names = archive.namelist()
    for figure in ("mep_error", "mep_parity", "filter_funnel", "training_curves"):
        assert any(name.endswith(f"{figure}.png") for name in names), names
