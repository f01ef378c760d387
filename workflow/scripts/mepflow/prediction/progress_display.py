"""How far a batch is: a bar on a terminal, else a line now and then."""

import sys
import time
from types import TracebackType
from typing import Final, Self

from tqdm import tqdm

SECONDS_BETWEEN_LINES: Final = 30.0


class Progress:
    """Molecules that are done, of ``total``, with their rate and the time that is left.

    ``done`` of them were finished before. It goes to standard error; use it as a context.
    """

    def __init__(self, total: int, done: int) -> None:
        self._bar = None
        if sys.stderr.isatty():
            self._bar = tqdm(total=total, initial=done, unit=" molecules", dynamic_ncols=True)
        self._total, self._done, self._before = total, done, done
        self._start = self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def advance(self, count: int) -> None:
        """Show that ``count`` more molecules are done."""
        self._done += count
        if self._bar is not None:
            self._bar.update(count)
            return
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        rate = (self._done - self._before) / (now - self._start)
        left = tqdm.format_interval((self._total - self._done) / rate)
        sys.stderr.write(
            f"{self._done:,} of {self._total:,} molecules, {rate:.3g} molecules/s, {left} left\n"
        )
        sys.stderr.flush()
