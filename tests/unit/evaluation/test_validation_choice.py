"""Which variant is put forward."""

import pandas as pd
import pytest

from mepflow.errors import InputError
from mepflow.evaluation.sources import Source
from mepflow.evaluation.validation_choice import validation_errors

DIPOLE = "validation_dipole_rmse_e_bohr"
QUADRUPOLE = "validation_quadrupole_rmse_e_bohr2"


def log(folder, name, columns):
    path = folder / f"{name}.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return Source(name, 1, path)


def test_neither_unit_nor_weight_decides(tmp_path):
    """A variant with a small loss and one good multipole loses against one that has both."""
    logs = [
        log(tmp_path, "AC-D", {"validation_loss": [0.01], DIPOLE: [0.1], QUADRUPOLE: [4.0]}),
        log(tmp_path, "AC-DQ", {"validation_loss": [100.0], DIPOLE: [0.2], QUADRUPOLE: [0.5]}),
    ]
    found = validation_errors(logs)
    assert found.to_dict() == pytest.approx({"AC-D": 0.4**0.5, "AC-DQ": 0.1**0.5})
    for one in logs:
        frame = pd.read_csv(one.path)
        frame[QUADRUPOLE] *= 1.345  # in another unit
        frame.to_csv(one.path, index=False)
    assert validation_errors(logs).idxmin() == "AC-DQ"


def test_only_errors_that_all_logs_have_count(tmp_path):
    logs = [
        log(tmp_path, "a", {"validation_loss": [1.0], DIPOLE: [0.3], "validation_x_rmse_e": [9.0]}),
        log(tmp_path, "b", {"validation_loss": [1.0], DIPOLE: [0.4]}),
    ]
    assert validation_errors(logs).to_dict() == pytest.approx({"a": 0.3, "b": 0.4})


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"step": [1]}, "no column validation_loss"),
        ({"validation_loss": [1.0]}, "share no error"),
    ],
)
def test_logs_without_the_numbers_are_refused(tmp_path, columns, sentence):
    with pytest.raises(InputError, match=sentence):
        validation_errors([log(tmp_path, "a", columns)])
