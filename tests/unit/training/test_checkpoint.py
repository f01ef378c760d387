from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mepflow.errors import StateError
from mepflow.molecules import MoleculeTable
from mepflow.training import checkpoint as checkpoints
from mepflow.training.checkpoint import Checkpoint

STATE = Checkpoint(
    fingerprint="this one",
    step=20,
    model={"weight": torch.arange(3.0)},
    optimizer={"state": {0: {"step": torch.tensor(20.0)}}, "param_groups": [{"lr": 1e-3}]},
    best_model={"weight": torch.ones(3)},
    best_step=10,
    best_loss=0.25,
    rows=[{"step": 10, "loss": 1.0}, {"step": 20, "loss": 2.0}],
    wall_time_s=3.5,
    delivered=False,
)


def test_comes_back_as_it_was(tmp_path: Path) -> None:
    checkpoints.save(STATE, tmp_path / "state")
    found = checkpoints.load(tmp_path / "state", "this one")
    assert found is not None
    assert torch.equal(found.model["weight"], STATE.model["weight"])
    plain = ("step", "best_step", "best_loss", "rows", "wall_time_s", "delivered", "fingerprint")
    assert all(getattr(found, name) == getattr(STATE, name) for name in plain)
    assert found.optimizer["param_groups"] == [{"lr": 1e-3}]


def test_no_state_means_a_fresh_start(tmp_path: Path) -> None:
    assert checkpoints.load(tmp_path / "state", "this one") is None


def test_an_interrupted_training_of_another_configuration_is_refused(tmp_path: Path) -> None:
    checkpoints.save(STATE, tmp_path)
    with pytest.raises(StateError) as error:
        checkpoints.load(tmp_path, "another one")
    message = str(error.value)
    assert str(tmp_path) in message
    assert "step 20" in message
    assert "delete that folder" in message
    assert "\n" not in message
    assert (tmp_path / checkpoints.FILE_NAME).exists()


def test_a_delivered_training_of_another_configuration_is_superseded(tmp_path: Path) -> None:
    checkpoints.save(replace(STATE, delivered=True), tmp_path)
    assert checkpoints.load(tmp_path, "another one") is None
    assert checkpoints.load(tmp_path, "this one") is not None


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None], ids=["empty", "text", "half"])
def test_a_damaged_checkpoint_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    checkpoints.save(STATE, tmp_path)
    path = tmp_path / checkpoints.FILE_NAME
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(StateError, match="damaged or not a checkpoint: delete"):
        checkpoints.load(tmp_path, "this one")


def test_a_file_that_lacks_something_is_one_sentence(tmp_path: Path) -> None:
    torch.save({"step": 3}, tmp_path / checkpoints.FILE_NAME)
    with pytest.raises(StateError, match="damaged or not a checkpoint: delete"):
        checkpoints.load(tmp_path, "this one")


def test_a_checkpoint_of_version_1_gets_the_names_of_its_columns(tmp_path: Path) -> None:
    old = {**vars(STATE), "rows": [[10, *np.arange(1.0, 10.0).tolist()]]}
    torch.save(old, tmp_path / checkpoints.FILE_NAME)
    found = checkpoints.load(tmp_path, "this one")
    assert found is not None
    assert found.rows[0]["step"] == 10
    assert found.rows[0]["validation_quadrupole_mae_e_bohr2"] == 7.0
    assert (found.rows[0]["wall_time_s"], len(found.rows[0])) == (9.0, 10)


def test_a_checkpoint_of_a_later_program_is_one_sentence(tmp_path: Path) -> None:
    torch.save({**vars(STATE), "format_version": 3}, tmp_path / checkpoints.FILE_NAME)
    with pytest.raises(StateError, match=r"newer than this program \(version 3, this .* up to 2\)"):
        checkpoints.load(tmp_path, "this one")


def test_the_previous_checkpoint_stays_until_the_next_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save(STATE, tmp_path)

    def half(path: Path, content: bytes) -> None:
        path.write_text("the first half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(replace(STATE, step=30), tmp_path)
    found = checkpoints.load(tmp_path, "this one")
    assert found is not None
    assert found.step == 20


def test_what_a_kill_left_half_written_is_removed(tmp_path: Path) -> None:
    checkpoints.save(STATE, tmp_path)
    (tmp_path / ".checkpoint.0123abcd.partial.pt").write_bytes(b"half")
    checkpoints.load(tmp_path, "this one")
    assert [path.name for path in tmp_path.iterdir()] == [checkpoints.FILE_NAME]


def test_the_fingerprint_tells_settings_and_molecules_apart(table: MoleculeTable) -> None:
    other = {name: values.copy() for name, values in table.properties.items()}
    other["dipole"][3, 1] = np.nextafter(other["dipole"][3, 1], 10.0)
    moved = table.positions.copy()
    moved[0, 0] += 1e-9
    both = ["quadrupole", "dipole"]
    digests = [
        checkpoints.fingerprint({"seed": 1}, both, table),
        checkpoints.fingerprint({"seed": 2}, both, table),
        checkpoints.fingerprint({"seed": 1}, both, table.select(range(17))),
        checkpoints.fingerprint({"seed": 1}, both, table.select([1, 0, *range(2, 18)])),
        checkpoints.fingerprint({"seed": 1}, both, replace(table, properties=other)),
        checkpoints.fingerprint({"seed": 1}, both, replace(table, positions=moved)),
        checkpoints.fingerprint(
            {"seed": 1}, both, replace(table, total_charge=table.total_charge + 1)
        ),
    ]
    assert len(set(digests)) == len(digests)
    assert checkpoints.fingerprint({"seed": 1}, both[::-1], table) == digests[0]
    unused = [
        checkpoints.fingerprint({}, ["quadrupole"], replace(table, properties=p))
        for p in (table.properties, other)
    ]
    assert unused[0] == unused[1]
