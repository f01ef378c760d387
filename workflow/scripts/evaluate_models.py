"""Predict the test molecules with every model, and compare them with the reference."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.model_evaluation import evaluate_models, evaluations_of

    evaluate_models(
        evaluations_of(snakemake.input.models, snakemake.output),
        Path(snakemake.input.reference),
        Path(snakemake.input.splits),
        snakemake.params.device,
        widths=snakemake.params.penetration,
    )
