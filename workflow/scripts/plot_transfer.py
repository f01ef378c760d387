"""Draw the MEP errors of models of other data sets beside the data set's own."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.evaluation.transfer_evaluation import transfer_sources
    from mepflow.plots.transfer_errors import plot_transfer

    plot_transfer(
        snakemake.wildcards.dataset,
        sources_of(snakemake.input.own),
        transfer_sources(snakemake.input.errors),
        snakemake.params.variants,
        snakemake.params.grid,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )
