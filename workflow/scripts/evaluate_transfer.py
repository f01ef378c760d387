"""Predict the test molecules of one data set with every model of another one."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.model_evaluation import evaluate_models, evaluations_of

    evaluate_models(
        evaluations_of(snakemake.input.models, snakemake.output),
        Path(snakemake.input.reference),
        Path(snakemake.input.splits),
        snakemake.params.device,
        known=Path(snakemake.input.known),
        widths=snakemake.params.penetration,
    )
