"""Draw the dipole's error against the quadrupole's."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.plots.trade_off import plot_trade_off

    plot_trade_off(
        Path(snakemake.input.table),
        snakemake.params.variants,
        [Path(path) for path in snakemake.output],
        snakemake.params.style,
    )
