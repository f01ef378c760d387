"""Write the table of energies and forces."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.tables.energies_table import write_energies_table

    write_energies_table(
        sources_of(snakemake.input.predictions),
        sources_of(snakemake.input.mep),
        sources_of(snakemake.input.logs),
        Path(snakemake.input.reference),
        snakemake.params.grid,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )
