"""Draw the errors over the size of the training set."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.learning_curve import plot_learning_curve

    plot_learning_curve(
        Path(snakemake.input.table),
        snakemake.params.variants,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )
