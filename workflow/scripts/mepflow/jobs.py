"""What every job of the workflow does around its one call: threads, log, errors, provenance.

Only the standard library is imported here, so that the number of threads is set before NumPy,
PySCF or PyTorch start theirs.
"""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mepflow.errors import MepflowError
from mepflow.provenance import record_path, write_record

_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextlib.contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Run the block as the job ``snakemake``: log to its file and the terminal, record provenance.

    A :class:`MepflowError` ends the job with its one sentence and exit status 1; any other
    exception is logged with its traceback and raised. A job without outputs leaves no record.
    """
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(snakemake.threads)
    _start_logging(Path(snakemake.log[0]))
    log = logging.getLogger("mepflow")
    outputs = list(snakemake.output)
    if outputs:  # a record never stands beside an output that is not its own
        record_path(outputs[0]).unlink(missing_ok=True)
    try:
        yield
    except MepflowError as error:
        log.error("%s", error)
        sys.exit(1)
    except Exception:
        log.exception("Rule %s failed", snakemake.rule)
        raise
    if outputs:
        write_record(
            snakemake.config["results"],
            snakemake.rule,
            dict(snakemake.wildcards.items()),
            list(snakemake.input),
            outputs,
            dict(snakemake.params.items()),
        )


def _start_logging(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [logging.FileHandler(path, mode="w")]
    terminal = logging.StreamHandler()
    terminal.setFormatter(logging.Formatter("%(message)s"))
    handlers.append(terminal)
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(message)s",
        handlers=handlers,
        force=True,
    )
    logging.getLogger("mepflow").setLevel(logging.INFO)  # of the libraries, warnings will do
    logging.captureWarnings(True)
    warnings.simplefilter("default")
