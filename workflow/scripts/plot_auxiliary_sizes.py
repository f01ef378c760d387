"""Draw errors of |μ| over the size of the training set, a line per weight of the charges."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.auxiliary_sizes import plot_auxiliary_sizes

    plot_auxiliary_sizes(
        Path(snakemake.input.table),
        snakemake.params.variants,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )
