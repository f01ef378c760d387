"""Draw predicted against reference multipoles of every variant."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.plots.multipole_parity import plot_multipole_parity

    plot_multipole_parity(
        sources_of(snakemake.input.predictions),
        snakemake.params.variants,
        Path(snakemake.input.reference),
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )
