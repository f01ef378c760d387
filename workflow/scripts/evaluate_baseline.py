"""Make the atomic multipoles of a baseline, and compare multipoles and MEP with the reference."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.baselines import evaluate_baseline
    from mepflow.evaluation.multipole_errors import evaluate_multipoles

    reference = Path(snakemake.input.reference)
    predictions = Path(snakemake.output.predictions)
    evaluate_baseline(
        snakemake.wildcards.baseline,
        reference,
        Path(snakemake.input.splits),
        snakemake.params.grid,
        predictions,
        Path(snakemake.output.mep),
        snakemake.params.penetration,
    )
    evaluate_multipoles(predictions, reference, Path(snakemake.output.multipoles))
