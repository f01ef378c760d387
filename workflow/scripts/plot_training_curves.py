"""Draw the training curves of every model."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.plots.training_curves import plot_training_curves

    plot_training_curves(
        sources_of(snakemake.input.logs),
        snakemake.params.variants,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )
