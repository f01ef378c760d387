"""Judge models of energies: test molecules, and harmonic modes."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.dynamics.surface_errors import evaluate_surfaces
    from mepflow.evaluation.sources import sources_of

    evaluate_surfaces(
        sources_of(snakemake.input.models),
        Path(snakemake.input.reference),
        Path(snakemake.input.splits),
        Path(snakemake.input.reference_modes),
        Path(snakemake.output.surfaces),
    )
