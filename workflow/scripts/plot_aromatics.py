"""Draw the MEP errors of aromatic and planar molecules."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.aromatics import plot_aromatics

    plot_aromatics(
        Path(snakemake.input.table),
        snakemake.params.variants,
        snakemake.params.grid,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )
