"""For what comes about in another thread or process."""

import time
from collections.abc import Callable


def wait_until(met: Callable[[], object], *, within_s: float = 60) -> None:
    """Return as soon as `met` gives something true; a busy machine is slow, not wrong."""
    deadline = time.monotonic() + within_s
    while not met():
        assert time.monotonic() < deadline, f"it never came about, in {within_s:g} s"
        time.sleep(0.005)
