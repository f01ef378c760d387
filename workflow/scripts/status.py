"""Print what of the run is finished, running, failed or to do."""

from mepflow.runs.jobs import job

with job(snakemake):
    import logging

    from mepflow.runs.status import report, status

    logging.getLogger("mepflow").info("%s", report(status(snakemake.params.plan)))
