"""Ctrl-C while libsndfile reads: it waits until libsndfile returns, and then it counts."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C during a call of libsndfile; at the end of the `with` block it comes.

    libsndfile reads by callbacks into Python. What is raised in a callback is printed and lost, and
    libsndfile takes it for the end of the file. So Ctrl-C would cut the clip off and end nothing.
    """
    # Only there does Python handle signals. A handler that is not Python's raises nothing.
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)
