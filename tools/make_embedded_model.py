"""Make the embedded model: label geometries, train its seeds, measure them, write its folder.

Run from the repository's root after the default run, with the geometries of others in a folder
(what it holds: ``embedded_model_geometries.py``); the recipe says everything else::

    python tools/make_embedded_model.py --geometries ../shared/data --work /tmp/model

The molecules of the default run are taken with their labels, and its test set is the test set, so
that the errors compare with its tables. Labels go one by one into a journal and trainings have
checkpoints, both in the work folder: the run can be stopped and taken up again. ``--steps`` and
``--seeds`` do a part of it, such as one seed in each of several processes. What it writes in
``resources/models/default``: ``seed-N.pt``, ``metrics.csv``, ``molecules.csv``, ``recorded.csv``,
``calibration.json``, ``uncertainty.csv`` and the tables of the card, ``README.md``. ``--steps
calibrate`` alone leaves the models as they are; it needs no training, but the same geometries.
"""

import argparse
import logging
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from embedded_model_calibration import (  # noqa: E402
    GRID,
    calibrate,
    compute_validation,
    coverage_table,
)
from embedded_model_geometries import gather  # noqa: E402
from rdkit import RDLogger  # noqa: E402

from mepflow import units  # noqa: E402
from mepflow.elements import symbol  # noqa: E402
from mepflow.evaluation.calibration import CALIBRATION_FILE  # noqa: E402
from mepflow.evaluation.mep_errors import evaluate_mep  # noqa: E402
from mepflow.evaluation.multipole_errors import evaluate_multipoles  # noqa: E402
from mepflow.evaluation.sources import Source  # noqa: E402
from mepflow.models.model_file import load_model  # noqa: E402
from mepflow.models.predict import predict_table  # noqa: E402
from mepflow.models.variants import Variant  # noqa: E402
from mepflow.molecules import MoleculeTable  # noqa: E402
from mepflow.naming import representation_label, target_words  # noqa: E402
from mepflow.qm.levels import LevelOfTheory  # noqa: E402
from mepflow.qm.reference_record import PROPERTIES  # noqa: E402
from mepflow.qm.shards import compute_shard  # noqa: E402
from mepflow.runs.code_digest import code_digest  # noqa: E402
from mepflow.runs.studies import merged  # noqa: E402
from mepflow.selection.identity import canonical_smiles  # noqa: E402
from mepflow.selection.splits import (  # noqa: E402
    TEST,
    VALIDATION,
    make_splits,
    read_splits,
    rows_in_split,
    write_splits,
)
from mepflow.storage.files import atomic_path  # noqa: E402
from mepflow.storage.shipped_files import write_checksums  # noqa: E402
from mepflow.tables.mep_table import mep_table  # noqa: E402
from mepflow.tables.multipoles_table import multipole_table  # noqa: E402
from mepflow.training.run import train  # noqa: E402

log = logging.getLogger("mepflow.make_embedded_model")

MODEL_FOLDER: Final = ROOT / "resources" / "models" / "default"
STEPS: Final = ("label", "train", "measure", "calibrate")
BASELINES: Final = ("fitted-charges-dipoles", "fitted-charges", "mulliken")
HEADLINE_GRID: Final = "mk"
ENSEMBLE: Final = "ensemble"
DEFAULT_RUN: Final = "default run"
RECORDED_MOLECULE: Final = "gdb_000115"
"""The molecule of ``recorded.csv``: fluoropropylene carbonate, of the embedded archive."""
LABELS_CODE: Final = "1"
"""Raise it where a change of the program changes labels: those in the journal then do not count."""


