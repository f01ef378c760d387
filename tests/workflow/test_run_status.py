"""The target `status` and the summary of a run."""

import pytest
from tiny_repository import Repository

from mepflow.runs.status import State, read_plan, status

pytestmark = pytest.mark.xdist_group("workflow")


def test_status_tells_what_is_missing_and_the_summary_what_was_made(rerun: Repository) -> None:
    results = rerun.root / "results"
    assert {job.state for job in status(read_plan(results))} == {State.FINISHED}
    (results / "qm9/tables/mep.csv").unlink()

    done = rerun.snakemake("--nolock", "status")
    lines = (done.stdout + done.stderr).splitlines()
    (tables,) = [line for line in lines if line.startswith("  tables ")]
    total, finished, to_do = map(int, tables.split()[1:])
    assert (finished, to_do) == (total - 1, 1)
    assert "median RMSE" not in done.stdout

    done = rerun.snakemake("tables")
    told = " ".join(done.stdout.split())
    assert "median RMSE over 3 test structures on Merz–Kollman shells (MK)" in told
    assert "\n  Fitted charges   " in done.stdout
    assert {job.state for job in status(read_plan(results))} == {State.FINISHED}
