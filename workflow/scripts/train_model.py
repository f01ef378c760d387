"""Train one variant with one seed."""

from mepflow.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.training.run import train
    from mepflow.variants import Variant

    train(
        Path(snakemake.input.reference),
        Path(snakemake.input.splits),
        Variant.from_row(snakemake.wildcards.variant, snakemake.params.variant),
        snakemake.params.network,
        snakemake.params.training,
        int(snakemake.wildcards.seed),
        Path(snakemake.params.state),
        Path(snakemake.output.model),
        Path(snakemake.output.training_log),
        threads=snakemake.threads,
        code=snakemake.params.code,
    )
