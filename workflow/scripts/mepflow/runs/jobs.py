"""The frame of every job of the workflow: threads, log, errors, provenance around one call.

Only the standard library is imported here, so that the number of threads is set before NumPy,
PySCF or PyTorch start theirs.
"""

import contextlib
import fcntl
import logging
import os
import platform
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mepflow.errors import MepflowError
from mepflow.runs.job_names import words
from mepflow.runs.provenance import record_path, write_record
from mepflow.runs.remedies import remedy
from mepflow.storage.files import remove_partial_files

log = logging.getLogger("mepflow")

_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextlib.contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Run the block as the job ``snakemake``: log to its file and the terminal, record provenance.

    A :class:`MepflowError`, a full disk and the like end the job with one sentence and exit status
    1; any other exception is logged with its traceback and raised. A job without outputs leaves no
    record. Where a process of a killed run still does the same job, its end is waited for.
    """
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(snakemake.threads)
    log_path = Path(snakemake.log[0])
    outputs = list(snakemake.output)
    with _explained(snakemake.rule), _alone(log_path):
        _start_logging(log_path, _speaker(snakemake.rule, dict(snakemake.wildcards.items())))
        if outputs:  # a record never stands beside an output that is not its own
            record_path(outputs[0]).unlink(missing_ok=True)
        for path in outputs:
            remove_partial_files(path)
        yield
        if outputs:
            write_record(
                snakemake.config["results"],
                snakemake.rule,
                dict(snakemake.wildcards.items()),
                list(snakemake.input),
                outputs,
                dict(snakemake.params.items()),
            )


@contextlib.contextmanager
def _explained(rule: str) -> Iterator[None]:
    """End the process with one sentence where the block raises what a user can mend."""
    try:
        yield
    except Exception as error:
        sentence = str(error) if isinstance(error, MepflowError) else remedy(error, rule)
        if sentence is None:
            log.exception("Rule %s failed", rule)
            raise
        log.error("%s", sentence)
        sys.exit(1)


@contextlib.contextmanager
def _alone(log_path: Path) -> Iterator[None]:
    """Keep the job's log file locked, so that no second process does the same job.

    A job outlives a Snakemake that is killed, and the next run begins it anew: two processes would
    append to one journal and replace each other's results. The kernel takes the lock away with the
    process, however that ends, so that none is ever left over.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.readline().strip()
            log.warning("Waiting for a process of an earlier run: %s (%s)", owner, log_path)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:  # file systems without locks are still in use
            log.warning("%s cannot be locked (%s): going on without", log_path, error.strerror)
        yield


def _speaker(rule: str, wildcards: Mapping[str, str]) -> str:
    """Return who speaks on the terminal, where lines of several jobs mix: ``qm9 shard 3``."""
    named = [wildcards.get("dataset", ""), *(words(wildcards) or [rule.replace("_", " ")])]
    return " ".join(filter(None, named))


def _start_logging(path: Path, speaker: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(message)s",
        handlers=[logging.FileHandler(path, mode="w")],
        force=True,
    )
    log.setLevel(logging.INFO)  # of the libraries, warnings will do
    logging.raiseExceptions = False  # on a full disk the terminal still gets the message
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    log.info("Process %d on %s", os.getpid(), platform.node())  # for the file alone
    terminal = logging.StreamHandler()
    terminal.setFormatter(
        logging.Formatter("{speaker} | {message}", style="{", defaults={"speaker": speaker})
    )
    logging.getLogger().addHandler(terminal)
