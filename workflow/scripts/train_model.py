"""Train one variant with one seed, or with several at once."""

from mepflow.runs.jobs import job

with job(snakemake):
    from functools import partial
    from pathlib import Path

    from mepflow.models.variants import Variant
    from mepflow.training.run import train
    from mepflow.training.together import train_together

    def as_list(files):
        return [files] if isinstance(files, str) else list(files)

    seeds, states = snakemake.params.seeds, as_list(snakemake.params.state)
    starts = as_list(snakemake.input.start) or [""] * len(seeds)
    outputs = list(snakemake.output)  # all models, then all logs
    files = zip(seeds, starts, states, outputs[: len(seeds)], outputs[len(seeds) :], strict=True)
    trainings = [
        partial(
            train,
            reference=Path(snakemake.input.reference),
            splits=Path(snakemake.input.splits),
            variant=Variant.from_row(snakemake.wildcards.variant, snakemake.params.variant),
            network=snakemake.params.network,
            training=snakemake.params.training,
            widths=snakemake.params.penetration,
            seed=seed,
            start=Path(start) if start else None,
            state_folder=Path(state),
            model_path=Path(model),
            log_path=Path(log),
            threads=max(1, snakemake.threads // len(seeds)),
            code=snakemake.params.code,
        )
        for seed, start, state, model, log in files
    ]
    train_together(trainings, at_once=snakemake.params.at_once)
