"""Train a density model with one seed."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.densities.density_training import train_density

    train_density(
        labels=Path(snakemake.input.labels),
        network=snakemake.params.network,
        training=snakemake.params.training,
        seed=int(snakemake.wildcards.seed),
        state_folder=Path(snakemake.params.state),
        model_path=Path(snakemake.output.model),
        log_path=Path(snakemake.output.training_log),
        threads=snakemake.threads,
        code=snakemake.params.code,
    )
