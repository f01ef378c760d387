"""Train a model of energies from a density with one seed."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.densities.density_energy_training import train_density_energy

    train_density_energy(
        density=Path(snakemake.input.density[0]),
        frozen=Path(snakemake.input.frozen) if snakemake.input.frozen else None,
        reference=Path(snakemake.input.reference),
        splits=Path(snakemake.input.splits),
        network=snakemake.params.network,
        inputs=snakemake.params.inputs,
        training=snakemake.params.training,
        seed=int(snakemake.wildcards.seed),
        state_folder=Path(snakemake.params.state),
        model_path=Path(snakemake.output.model),
        log_path=Path(snakemake.output.training_log),
        threads=snakemake.threads,
        code=snakemake.params.code,
    )
