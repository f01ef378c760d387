"""Join the shards of the reference and keep the molecules that pass the last filters."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.archives.labelled_table import read_reference
    from mepflow.qm.collection import collect_reference

    stored = None
    for path in map(Path, snakemake.input.potentials):  # one, or none
        stored, _ = read_reference(path, snakemake.params.level_row, snakemake.params.stored_grids)
    published = None
    for path in map(Path, snakemake.input.published):  # one, or none
        published, _ = read_reference(path, snakemake.params.level_row, snakemake.params.grids)
    collect_reference(
        shard_paths=[Path(path) for path in snakemake.input.shards],
        candidates_path=Path(snakemake.input.candidates),
        splits_path=Path(snakemake.input.splits),
        candidate_verdicts_path=Path(snakemake.input.verdicts),
        candidate_funnel_path=Path(snakemake.input.funnel),
        computed_split=snakemake.params.computed_split,
        stored=stored,
        published=published,
        grids=snakemake.params.grids,
        dipole_tolerance_debye=snakemake.params.dipole_tolerance_debye,
        reference_path=Path(snakemake.output.reference),
        computed_path=Path(snakemake.output.computed),
        verdicts_path=Path(snakemake.output.verdicts),
        funnel_path=Path(snakemake.output.funnel),
    )