class Run:
    """The files of one run of this tool, and its recipe."""

    def __init__(
        self, geometries: Path, work: Path, results: Path, seeds: Sequence[int] | None = None
    ) -> None:
        self.geometries = geometries
        self.work = work
        self.results = results
        self.reference = results / "reference" / "reference.h5"
        self.candidates = work / "candidates.h5"
        self.splits = work / "splits.csv"
        self.labels = work / "labels.h5"
        self.training = work / "training.h5"
        self.recipe: dict[str, Any] = read_yaml(MODEL_FOLDER / "recipe.yaml")
        self.seeds = seeds or self.recipe["seeds"]
        study = read_yaml(ROOT / "config" / "studies" / "multipoles.yaml")
        self.definitions = merged(read_yaml(ROOT / "config" / "definitions.yaml"), study)

    def model(self, seed: int) -> Path:
        """Return the trained model of a seed."""
        return self.work / f"seed-{seed}" / "model.pt"

    def level(self) -> LevelOfTheory:
        """Return the level of theory of the labels."""
        labels = self.recipe["labels"]
        name = labels["level_of_theory"]
        level = LevelOfTheory.from_row(name, self.definitions["levels_of_theory"][name])
        return replace(level, **labels["changes"])


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file."""
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def label(run: Run) -> None:
    """Compute the dipoles and quadrupoles that are not in the journal; write the training table."""
    write_candidates(run)
    compute_shard(
        candidates=run.candidates,
        splits=run.splits,
        output=run.labels,
        state_folder=run.work / "labels",
        shard=0,
        shards=1,
        split=None,
        level=run.level(),
        grids={},
        code=LABELS_CODE,
    )
    labelled = MoleculeTable.load(run.labels)
    converged = np.flatnonzero(labelled.properties["scf_converged"] == 1.0)
    log.info("%d of %d labelled", len(converged), len(labelled))
    tables = (MoleculeTable.load(run.reference), labelled.select(converged))
    joined = MoleculeTable.concatenate([only_labels(table) for table in tables])
    joined.save(run.training)


def write_candidates(run: Run) -> None:
    """Write the geometries to label, and the splits of these and of the default run's molecules."""
    reference = MoleculeTable.load(run.reference)
    rows = rows_in_split(reference.ids, run.results / "molecules" / "splits.csv", TEST)
    names = [str(canonical_smiles(smiles)) for smiles in reference.smiles]
    test = {names[row] for row in rows}
    found = gather(run.geometries, run.recipe["geometries"], test, set(names))
    candidates = MoleculeTable.from_molecules([geometry.to_molecule() for geometry in found])
    candidates.save(run.candidates)
    splits = make_splits(
        [*reference.ids, *candidates.ids],
        run.recipe["split"]["seed"],
        len(rows),
        run.recipe["split"]["validation_fraction"],
        [reference.ids[row] for row in rows],  # these and no others are the test set
        [*names, *candidates.smiles],
    )
    write_splits(splits, run.splits)


def only_labels(table: MoleculeTable) -> MoleculeTable:
    """Return the table with what every molecule has."""
    properties = {name: table.properties[name] for name in PROPERTIES}
    return replace(table, properties=properties, texts={}, grids={})


def train_seeds(run: Run) -> None:
    """Train every wanted seed that is not finished."""
    recipe = run.recipe
    name = recipe["variant"]
    for seed in run.seeds:
        folder = run.model(seed).parent
        if run.model(seed).exists():
            continue
        train(
            reference=run.training,
            splits=run.splits,
            variant=Variant.from_row(name, run.definitions["variants"][name]),
            network=run.definitions["networks"][recipe["network"]],
            training=recipe["training"],
            seed=seed,
            state_folder=folder / "state",
            model_path=run.model(seed),
            log_path=folder / "training.csv",
            code=code_digest("mepflow.training.run.train"),
            provenance={"recipe": recipe["training"], "labels": recipe["labels"]},
        )


def measure(run: Run) -> None:
    """Predict the test molecules and write the folder of the model."""
    reference = MoleculeTable.load(run.reference)
    test = reference.select(rows_in_split(reference.ids, run.splits, TEST))
    bare = replace(test, properties={}, texts={}, grids={})
    predictions = {
        # In double precision: the recorded errors hold no rounding of the networks.
        f"seed {seed}": predict_table(load_model(run.model(seed), "cpu")[0].double(), bare)
        for seed in run.recipe["seeds"]
    }
    recorded = predictions.copy()
    predictions[ENSEMBLE] = mean_table(list(predictions.values()))
    folders = {name: run.work / "test" / name.replace(" ", "-") for name in predictions}
    for name, table in predictions.items():
        folders[name].mkdir(parents=True, exist_ok=True)
        path = folders[name] / "predictions.h5"
        table.save(path)
        evaluate_mep(path, run.reference, folders[name] / "mep.csv")
        evaluate_multipoles(path, run.reference, folders[name] / "multipoles.csv")
    folders[DEFAULT_RUN] = run.results / "models" / run.recipe["variant"] / "seed-1"
    folders |= {name: run.results / "baselines" / name for name in BASELINES}
    deliver(run, metrics(folders), recorded)


def calibrate_models(run: Run) -> None:
    """Compute the potential of the validation molecules; write what the spread says of errors."""
    if not run.candidates.exists():
        write_candidates(run)
    molecules = pd.read_csv(MODEL_FOLDER / "molecules.csv", dtype=str)
    validation = compute_validation(
        [MoleculeTable.load(run.reference), MoleculeTable.load(run.candidates)],
        run.splits,
        set(molecules["id"][molecules["split"] == VALIDATION]),
        run.level(),
        run.definitions["grids"][GRID],
        run.work,
        LABELS_CODE,
    )
    models = [MODEL_FOLDER / f"seed-{seed}.pt" for seed in run.recipe["seeds"]]
    calibrate(models, validation, run.reference, run.splits, MODEL_FOLDER)
    write_checksums(MODEL_FOLDER, [CALIBRATION_FILE, *(path.name for path in models)])
    write_sections({"uncertainty": uncertainty_text(coverage_table(MODEL_FOLDER))})


