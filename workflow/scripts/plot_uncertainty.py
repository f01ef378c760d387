"""Draw the errors of test molecules over what the spread of seeds let expect."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.uncertainty import plot_uncertainty

    plot_uncertainty(
        snakemake.params.variants,
        [Path(path) for path in snakemake.input.errors],
        [Path(path) for path in snakemake.input.calibrations],
        snakemake.params.shown,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )
