"""Choose the molecules that pass every filter which needs no reference calculation."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.selection.filters import select_candidates

    select_candidates(
        Path(snakemake.input.table),
        Path(snakemake.input.rejected),
        next(map(Path, snakemake.input.get("uncharacterized", [])), None),
        snakemake.params.filters,
        Path(snakemake.output.candidates),
        Path(snakemake.output.verdicts),
        Path(snakemake.output.funnel),
    )
