"""Leave training molecules out of the splits, for a learning curve."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.selection.training_parts import thin_training_set

    thin_training_set(
        Path(snakemake.input.candidates),
        Path(snakemake.input.splits),
        float(snakemake.wildcards.fraction),
        snakemake.params.seed,
        Path(snakemake.output.splits),
        by_structure=snakemake.params.by_structure,
    )
