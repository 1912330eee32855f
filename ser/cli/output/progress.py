"""What goes to standard error beside the results; serving has no package that draws bars."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ser.filenames import printable


def note(*lines: str) -> None:
    """Print lines on stderr: they are not a result."""
    for line in lines:
        print(printable(line), file=sys.stderr)


class FileProgress:
    """A line on stderr that counts files.

    A terminal shows it from the second file on. Elsewhere it is a note for each tenth of the
    files, if there are more than a few.
    """

    _FEW = 10

    def __init__(self, total: int) -> None:
        self._total, self._done, self._started = total, 0, time.monotonic()
        self._drawn = sys.stderr.isatty() and total > 1
        self._noted = not self._drawn and total > self._FEW

    def __enter__(self) -> "FileProgress":
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()
        self._drawn = self._noted = False

    def count(self) -> None:
        """Count one file more."""
        tenths = 10 * self._done // max(self._total, 1)
        self._done += 1
        if self._drawn:
            print(f"\r{self._line()}", end="", file=sys.stderr, flush=True)
        elif self._noted and 10 * self._done // self._total > tenths:
            note(self._line())

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the line away during the `with` block, which prints results."""
        self._clear()
        yield

    def _clear(self) -> None:
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _line(self) -> str:
        left = (time.monotonic() - self._started) / self._done * (self._total - self._done)
        return f"{self._done} of {self._total} files, {left:.0f} s left"
