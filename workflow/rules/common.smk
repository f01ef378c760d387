# Configuration, wildcards and the helper functions of the rules.

import math
import re
import shutil
import sys
import time
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.runs import archive_labels, settings, studies, training_rows
from mepflow.errors import MepflowError
from mepflow.naming import FLOORS
from mepflow.runs.code_digest import code_digest
from mepflow.runs.status import write_plan
from mepflow.runs.summary import failures, summary


def read_yaml(path):
    return yaml.safe_load((ROOT / path).read_text())


def studies_of(run):
    """Return the files of the studies that a run names."""
    known = [path.stem for path in (ROOT / "config/studies").glob("*.yaml")]
    names = studies.study_names(run, known)
    return {name: read_yaml(f"config/studies/{name}.yaml") for name in names}


ARCHIVES = read_yaml("config/archives.yaml")
validate(ARCHIVES, str(ROOT / "workflow/schemas/archives.schema.yaml"))
try:
    config.update(
        studies.complete_config(read_yaml("config/definitions.yaml"), studies_of(config), config)
    )
    validate(config, str(ROOT / "workflow/schemas/config.schema.yaml"))
    settings.check_references(config, ARCHIVES)
    settings.check_results_folder(config)
except MepflowError as error:
    raise WorkflowError(str(error)) from None

config["results"] = str(Path(config["results"]))  # results for ./results/
RESULTS = config["results"]
DATASETS = list(config["datasets"])
VARIANTS = config["training"]["variants"]
VARIANT_ROWS = {name: config["variants"][name] for name in VARIANTS}
SEEDS = config["training"]["seeds"]
LEARNING_CURVE = config["learning_curve"]
STARTED = time.time()

# Folders of the results.
MOLECULES = f"{RESULTS}/{{dataset}}/molecules"
REFERENCE = f"{RESULTS}/{{dataset}}/reference"
MODEL = f"{RESULTS}/{{dataset}}/models/{{variant}}/seed-{{seed}}"
BASELINE = f"{RESULTS}/{{dataset}}/baselines/{{baseline}}"
TABLES = f"{RESULTS}/{{dataset}}/tables"
FIGURES = f"{RESULTS}/{{dataset}}/figures"
LOGS = f"{RESULTS}/{{dataset}}/logs"
BENCHMARKS = f"{RESULTS}/{{dataset}}/benchmarks"
TRANSFER = f"{RESULTS}/{{dataset}}/transfer/from-{{source}}"
PART = f"{RESULTS}/{{dataset}}/learning_curve/{{fraction}}"
PART_MODEL = f"{PART}/{{variant}}/seed-{{seed}}"
PART_LOGS = f"{LOGS}/learning_curve/{{fraction}}"
PARTS = [f"{fraction:g}" for fraction in LEARNING_CURVE["fractions"]]


def downloads():
    """Return the names of the files that can be fetched."""
    return [Path(d["path"]).name for row in ARCHIVES.values() for d in row["downloads"]]


def showcase_molecules():
    """Return the keys of the showcase molecules of all datasets."""
    return [key for row in config["datasets"].values() for key in row["split"]["showcase"]]


onstart:
    try:
        settings.claim_results_folder(config)
        write_plan(RESULTS, planned_jobs())
    except MepflowError as error:
        raise WorkflowError(str(error)) from None


onsuccess:
    print(summary(config, planned_jobs(), STARTED))


onerror:
    print(failures(planned_jobs(), STARTED, ", ".join(log)))


wildcard_constraints:
    dataset="|".join(DATASETS),  # a folder of the results, e.g. qm9
    source="|".join(DATASETS),  # the dataset that a model was trained on
    variant="|".join(map(re.escape, config["variants"])),  # a model variant, e.g. AC-DQ-dw100
    seed="[0-9]+",  # seed of a training
    baseline="|".join(settings.BASELINES),  # atomic multipoles that need no model
    shard="[0-9]+",  # number of a reference job, from 0
    fraction=r"0\.[0-9]+",  # part of the training set, e.g. 0.25
    by="distance|element|group",  # what errors are broken down by
    file="|".join(map(re.escape, downloads())) or "none",  # a file that can be fetched
    molecule="|".join(map(re.escape, showcase_molecules())) or "none",  # e.g. gdb_000103


def dataset_row(wildcards):
    return config["datasets"][wildcards.dataset]


def level_row(wildcards):
    return config["levels_of_theory"][dataset_row(wildcards)["level_of_theory"]]


def archive_row(wildcards):
    return ARCHIVES[dataset_row(wildcards)["archive"]]


def model_files(name):
    """Return the file ``name`` of every model of the wildcards' dataset."""
    return expand(f"{MODEL}/{name}", variant=VARIANTS, seed=SEEDS, allow_missing=True)


def seed_files(name):
    """Return the file ``name`` of every seed of the wildcards' variant."""
    return expand(f"{MODEL}/{name}", seed=SEEDS, allow_missing=True)


def result_files(name):
    """Return an input function: the file ``name`` of every model and baseline of the dataset."""

    def files(wildcards):
        baselines = dataset_row(wildcards)["baselines"]
        return expand(
            model_files(name)
            + expand(f"{BASELINE}/{name}", baseline=baselines, allow_missing=True),
            dataset=wildcards.dataset,
        )

    return files


def reader(wildcards):
    """Return the module that reads the archive of the wildcards' dataset."""
    return archive_labels.READERS[archive_row(wildcards)["format"]]


def of_source(path):
    """Return the same file of the dataset that the models were trained on."""
    return path.replace("{dataset}", "{source}")


