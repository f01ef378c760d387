# The configuration of the run, folders of its results, wildcards, and its first and last words.

import re
import sys
import time
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

ROOT = Path(str(workflow.current_basedir)).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.errors import MepflowError
from mepflow.naming import BASELINES
from mepflow.runs import archive_labels, contents, plan, settings, studies, training_rows
from mepflow.runs.code_digest import code_digest
from mepflow.runs.job_resources import gpus, growing, shard_minutes
from mepflow.runs.status import write_plan
from mepflow.runs.summary import failures, summary


def read_yaml(path):
    return yaml.safe_load((ROOT / path).read_text())


def studies_of(run):
    """Return the files of the studies that a run names."""
    known = [path.stem for path in (ROOT / "config/studies").glob("*.yaml")]
    names = studies.study_names(run, known)
    return {name: read_yaml(f"config/studies/{name}.yaml") for name in names}


def located(path):
    """Return the path of a raw file, which may be in the working directory or the repository."""
    return path if Path(path).exists() or not (ROOT / path).exists() else str(ROOT / path)


ARCHIVES = read_yaml("config/archives.yaml")
validate(ARCHIVES, str(ROOT / "workflow/schemas/archives.schema.yaml"))
for row in ARCHIVES.values():
    row |= {key: located(row[key]) for key in ("path", "uncharacterized") if row[key]}
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

DOWNLOADS = {
    Path(download["path"]).name: download
    for row in ARCHIVES.values()
    for download in row["downloads"]
}
SHOWCASE = [key for row in config["datasets"].values() for key in row["split"]["showcase"]]


wildcard_constraints:
    dataset="|".join(DATASETS),  # a folder of the results, e.g. qm9
    variant="|".join(map(re.escape, config["variants"])),  # a model variant, e.g. AC-DQ-dw100
    seed="[0-9]+",  # seed of a training
    baseline="|".join(BASELINES),  # atomic multipoles that need no model
    shard="[0-9]+",  # number of a reference job, from 0
    by="|".join(contents.BREAKDOWNS),  # what errors are broken down by
    file="|".join(map(re.escape, DOWNLOADS)) or "none",  # a file that can be fetched
    molecule="|".join(map(re.escape, SHOWCASE)) or "none",  # e.g. gdb_000103


def planned_jobs():
    """Return every job of the whole run that makes results, for `status` and `verify`."""
    return plan.planned_jobs(workflow.rules, rules.all.input, RESULTS)


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
