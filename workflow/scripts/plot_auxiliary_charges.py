"""Draw predicted against reference atomic charges."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.plots.auxiliary_charges import plot_auxiliary_charges

    plot_auxiliary_charges(
        sources_of(snakemake.input.predictions),
        snakemake.params.variants,
        Path(snakemake.input.reference),
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )
