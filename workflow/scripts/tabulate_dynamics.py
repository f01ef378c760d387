"""Write the table of a dynamics."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.tables.dynamics_table import write_dynamics_table

    write_dynamics_table(
        Path(snakemake.input.surfaces),
        Path(snakemake.input.conservation),
        Path(snakemake.input.bands),
        Path(snakemake.input.modes),
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
        snakemake.params.settings,
    )
