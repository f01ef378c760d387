"""Predict the test molecules of one data set with a model of another one."""

from mepflow.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.mep import evaluate_mep
    from mepflow.evaluation.multipoles import evaluate_multipoles
    from mepflow.training.predict import predict

    reference = Path(snakemake.input.reference)
    predictions = Path(snakemake.output.predictions)
    predict(
        Path(snakemake.input.model),
        reference,
        Path(snakemake.input.splits),
        predictions,
        device=snakemake.params.device,
        known=Path(snakemake.input.known),
    )
    for evaluate, output in (
        (evaluate_mep, snakemake.output.mep),
        (evaluate_multipoles, snakemake.output.multipoles),
    ):
        evaluate(predictions, reference, Path(output), may_be_empty=True)
