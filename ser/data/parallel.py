"""The same function over many items: in this process, in several, or on a Dask cluster."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from ser.errors import UsageError

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 2  # items a worker that are under way: it never waits, and memory stays bounded
_CONNECT_S = 10
_RETRIES = 3  # of an item whose worker was lost


def parallel_map(
    function: Callable[[T], R], items: Iterable[T], *, jobs: int = 1, dask: str | None = None
) -> Iterator[R]:
    """Yield ``function(item)`` of each item, in the order of the items.

    Items are taken, and answers held, no faster than they are worked on, so that neither
    has to fit into memory. On Dask, what a lost worker had under way is done again by another.

    Args:
        function: of a module; it and its items and answers are pickled, unless `jobs` is 1.
        jobs: number of processes.
        dask: address of a scheduler, such as ``tcp://10.0.0.1:8786``; goes before `jobs`.

    Raises:
        UsageError: no scheduler or no worker is there.
    """
    if dask is None and jobs == 1:
        yield from map(function, items)
        return
    with _processes(jobs) if dask is None else _cluster(dask) as (executor, workers):
        under_way: deque[Future[R]] = deque()
        for item in items:
            under_way.append(executor.submit(function, item))
            if len(under_way) > _AHEAD * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def processes(jobs: int, *, calls_each: int | None = None) -> ProcessPoolExecutor:
    """Return an executor of processes that end when this one is killed.

    Args:
        calls_each: after so many a process gives its memory back, and another takes its place.
    """
    return ProcessPoolExecutor(
        jobs,
        # Spawned, not forked: what has threads, as TensorFlow does, does not survive a fork.
        mp_context=get_context("spawn"),
        initializer=_end_with_parent,
        max_tasks_per_child=calls_each,
    )


def _end_with_parent() -> None:
    """Let this process end as soon as the one that started it has, even in mid-training."""
    parent = parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=wait, daemon=True).start()


@contextmanager
def _processes(jobs: int) -> Iterator[tuple[Executor, int]]:
    with processes(jobs) as pool:
        yield pool, jobs


@contextmanager
def dask_client(address: str) -> Iterator["Client"]:
    """Connect to a Dask cluster while the `with` block runs.

    Args:
        address: of its scheduler, such as ``tcp://10.0.0.1:8786``.

    Raises:
        UsageError: no scheduler answers, or it has no workers.
    """
    from distributed import Client

    try:
        client = Client(address, timeout=_CONNECT_S)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler at {address}: {error}") from error
    with client:
        if not client.nthreads():
            raise UsageError(f"the Dask scheduler at {address} has no workers")
        yield client


@contextmanager
def _cluster(address: str) -> Iterator[tuple[Executor, int]]:
    with dask_client(address) as client:
        workers = sum(client.nthreads().values())
        yield client.get_executor(retries=_RETRIES, pure=False), workers
