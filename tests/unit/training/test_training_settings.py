from typing import Any

import pytest

from mepflow.errors import ConfigError
from mepflow.models.device import torch_device
from mepflow.training.training_settings import TrainingSettings


def rate(training: dict[str, Any], step: int, **changes: Any) -> float:
    return TrainingSettings.from_config({**training, **changes}).learning_rate_at(step)


def test_exponential_schedule_is_continuous(training: dict[str, Any]) -> None:
    schedule = {"kind": "exponential", "factor": 0.5, "every": 10}
    rates = [rate(training, step, schedule=schedule) for step in (0, 5, 10, 20)]
    full = training["learning_rate"]
    assert rates == pytest.approx([full, full * 0.5**0.5, full / 2, full / 4], rel=1e-14)


def test_cosine_schedule_falls_from_the_full_rate_to_zero(training: dict[str, Any]) -> None:
    steps, full = training["steps"], training["learning_rate"]
    rates = [rate(training, step) for step in (0, steps // 4, steps // 2, steps)]
    assert rates == pytest.approx([full, full * (0.5 + 8**-0.5), full / 2, 0.0], abs=1e-18)


def test_constant_schedule(training: dict[str, Any]) -> None:
    assert rate(training, 12345, schedule={"kind": "constant"}) == training["learning_rate"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stepz": 3}, "unknown key 'stepz'"),
        ({"steps": 0}, "training.steps is 0"),
        ({"steps": 1.5}, "whole number"),
        ({"batch_size": True}, "training.batch_size is True"),
        ({"learning_rate": "1e-3"}, "training.learning_rate is '1e-3'"),
        ({"learning_rate": float("inf")}, "training.learning_rate is inf"),
        ({"gradient_clip_norm": 0}, "training.gradient_clip_norm is 0"),
        ({"energy_references": {"h": -0.5}}, "energy_references has 'h': -0.5"),
        ({"energy_references": {"H": float("nan")}}, "energy_references has 'H': nan"),
        ({"early_stopping_patience": -1}, "training.early_stopping_patience is -1"),
        ({"precision": "float16"}, "use float32, tf32, bf16, float64"),
        ({"device": "tpu"}, "use auto, cpu, cuda"),
        ({"schedule": {"kind": "linear"}}, "use constant, cosine, exponential"),
        ({"schedule": {}}, "use constant, cosine, exponential"),
        ({"schedule": {"kind": "cosine", "every": 3}}, "of kind cosine"),
        ({"schedule": {"kind": "exponential", "factor": 0.9}}, "use every, factor, kind"),
        ({"schedule": {"kind": "exponential", "factor": 0, "every": 1}}, "must be positive"),
    ],
)
def test_refuses_in_one_sentence(
    training: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        TrainingSettings.from_config({**training, **changes})
    assert said in str(error.value)
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


def test_refuses_missing_keys(training: dict[str, Any]) -> None:
    del training["steps"]
    with pytest.raises(ConfigError, match="training lacks 'steps'"):
        TrainingSettings.from_config(training)


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert torch_device("auto").type == "cpu"
    with pytest.raises(ConfigError, match="no GPU can be used"):
        torch_device("cuda")
