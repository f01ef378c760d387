"""Compare the reference calculations with the archive and write the table of the differences."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.archive_agreement import AGREEMENT_QUANTITIES, compare_with_archive
    from mepflow.tables.differences_table import write_difference_table

    write_difference_table(
        compare_with_archive(Path(snakemake.input.computed), Path(snakemake.output.differences)),
        AGREEMENT_QUANTITIES,
        Path(snakemake.output.csv),
        Path(snakemake.output.markdown),
        title="Our calculations against the archive",
    )
