"""Predict the test molecules with a model, and compare multipoles and MEP with the reference."""

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
    )
    evaluate_mep(predictions, reference, Path(snakemake.output.mep))
    evaluate_multipoles(predictions, reference, Path(snakemake.output.multipoles))
