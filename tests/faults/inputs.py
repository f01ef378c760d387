"""Faults of files between the rules: cut, damaged, of another run; and numbers that are none."""

import random
import shutil
from typing import Final

import numpy as np
import torch
import yaml
from bench import MODEL, REFERENCE, RESULTS, SPLITS, TABLES, Bench, Copy, kill_all, wait_for
from surroundings import require_clear

from mepflow.storage.journal import Journal

CHECKPOINT: Final = f"{MODEL}/state/checkpoint.pt"
DAMAGED: Final = (
    f"{RESULTS}/molecules/candidates.h5",
    SPLITS,
    f"{RESULTS}/reference/shards/0.h5",
    REFERENCE,
    f"{MODEL}/model.pt",
)


def damaged_files(bench: Bench) -> tuple[int, str]:
    """Cut files between the rules short, by seeded parts; delete each as the message says."""
    numbers = random.Random(1)
    copy = bench.copy(bench.whole)
    for name in DAMAGED:
        path = copy.root / name
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * (0.1 + 0.8 * numbers.random()))])
        message = copy.failure()
        sentences = [line for line in message.splitlines() if line.startswith(name)]
        assert sentences, message[-4000:]
        assert any("again" in sentence for sentence in sentences), sentences
        require_clear(message)
        path.unlink()
        copy.run(name, SPLITS, *TABLES)  # Snakemake makes what nothing needs when it is asked to
        problems = bench.problems(copy)
        assert not problems, problems
    bench.require_recovered(copy)
    return len(DAMAGED), "one sentence with the file; deleted, it is made again, same results"


def foreign_checkpoint(bench: Bench) -> tuple[int, str]:
    """Change a setting, then the code, while a training is half done; put both back."""
    copy = untrained(bench)
    interrupt_training(copy)
    before = (copy.root / CHECKPOINT).read_bytes()
    loss = copy.root / "workflow/scripts/mepflow/training/loss.py"
    config = copy.root / "config" / "tiny.yaml"
    texts = {path: path.read_text() for path in (loss, config)}
    settings = yaml.safe_load(texts[config])
    settings["training"]["learning_rate"] *= 2
    for path, changed in (
        (config, yaml.safe_dump(settings)),
        (loss, texts[loss] + "\nassert True\n"),
    ):
        path.write_text(changed)
        message = copy.failure()
        assert "holds an interrupted training (step " in message, message[-4000:]
        assert "of another configuration, data or code: delete that folder" in message, message
        require_clear(message)
        assert (copy.root / CHECKPOINT).read_bytes() == before
        path.write_text(texts[path])
    copy.run()
    bench.require_recovered(copy)
    return 2, "refused with the reason, untouched; the training goes on where it stopped"


def not_a_number(bench: Bench) -> tuple[int, str]:
    """Let the loss of a training's thirteenth step be no number."""
    copy = untrained(bench)
    trainer = copy.root / "workflow/scripts/mepflow/training/trainer.py"
    text = trainer.read_text()
    line = "        loss = self.task.loss(errors)\n"
    assert line in text
    trainer.write_text(text.replace(line, f"{line}        loss = loss / (self.step != 12)\n"))
    for _ in range(2):  # the second time from the checkpoint
        message = copy.failure()
        sentences = [part for part in message.splitlines() if "loss is" in part]
        assert sentences, message[-4000:]
        assert "at step 13 (molecules gdb_" in sentences[0], sentences
        require_clear(message)
        state = torch.load(copy.root / CHECKPOINT, weights_only=True)
        assert state["step"] == 10
        assert all(bool(torch.isfinite(values).all()) for values in state["model"].values())
        assert not (copy.root / MODEL / "model.pt").exists()
    trainer.write_text(text)
    shutil.rmtree(copy.root / MODEL / "state")  # as the message about the other code says
    copy.run()
    bench.require_recovered(copy)
    return 2, "stops with the molecules' ids; the checkpoint before it is whole and finite"


def torn_journal(bench: Bench) -> tuple[int, str]:
    """Cut a journal at every byte."""
    torn = Journal(bench.folder / "torn.journal")
    for number in range(4):
        torn.append({"fingerprint": np.array(f"{number}"), "mep": np.arange(10.0 * number)})
    content = torn.path.read_bytes()
    counts = []
    for length in range(len(content)):
        torn.path.write_bytes(content[:length])
        found = [str(record["fingerprint"]) for record in torn.read()]
        assert found == ["0", "1", "2", "3"][: len(found)]
        assert torn.path.stat().st_size <= length
        counts.append(len(found))
    assert counts == sorted(counts)
    assert set(counts) == {0, 1, 2, 3}
    torn.path.unlink()
    return 1, f"cut at {len(counts)} places: whole records are read, the torn one is dropped"


def untrained(bench: Bench) -> Copy:
    """Return a copy of the undisturbed run without models and what is made from them."""
    copy = bench.copy(bench.whole)
    copy.remove("models", "tables")
    return copy


def interrupt_training(copy: Copy) -> None:
    """Begin a training and kill it after some checkpoints."""
    snakemake = copy.start()
    checkpoint = copy.root / CHECKPOINT
    assert wait_for(checkpoint.exists), copy.printed()
    kill_all([snakemake, *copy.processes()])
    step = torch.load(checkpoint, weights_only=True)["step"]
    assert (
        0 < step < yaml.safe_load((copy.root / "config/tiny.yaml").read_text())["training"]["steps"]
    )
