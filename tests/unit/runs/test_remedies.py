"""Errors of the system that a user can mend are one sentence with the file and the remedy."""

import errno
import os

import pytest
import torch

from mepflow.runs.remedies import remedy


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EROFS, "give the right"),
        (errno.EACCES, "give the right"),
    ],
)
def test_the_file_and_what_to_do(code: int, what: str) -> None:
    sentence = remedy(OSError(code, os.strerror(code), "results/a.h5"), "some_rule")
    assert sentence is not None
    assert sentence.startswith("results/a.h5")
    assert what in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOMEM, "no memory")])
def test_memory(error: Exception) -> None:
    assert "--set-resources some_rule:mem_mb=" in str(remedy(error, "some_rule"))


def test_memory_that_pytorch_cannot_have() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 46)
    assert "--set-resources some_rule:mem_mb=" in str(remedy(caught.value, "some_rule"))


def test_memory_of_the_gpu() -> None:
    sentence = remedy(torch.OutOfMemoryError("CUDA out of memory."), "train_model")
    assert "training.batch_size" in str(sentence)


def test_anything_else_is_no_such_error() -> None:
    assert remedy(OSError("torn"), "rule") is None
    assert remedy(FileNotFoundError(errno.ENOENT, "no such file", "a"), "rule") is None
    assert remedy(ValueError("3"), "rule") is None
    assert remedy(RuntimeError("3"), "rule") is None
