"""Check an archive's labels against each other and write the table of the differences."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.archive_consistency import LABEL_QUANTITIES, check_labels
    from mepflow.tables.differences_table import write_difference_table

    write_difference_table(
        check_labels(Path(snakemake.input.table), Path(snakemake.output.differences)),
        LABEL_QUANTITIES,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
        title="Consistency of the archive's labels",
    )
