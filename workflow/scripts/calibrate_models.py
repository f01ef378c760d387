"""Compare the spread of a variant's models with the error of their mean, for every variant."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.ensemble_errors import calibrate_models
    from mepflow.evaluation.sources import sources_of

    calibrate_models(
        sources_of(snakemake.input.models),
        Path(snakemake.input.reference),
        Path(snakemake.input.splits),
        snakemake.params.grid,
        snakemake.params.widths,
        [Path(path) for path in snakemake.output.errors],
        [Path(path) for path in snakemake.output.calibrations],
        snakemake.params.device,
    )
