"""Write the page of the run: tables, figures and a viewer in one HTML file."""

from mepflow.runs.jobs import job

with job(snakemake):
    from pathlib import Path

    from mepflow.page.document import make_page
    from mepflow.runs.plan import DatasetFiles, PageItem, SurfaceView

    make_page(
        snakemake.params.settings,
        [PageItem(**item) for item in snakemake.params.shown],
        [DatasetFiles(**files) for files in snakemake.params.datasets],
        [SurfaceView(**view) for view in snakemake.params.views],
        snakemake.params.introduction,
        Path(snakemake.config["results"]),
        Path(snakemake.output.page),
    )
