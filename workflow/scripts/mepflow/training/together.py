"""Several trainings in one process.

The kernels of a small network and a batch of a hundred molecules have too few programs for all
units of a GPU. Those of trainings in threads of their own, each with its own stream, can run beside
each other. What that gains has not been measured yet. On a processor one follows the other: they
share the start of PyTorch.
"""

import logging
import threading
from collections.abc import Callable, Sequence

logger = logging.getLogger(__name__)


def train_together(trainings: Sequence[Callable[[], None]], *, at_once: bool) -> None:
    """Call all ``trainings``, each in a thread or in their order; they share nothing they change.

    One that fails does not stop the others: they reach their end, and then its error is raised, or
    the first one if there are more, after a line in the log about each of the others.
    """
    errors: list[Exception] = []

    def run(training: Callable[[], None]) -> None:
        try:
            training()
        except Exception as error:  # raised again below
            errors.append(error)

    if at_once:
        # As daemons, they end with the process where it is interrupted.
        threads = [threading.Thread(target=run, args=(one,), daemon=True) for one in trainings]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        for training in trainings:
            run(training)
    if errors:
        first, *others = errors
        for error in others:
            logger.error("another training failed, too: %s", error)
        raise first
