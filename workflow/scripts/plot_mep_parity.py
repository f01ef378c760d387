"""Draw predicted against reference potentials of every variant."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.plots.mep_parity import plot_mep_parity

    plot_mep_parity(
        sources_of(snakemake.input.predictions),
        Path(snakemake.input.reference),
        snakemake.params.grid,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )
