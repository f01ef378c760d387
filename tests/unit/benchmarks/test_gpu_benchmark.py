"""The measurement on a GPU, tried out on the processor with tiny sizes."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    if importlib.util.find_spec("triton"):
        monkeypatch.setenv("TRITON_INTERPRET", "1")


PARTS = (
    *("kernels", "recorded-steps", "batch-100", "pinn", "model", "floors", "at-once"),
    *("study-multipoles", "network-small"),
)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_measures_or_says_why_not(name: str) -> None:
    from gpu import TINY, all_parts, measured

    rows = measured(all_parts()[name], TINY)
    assert [row.failure for row in rows if row.failure] == []
    assert all(row.value is not None or row.note for row in rows)
    if name == "recorded-steps":
        assert rows[0].note == "steps are recorded on a GPU only"


def test_every_network_and_study_has_a_part() -> None:
    from gpu import all_parts

    config = BENCHMARKS.parent / "config"
    studies = {f"study-{path.stem}" for path in (config / "studies").glob("*.yaml")}
    networks = {f"network-{name}" for name in ("small", "medium", "large")}
    assert studies | networks | set(PARTS) <= all_parts().keys()


def test_deviations_are_relative_and_what_is_too_large_is_told() -> None:
    import gpu
    import torch
    from gpu_checks import _deviations

    true = [torch.tensor([4.0, -8.0])], [torch.tensor([3.0]), torch.tensor([4.0])]
    found = [torch.tensor([4.0, -8.4])], [torch.tensor([3.3]), torch.tensor([4.4])]
    deviations = _deviations(found, true)
    assert deviations == pytest.approx((0.05, 0.1))
    rows = [gpu.Row("exact", 0.0, "", asked=0.0), gpu.Row("a rate", 1.0, "", True, asked=2.0)]
    rows += [
        gpu.Row(f"row {value:.2g}", value, "", asked=0.07) for value in (*deviations, float("nan"))
    ]
    assert gpu.verdict(rows) == "0 failed, 2 of the checks beyond what is asked; row 0.1; row nan."


def test_a_part_that_fails_or_hangs_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    import gpu

    def broken(_: object) -> list[gpu.Row]:
        raise RuntimeError("no | kernel\nimage")

    part = gpu.Part("broken", "a row", 600.0, broken)
    (row,) = gpu.measured(part, gpu.TINY)
    assert row.cells()[1] == "failed: RuntimeError: no / kernel image"
    (row,), _ = gpu.run(part, "cpu", 5.0)
    assert row.cells()[1] == "not measured"
    (row,), error = gpu.run(part, "cpu", 600.0)  # unknown to the process that is to measure it
    assert row.failure.startswith("its process ended with 2: ")
    assert "invalid choice" in error
    monkeypatch.setattr(gpu, "_FEWEST_S", 0.0)
    (row,), _ = gpu.run(part, "cpu", 0.01)
    assert row.failure == "it was not done after 0 s"


def test_without_a_gpu_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import gpu
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--output", str(tmp_path)])
    assert gpu.main() == 2
    assert capsys.readouterr().err.startswith("PyTorch finds no GPU on this machine: nothing was")
    rows = json.loads((tmp_path / "gpu.json").read_text())["rows"]
    assert len(rows) == len(gpu.all_parts())
    assert all(row["value"] is None for row in rows)


def test_the_command_measures_in_processes_and_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import gpu

    options = ["--device", "cpu", "--parts", "floors", "--output", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["gpu.py", *options])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert gpu.main() == 0
    assert "mean nothing" in capsys.readouterr().out
    rows = json.loads((tmp_path / "gpu.json").read_text())["rows"]
    assert [row["value"] > 0.0 for row in rows] == [True, True]
