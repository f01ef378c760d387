"""Compare all results with their records and with what the present workflow would make."""

from mepflow.runs.jobs import job

with job(snakemake):
    import logging

    from mepflow.errors import StateError
    from mepflow.runs.verification import verify

    found = verify(snakemake.params.results, snakemake.params.plan, snakemake.threads)
    logging.getLogger("mepflow").info("%s", found.report())
    if found.problems:
        raise StateError(
            f"{snakemake.params.results}: {len(found.problems)} problems, listed above and in"
            f" {snakemake.log[0]}."
        )
