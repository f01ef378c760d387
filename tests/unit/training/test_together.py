import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from mepflow.errors import MepflowError
from mepflow.models.variants import Variant
from mepflow.training.run import train
from mepflow.training.together import train_together


def test_trainings_run_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=10)
    train_together([meeting.wait] * 3, at_once=True)  # type: ignore[list-item]
    assert not meeting.broken


@pytest.mark.parametrize("at_once", [True, False])
def test_a_failure_is_raised_when_the_others_have_ended(
    caplog: pytest.LogCaptureFixture, at_once: bool
) -> None:
    ended = []

    def fail(text: str, wait_s: float) -> None:
        time.sleep(wait_s)
        raise MepflowError(text)

    def end() -> None:
        time.sleep(0.2)
        ended.append(True)

    trainings = [partial(fail, "first", 0.0), partial(fail, "second", 0.1), end]
    with pytest.raises(MepflowError, match="first"):
        train_together(trainings, at_once=at_once)
    assert ended == [True]
    assert "another training failed, too: second" in caplog.text


@pytest.mark.parametrize("at_once", [True, False])
def test_trainings_together_are_those_of_jobs_of_their_own(
    at_once: bool,
    tmp_path: Path,
    paths: dict[str, Path],
    network: dict[str, Any],
    training: dict[str, Any],
    variant: Variant,
) -> None:
    def call(seed: int, folder: Path) -> partial[None]:
        return partial(
            train,
            reference=paths["reference"],
            splits=paths["splits"],
            variant=variant,
            network=network,
            training=training,
            seed=seed,
            state_folder=folder / f"state-{seed}",
            model_path=folder / f"model-{seed}.pt",
            log_path=folder / f"log-{seed}.csv",
        )

    seeds = (1, 2, 3, 4)
    for seed in seeds:
        call(seed, tmp_path / "single")()
    train_together([call(seed, tmp_path / "together") for seed in seeds], at_once=at_once)
    for seed in seeds:
        single, together = (
            torch.load(tmp_path / folder / f"model-{seed}.pt", weights_only=True)["state"]
            for folder in ("single", "together")
        )
        assert all(torch.equal(single[name], together[name]) for name in single)
