"""Write the table of what the spread of seeds says about errors."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.tables.uncertainty_table import write_uncertainty_table

    write_uncertainty_table(
        snakemake.params.variants,
        [Path(path) for path in snakemake.input.errors],
        [Path(path) for path in snakemake.input.calibrations],
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )
