"""Write the table of extrema and statistics of the potential on a surface."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.tables.extrema_table import write_extrema_table

    write_extrema_table(
        sources_of(snakemake.input.predictions),
        Path(snakemake.input.reference),
        snakemake.params.grid,
        snakemake.params.penetration,
        csv=Path(snakemake.output.csv),
        values=Path(snakemake.output["values"]),
        markdown=Path(snakemake.output.markdown),
    )