def foreign_files(name):
    """Return the file ``name`` of every model of the wildcards' source, judged on the dataset."""
    return expand(
        f"{TRANSFER}/{{variant}}/seed-{{seed}}/{name}",
        variant=VARIANTS,
        seed=SEEDS,
        allow_missing=True,
    )


def transfer_files(name):
    """Return an input function: the file ``name`` of every model of the other datasets."""

    def files(wildcards):
        others = [dataset for dataset in DATASETS if dataset != wildcards.dataset]
        return expand(foreign_files(name), dataset=wildcards.dataset, source=others)

    return files


def part_files(name):
    """Return the file ``name`` of every model that was trained on a part, part by part."""
    return expand(
        f"{PART_MODEL}/{name}",
        fraction=PARTS,
        variant=LEARNING_CURVE["variants"],
        seed=SEEDS,
        allow_missing=True,
    )


def whole_files(name):
    """Return the file ``name`` of the same variants that were trained on the whole set."""
    return expand(
        f"{MODEL}/{name}", variant=LEARNING_CURVE["variants"], seed=SEEDS, allow_missing=True
    )


def floor_files(name):
    """Return an input function: the file ``name`` of the dataset's floors."""
    return lambda wildcards: expand(
        f"{BASELINE}/{name}", dataset=wildcards.dataset, baseline=floors(wildcards.dataset)
    )


def uncharacterized_list(wildcards):
    path = archive_row(wildcards)["uncharacterized"]
    return [path] if path else []


def growing(first):
    """Return a resource: ``first`` at the first attempt of a job, twice that at the second, ..."""
    return lambda wildcards, attempt: attempt * first


def shard_minutes(wildcards):
    """Return the run time of a reference job at its first attempt, in whole minutes."""
    row = dataset_row(wildcards)
    return max(30, math.ceil(row["shard_size"] * row["minutes_per_molecule"]))


def gpus(wildcards):
    """Return the GPUs a network needs: none on a machine without one, unless asked for."""
    device = config["training"]["device"]
    present = shutil.which("nvidia-smi") is not None
    return 1 if device == "cuda" or (device == "auto" and present) else 0


def figure(name, category, caption=None):
    """Return the outputs of a figure, with its caption and place in the report."""
    return {
        "png": report(
            f"{FIGURES}/{name}.png",
            caption=str(ROOT / f"workflow/report/{caption or name}.rst"),
            category=category,
            labels={"dataset": "{dataset}", "figure": name.replace("_", " ")},
        ),
        "pdf": f"{FIGURES}/{name}.pdf",
    }


def picture_grid(dataset, kind):
    """Return the first grid of a dataset that is of a kind for pictures, or None."""
    grids = settings.grids_of(config, dataset)
    return next((name for name, row in grids.items() if row["kind"] == kind), None)


def drawn_representations(dataset):
    """Return what figures with little room show: the showcase variants and the fitted floors."""
    return config["figures"]["showcase_variants"] + floors(dataset)


def floors(dataset):
    """Return the baselines of a dataset that no atomic terms of their kind can undercut."""
    baselines = config["datasets"][dataset]["baselines"]
    return [name for name in baselines if name in FLOORS]


def all_tables():
    """Return the tables of every dataset."""
    tables = []
    for dataset in DATASETS:
        names = ["filters", "multipoles", "mep", "mep_breakdown", "trade_off"]
        names += archive_labels.tables(config, ARCHIVES, dataset)
        names += ["transfer"] if len(DATASETS) > 1 else []
        names += ["learning_curve"] if dataset in LEARNING_CURVE["datasets"] else []
        tables += expand(f"{TABLES}/{{table}}.csv", dataset=dataset, table=names)
    return tables


def all_figures():
    """Return the figures of every dataset."""
    names = ["filter_funnel", "training_curves", "multipole_parity", "mep_error", "mep_parity"]
    names += ["mep_by_distance", "mep_by_element", "mep_by_group", "trade_off"]
    figures = []
    for dataset in DATASETS:
        own = names + (["transfer"] if len(DATASETS) > 1 else [])
        own += ["learning_curve"] if dataset in LEARNING_CURVE["datasets"] else []
        for kind, name in (("plane", "showcase"), ("surface", "surface")):
            if picture_grid(dataset, kind):
                molecules = config["datasets"][dataset]["split"]["showcase"]
                own += [f"{name}_{molecule}" for molecule in molecules]
        figures += expand(f"{FIGURES}/{{name}}.png", dataset=dataset, name=own)
    return figures


def planned_jobs():
    """Return every job of the whole run that makes results, for `status` and `verify`."""
    waiting = list(workflow.get_rule("all").input)
    jobs = {}
    while waiting:
        file = str(waiting.pop())
        makers = [known for known in workflow.rules if known.is_producer(file)]
        # Of two rules for the same file, the later one takes precedence by its ruleorder.
        maker = makers[-1] if makers else None
        if maker is None or not file.startswith(f"{RESULTS}/"):
            continue
        wildcards = maker.get_wildcards(file)
        outputs, _ = maker.expand_output(wildcards)
        if outputs[0] in jobs:
            continue
        inputs = maker.expand_input(wildcards)[0]
        params, _ = maker.expand_params(wildcards, inputs, outputs, None)
        jobs[outputs[0]] = {
            "rule": maker.name,
            "wildcards": dict(wildcards),
            "inputs": list(map(str, inputs)),
            "outputs": list(map(str, outputs)),
            "log": str(maker.expand_log(wildcards)[0]),
            "params": dict(params.items()),
        }
        waiting.extend(inputs)
    return list(jobs.values())
