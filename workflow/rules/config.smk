# The configuration of the run, folders of its results, wildcards, and its first and last words.

import re
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(str(workflow.current_basedir)).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from mepflow.errors import MepflowError
from mepflow.naming import BASELINES
from mepflow.runs import (
    archive_labels,
    baseline_fits,
    config_files,
    contents,
    density_settings,
    plan,
    results_folder,
    run_lock,
    settings,
    training_rows,
)
from mepflow.runs.clocks import check_dates
from mepflow.runs.code_digest import code_digest
from mepflow.runs.job_resources import gpus, growing, shard_minutes
from mepflow.runs.status import write_plan
from mepflow.runs.summary import failures, summary


def located(path):
    """Return the path of a raw file, which may be in the working directory or the repository."""
    return path if Path(path).exists() or not (ROOT / path).exists() else str(ROOT / path)


if workflow.is_main_process:
    # A kill leaves Snakemake's lock: it is removed where its process is known to be dead.
    for owner in run_lock.remove_dead_locks():
        logger.info(f"The run before (process {owner.pid}) was killed: going on after it.")

# Snakemake has read the files, too, but as YAML 1.1. As a module of another workflow there are none.
IS_MODULE = workflow.modifier.skip_configfile
try:
    given = config_files.GivenSettings(
        "the section of the workflow that has mepflow as a module" if IS_MODULE else "--config",
        dict(config) if IS_MODULE else workflow.config_settings.config,
    )
    ARCHIVES = config_files.read_archives(ROOT)
    complete, CONFIG_SOURCES = config_files.read_config(
        ROOT, [] if IS_MODULE else workflow.configfiles, given
    )
    config.clear()
    config.update(complete)
    with config_files.told_with_place(CONFIG_SOURCES):
        settings.check_references(config, ARCHIVES)
    results_folder.check_results_folder(config)
except MepflowError as error:
    raise WorkflowError(str(error)) from None
for row in ARCHIVES.values():
    files = ("path", "uncharacterized", "potentials", "reference")
    row |= {key: located(row[key]) for key in files if row.get(key)}

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
SHOWCASE = [
    contents.picture_name(key)
    for row in config["datasets"].values()
    for key in row["split"]["showcase"]
]


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


def check_levels(jobs):
    """Check what the levels of theory of datasets name, where jobs will compute with them.

    Environments of their own have PySCF where this one has not.
    """
    datasets = {job.wildcards.dataset for job in jobs if job.rule.name == "compute_reference"}
    if not datasets or find_spec("pyscf") is None:
        return
    from mepflow.qm.level_names import check_names

    for row in map(config["datasets"].get, datasets):
        name = row["level_of_theory"]
        check_names(name, config["levels_of_theory"][name], row["filters"]["elements"])


onstart:
    try:
        now = results_folder.claim_results_folder(config)
        run_lock.record_owner(plan.lock_files(workflow.persistence))
        jobs = list(workflow.dag.needrun_jobs())
        check_dates(plan.given_inputs(jobs), now)
        check_levels(jobs)
        write_plan(RESULTS, planned_jobs())
    except MepflowError as error:
        raise WorkflowError(str(error)) from None


onsuccess:
    print(summary(config, planned_jobs(), STARTED))


onerror:
    print(failures(config, planned_jobs(), STARTED, ", ".join(log)))