def mean_table(tables: Sequence[MoleculeTable]) -> MoleculeTable:
    """Return the mean of the predictions of several models."""
    properties = {
        name: np.mean([table.properties[name] for table in tables], axis=0)
        for name in tables[0].properties
    }
    return replace(tables[0], properties=properties)


def metrics(folders: dict[str, Path]) -> pd.DataFrame:
    """Return a row per representation: errors of MEP, dipole and quadrupole on the test set."""
    sources = {
        kind: [Source(name, None, folder / f"{kind}.csv") for name, folder in folders.items()]
        for kind in ("mep", "multipoles")
    }
    potentials = mep_table(sources["mep"], HEADLINE_GRID)
    potentials = potentials[potentials["grid"] == HEADLINE_GRID]
    columns = [
        "representation",
        "n_structures",
        "median_rmse_kcal_per_mol_e",
        "median_rmse_low_kcal_per_mol_e",
        "median_rmse_high_kcal_per_mol_e",
        "mean_rmse_kcal_per_mol_e",
        "median_relative_rmse",
    ]
    multipoles = multipole_table(sources["multipoles"]).drop(columns=["n_structures", "n_seeds"])
    return potentials[columns].merge(multipoles, on="representation", validate="one_to_one")


def deliver(run: Run, frame: pd.DataFrame, recorded: dict[str, MoleculeTable]) -> None:
    """Write weights, tables and the numbers of the card."""
    for seed in run.recipe["seeds"]:
        with atomic_path(MODEL_FOLDER / f"seed-{seed}.pt") as temporary:
            shutil.copyfile(run.model(seed), temporary)
    write_checksums(MODEL_FOLDER, [f"seed-{seed}.pt" for seed in run.recipe["seeds"]])
    molecules = molecule_list(run)
    for name, table, digits in (
        ("metrics.csv", frame, "%.6g"),
        ("molecules.csv", molecules, None),
        ("recorded.csv", recorded_prediction(recorded), "%.9g"),
    ):
        with atomic_path(MODEL_FOLDER / name) as temporary:
            table.to_csv(temporary, index=False, float_format=digits)
    frame = pd.read_csv(MODEL_FOLDER / "metrics.csv")  # the card shows what the file holds
    write_sections({
        "metrics": metrics_text(frame),
        "data": data_text(molecules),
        "labels": labels_text(run),
    })  # fmt: skip
    print(metrics_text(frame))  # noqa: T201


def write_sections(contents: Mapping[str, str]) -> None:
    """Replace sections of the card."""
    card = MODEL_FOLDER / "README.md"
    text = card.read_text(encoding="utf-8")
    for name, content in contents.items():
        text = with_section(text, name, content)
    with atomic_path(card) as temporary:
        temporary.write_text(text, encoding="utf-8")


def molecule_list(run: Run) -> pd.DataFrame:
    """Return id, SMILES, source and split of every molecule that was used."""
    table = MoleculeTable.load(run.training)
    split_of = read_splits(run.splits, table.ids).set_index("id")["split"]
    rows = [
        (key, smiles, source_of(key), split_of[key])
        for key, smiles in zip(table.ids, table.smiles, strict=True)
    ]
    return pd.DataFrame(rows, columns=["id", "smiles", "source", "split"])


def source_of(molecule_id: str) -> str:
    """Return where a geometry is from."""
    prefix = molecule_id.split("_")[0]
    return "embedded archive" if prefix == "gdb" else prefix


def recorded_prediction(predictions: dict[str, MoleculeTable]) -> pd.DataFrame:
    """Return the atoms of one test molecule with what each seed predicts for them."""
    rows = []
    for name, table in predictions.items():
        index = table.ids.index(RECORDED_MOLECULE)
        atoms = table.atoms(index)
        for number, position, charge, dipole in zip(
            table.atomic_numbers[atoms],
            table.positions[atoms] * units.BOHR_IN_ANGSTROM,
            table.properties["atomic_charges"][atoms],
            table.properties["atomic_dipoles"][atoms],
            strict=True,
        ):
            rows.append((int(name.split()[1]), symbol(int(number)), *position, charge, *dipole))
    positions = [f"{axis}_angstrom" for axis in "xyz"]
    dipoles = [f"dipole_{axis}_e_bohr" for axis in "xyz"]
    return pd.DataFrame(rows, columns=["seed", "element", *positions, "charge_e", *dipoles])


