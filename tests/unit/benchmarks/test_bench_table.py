"""The table of ``make bench``, and the records it makes up."""

import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from mepflow.archives.qm9 import parse_record

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_ratios_of_times_and_of_rates() -> None:
    from measuring import Row

    time = Row("t", 3.0, "s", asked=6.0, floor=2.0, plain=12.0).cells()
    assert time == ["t", 3.0, "s", "≤ 6", 2.0, "1.5×", 12.0, "4×", ""]
    rate = Row("r", 600.0, "1/s", is_rate=True, asked=4e4, floor=900.0, plain=200.0, note="n")
    assert rate.cells() == ["r", 600.0, "1/s", "≥ 40,000", 900.0, "1.5×", 200.0, "3×", "n"]


def test_what_was_not_measured_has_no_ratios() -> None:
    from measuring import Row

    row = Row("g", None, "1/s", is_rate=True, asked=10.0, floor=3.0).cells()
    assert row == ["g", "not measured", "1/s", "≥ 10", "", "", "", "", ""]


def test_a_process_reports_what_it_took(tmp_path: Path) -> None:
    from measuring import spent

    program = "import time; x = b'1' * 200_000_000; [0 for _ in range(3_000_000)]; print('done')"
    used = spent([sys.executable, "-c", program], tmp_path, output=tmp_path / "out")
    assert (tmp_path / "out").read_text() == "done\n"
    assert 0.01 < used.cpu_s < 30.0
    assert used.peak_mb > 190.0
    with pytest.raises(RuntimeError, match="ended with 3"):
        spent([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)


def test_records_made_up_are_records(tmp_path: Path) -> None:
    import pipeline

    path = tmp_path / "a.tar.bz2"
    pipeline.write_archive(path, 60)
    with tarfile.open(path) as tar:
        members = tar.getmembers()
        contents = [tar.extractfile(m).read() for m in members]  # type: ignore[union-attr]
    records = [parse_record(c, m.name) for c, m in zip(contents, members, strict=True)]
    assert [record.number for record in records] == list(range(1, 61))
    sizes = [len(record.atomic_numbers) for record in records]
    assert min(sizes) >= 10
    assert max(sizes) <= 26
    assert abs(np.mean(sizes) - 18) < 2
    assert len({record.digest for record in records}) == 60


def test_a_case_of_the_network_is_a_row() -> None:
    from run_all import network_row

    case = {
        "network": "large",
        "batch": 100,
        "task": "training",
        "floor ms": 100.0,
        "plain ms": 1000.0,
        "molecules/s": 500.0,
        "PiNN, molecules/s": 247.0,
    }
    row = network_row(case)
    assert (row.floor, row.plain, row.asked, row.is_rate) == (1000.0, 100.0, 617.5, True)
    assert network_row({**case, "PiNN, molecules/s": ""}).asked is None
