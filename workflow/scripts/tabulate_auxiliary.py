"""Write the table of dipoles learned with the help of charges."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.sources import sources_of
    from mepflow.tables.auxiliary_table import write_auxiliary_table
    from mepflow.tables.learning_curve_table import steps_of

    files = snakemake.input
    parts = steps_of(files.parts_splits, predictions=files.parts_predictions, mep=files.parts_mep)
    whole = steps_of([files.splits], predictions=files.predictions, mep=files.mep)
    write_auxiliary_table(
        [*parts, *whole],
        (sources_of(files.baselines_predictions), sources_of(files.baselines_mep)),
        snakemake.params.variants,
        Path(files.reference),
        snakemake.params.grid,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
    )