def metrics_text(frame: pd.DataFrame) -> str:
    """Return the card's table of errors."""
    shown = pd.DataFrame(
        {
            "Representation": [_label(name) for name in frame["representation"]],
            "Median MEP RMSE (kcal/mol/e)": [
                f"{row.median_rmse_kcal_per_mol_e:.2f} ({row.median_rmse_low_kcal_per_mol_e:.2f} to"
                f" {row.median_rmse_high_kcal_per_mol_e:.2f})"
                for row in frame.itertuples()
            ],
            "Relative (%)": [f"{100 * x:.1f}" for x in frame["median_relative_rmse"]],
            "Dipole RMSE (e·bohr)": [f"{x:.3f}" for x in frame["dipole_rmse_e_bohr"]],
            "MAE of \\|μ\\| (D)": [f"{x:.3f}" for x in frame["dipole_norm_mae_debye"]],
            "Quadrupole Θ′ RMSE (e·bohr²)": [f"{x:.3f}" for x in frame["quadrupole_rmse_e_bohr2"]],
        },
        dtype=str,
    )
    return _markdown(shown)


def uncertainty_text(frame: pd.DataFrame) -> str:
    """Return the card's table of what the spread says about errors."""
    shown = pd.DataFrame(
        {
            "Error": [f"{target_words(r.quantity)} ({r.unit})" for r in frame.itertuples()],
            "Validation": [str(n) for n in frame["n_validation"]],
            "a": [f"{x:.3f}" for x in frame["shared"]],
            "f": [f"{x:.2f}" for x in frame["factor"]],
            "Bound (σ)": [f"{x:.2f}" for x in frame["bound"]],
            "Test": [str(n) for n in frame["n_test"]],
            **{
                title: [
                    f"{n * x:.0f} of {n}" for n, x in zip(frame["n_test"], frame[name], strict=True)
                ]
                for title, name in _SHARES.items()
            },
        },
        dtype=str,
    )
    return _markdown(shown)


_SHARES: Final = {
    "Within the spread": "within_spread",
    "Within σ": "within_expected",
    "Within the bound": "within_bound",
}


def data_text(molecules: pd.DataFrame) -> str:
    """Return the card's table of how many molecules are from where."""
    counts = pd.crosstab(molecules["source"], molecules["split"])
    counts = counts.reindex(columns=["train", "validation", "test"], fill_value=0)
    counts.loc["all"] = counts.sum()
    return _markdown(counts.astype(str).reset_index(names="source"))


def labels_text(run: Run) -> str:
    """Return the card's sentence on how exact the labels are, against another reference."""
    labelled = MoleculeTable.load(run.training)
    row_of = {key: row for row, key in enumerate(labelled.ids)}
    path = run.geometries / "qm9" / "reference_small.npz"
    with np.load(path, allow_pickle=False) as file:
        ids = [f"qm9_{index:06d}" for index in file["gdb_index"]]
        found = [row for row, key in enumerate(ids) if key in row_of]
        rows = [row_of[ids[row]] for row in found]
        differences = {
            "e·bohr in the dipole": labelled.properties["dipole"][rows] - file["dipole_au"][found],
            "e·bohr² in the quadrupole Θ′": (
                labelled.properties["quadrupole"][rows] - file["quadrupole_au"][found]
            ),
        }
    errors = " and ".join(
        f"{np.sqrt(np.mean(difference**2)):.4f} {unit}" for unit, difference in differences.items()
    )
    return (
        f"Against an independent reference of {len(rows)} of these molecules, at the same level"
        f" with the finer grid, the labels' RMSE is {errors}: far below the model's own."
    )


def _label(name: str) -> str:
    own = {ENSEMBLE: "**mean of the seeds**", DEFAULT_RUN: "the default run's model, seed 1"}
    return own.get(name, representation_label(name))


def _markdown(frame: pd.DataFrame) -> str:
    alignment = ["left", *["right"] * (len(frame.columns) - 1)]
    return str(frame.to_markdown(index=False, disable_numparse=True, colalign=alignment))


def with_section(text: str, name: str, content: str) -> str:
    """Return a text with what stands between the marks of a section replaced."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    pattern = re.compile(f"(?<={re.escape(begin)}).*?(?={re.escape(end)})", re.DOTALL)
    replaced, count = pattern.subn(lambda _: f"\n{content}\n\n", text)
    if count != 1:
        raise SystemExit(f"the card has no section {name}")
    return replaced


def main() -> None:
    """Do what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--geometries", type=Path, required=True, help="folder of others' files")
    parser.add_argument("--work", type=Path, required=True, help="labels and checkpoints")
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "qm9")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument("--seeds", nargs="+", type=int, help="train these of the recipe alone")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    RDLogger.DisableLog("rdApp.*")
    arguments.work.mkdir(parents=True, exist_ok=True)
    run = Run(arguments.geometries, arguments.work, arguments.results, arguments.seeds)
    actions = {
        "label": label,
        "train": train_seeds,
        "measure": measure,
        "calibrate": calibrate_models,
    }
    for step in STEPS:
        if step in arguments.steps:
            actions[step](run)


if __name__ == "__main__":
    main()
