"""Compare density models, fits and atomic multipoles with exact densities."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.densities.density_evaluation import evaluate_densities
    from mepflow.evaluation.sources import sources_of

    evaluate_densities(
        sources_of(snakemake.input.models),
        Path(snakemake.input.labels),
        Path(snakemake.input.computed),
        sources_of(snakemake.input.multipoles),
        Path(snakemake.output.errors),
        Path(snakemake.output.dipoles),
        Path(snakemake.output.plane),
    )
