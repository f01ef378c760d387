"""Compare density models, fits and atomic multipoles with exact densities."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.densities.density_evaluation import EvaluationFiles, evaluate_densities
    from mepflow.evaluation.sources import sources_of

    output = snakemake.output
    evaluate_densities(
        sources_of(snakemake.input.models),
        Path(snakemake.input.labels),
        Path(snakemake.input.computed),
        Path(snakemake.input.reference),
        sources_of(snakemake.input.multipoles),
        EvaluationFiles(
            Path(output.errors),
            Path(output.dipoles),
            Path(output.plane),
            [Path(path) for path in output.mep],
            [Path(path) for path in output.multipoles],
        ),
    )
