"""Write the table of errors over the size of the training set."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.tables.learning_curve_table import steps_of, write_learning_curve_table

    write_learning_curve_table(
        steps_of(
            snakemake.input.splits,
            mep=snakemake.input.mep,
            multipoles=snakemake.input.multipoles,
        ),
        sources_of(snakemake.input.floors_mep),
        sources_of(snakemake.input.floors_multipoles),
        Path(snakemake.input.reference),
        snakemake.params.grid,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )
