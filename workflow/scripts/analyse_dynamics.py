"""Analyse a dynamics: energy, spectrum, bands, potential on the moving surface."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.dynamics.dynamics_analysis import AnalysisFiles, analyse_dynamics

    analyse_dynamics(
        trajectory=Path(snakemake.input.trajectory),
        modes=Path(snakemake.input.modes),
        reference_modes=Path(snakemake.input.reference_modes),
        model=Path(snakemake.input.model[0]),
        widths=snakemake.params.penetration,
        window_ps=snakemake.params.spectrum["window_ps"],
        bands=snakemake.params.spectrum["bands"],
        surface_frames=snakemake.params.surface_frames,
        files=AnalysisFiles(*map(Path, snakemake.output)),
    )
