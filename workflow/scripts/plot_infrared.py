"""Draw the figure infrared."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.infrared import plot_infrared

    plot_infrared(
        Path(snakemake.input.spectrum),
        Path(snakemake.input.modes),
        snakemake.params.experiment,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )
