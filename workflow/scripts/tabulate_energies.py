"""Write the table of energies and forces."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.tables.energies_table import write_energies_table
    from mepflow.tables.learning_curve_table import steps_of

    files = snakemake.input
    parts = steps_of(
        files.parts_splits,
        predictions=files.parts_predictions,
        mep=files.parts_mep,
        logs=files.parts_logs,
    )
    whole = steps_of([files.splits], predictions=files.predictions, mep=files.mep, logs=files.logs)
    write_energies_table(
        [*parts, *whole],
        Path(files.reference),
        snakemake.params.grid,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )
