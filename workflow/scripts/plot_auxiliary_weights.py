"""Draw gain, potential and direction over the weight of the charges."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.auxiliary_weights import plot_auxiliary_weights

    plot_auxiliary_weights(
        Path(snakemake.input.table),
        snakemake.params.variants,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )
