"""Write the table of density models beside multipoles on all test molecules."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.tables.density_mep_table import write_density_mep_table

    write_density_mep_table(
        sources_of(snakemake.input.mep),
        sources_of(snakemake.input.multipoles),
        snakemake.params.grid,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )
