"""Make the atomic multipoles of a baseline, and compare multipoles and MEP with the reference."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.evaluation.baselines import fit_baseline
    from mepflow.evaluation.mep_errors import evaluate_mep
    from mepflow.evaluation.multipole_errors import evaluate_multipoles

    reference = Path(snakemake.input.reference)
    predictions = Path(snakemake.output.predictions)
    fit_baseline(
        snakemake.wildcards.baseline,
        reference,
        Path(snakemake.input.splits),
        snakemake.params.grid,
        predictions,
    )
    evaluate_mep(predictions, reference, Path(snakemake.output.mep))
    evaluate_multipoles(predictions, reference, Path(snakemake.output.multipoles))
