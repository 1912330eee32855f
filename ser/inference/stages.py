"""The stages of a prediction, and their times."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: The stages of a prediction.
STAGES = ("decode", "features", "model")
#: Called after each stage with its name and the seconds it took, also when it failed.
OnStage = Callable[[str, float], None]


@contextmanager
def timing(stage: str, on_stage: OnStage) -> Iterator[None]:
    """Time the `with` block, and tell `on_stage`."""
    start = time.perf_counter()
    try:
        yield
    finally:
        on_stage(stage, time.perf_counter() - start)
