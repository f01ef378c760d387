"""kill -9 of Snakemake and of its jobs at random moments, then the same command again."""

import contextlib
import math
import random
from collections import Counter
from typing import Final

import psutil
from bench import Bench, Copy, kill_all, wait_for

REFERENCE: Final = "compute_reference"
TRAINING: Final = "train_model"
EVALUATION: Final = "evaluate_models"
SECONDS: Final = {REFERENCE: 3.5, TRAINING: 6.0, EVALUATION: 2.5}
"""Processor time of a job of the undisturbed run: what other programs take does not count."""

JOB: Final = "the job"
EVERYTHING: Final = "Snakemake and its jobs"
SNAKEMAKE: Final = "Snakemake alone"

SHORT: Final = ((REFERENCE, JOB), (TRAINING, EVERYTHING), (EVALUATION, SNAKEMAKE))
CHAIN: Final = (
    (REFERENCE, JOB),
    (REFERENCE, EVERYTHING),
    (REFERENCE, SNAKEMAKE),
    (TRAINING, JOB),
    (TRAINING, EVERYTHING),
    (TRAINING, SNAKEMAKE),
    (EVALUATION, JOB),
    (EVALUATION, SNAKEMAKE),
)
"""What is killed and during which job, in the order in which a run comes to it."""


def kill_chain(bench: Bench, chain: tuple[tuple[str, str], ...], seed: int) -> Counter[str]:
    """Disturb one run by a chain of kills, let it end, and return what was killed how often."""
    numbers = random.Random(seed)
    copy = bench.copy()
    killed: Counter[str] = Counter()
    for rule, victim in chain:
        found = kill(copy, rule, victim, numbers.random() * SECONDS[rule])
        if found:
            killed[f"{found} during {rule}"] += 1
    copy.run()
    assert wait_for(lambda: not copy.processes()), "a job goes on after the end of the run"
    bench.require_recovered(copy)
    return killed


def kill(copy: Copy, rule: str, victim: str, seconds: float) -> str:
    """Kill a victim when a job of the rule has used its processor for ``seconds``; return which.

    Where the job has ended before, another takes its place, or Snakemake with what it runs; where
    the run has, nothing is killed. The jobs of a Snakemake that is killed alone go on, and the next
    run meets them.
    """
    later = list(SECONDS)[list(SECONDS).index(rule) :]
    snakemake = copy.start()
    wait_for(lambda: jobs_of(snakemake, copy, *later) or snakemake.poll() is not None)
    jobs = jobs_of(snakemake, copy, *later)
    if snakemake.poll() is not None:
        assert snakemake.returncode == 0, copy.printed()[-2000:]
        return ""
    wait_for(lambda: not jobs or processor_seconds(jobs[0]) >= seconds)
    if victim == JOB:
        alive = [job for job in jobs if job.is_running()] or jobs_of(snakemake, copy)
        if alive:
            alive[0].kill()
            snakemake.wait(300)
            assert snakemake.returncode != 0, "Snakemake has not noticed that a job was killed"
            return JOB
    if victim == SNAKEMAKE:
        snakemake.kill()
        snakemake.wait(30)
        return SNAKEMAKE
    kill_all([snakemake, *copy.processes()])
    return EVERYTHING


def processor_seconds(process: psutil.Process) -> float:
    """Return the processor time of a process, without end where it has ended."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return math.inf
    return float(times.user + times.system)


def jobs_of(snakemake: psutil.Popen, copy: Copy, *rules: str) -> list[psutil.Process]:
    """Return the jobs of rules, or all, that this Snakemake has begun: not another's orphans."""
    found = []
    for job in copy.processes(*rules):
        with contextlib.suppress(psutil.Error):
            if any(parent.pid == snakemake.pid for parent in job.parents()):
                found.append(job)
    return found
