"""Run the dynamics of a molecule on models of its energy."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.dynamics.model_dynamics import run_model_dynamics

    run_model_dynamics(
        models=[Path(path) for path in snakemake.input.models],
        start=Path(snakemake.input.start),
        settings=snakemake.params.settings,
        state_folder=Path(snakemake.params.state),
        trajectory_path=Path(snakemake.output.trajectory),
        frames_path=Path(snakemake.output.frames),
        modes_path=Path(snakemake.output.modes),
        name=snakemake.params.name,
        threads=snakemake.threads,
        code=snakemake.params.code,
    )
