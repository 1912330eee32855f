"""Parallel work: in this process, in several processes, or on a Dask cluster.

Our work runs in `parallel_map`, and the work of scikit-learn in `joblib_workers`. Both connect to
Dask in the same way. `joblib.Parallel` could not serve both: its generator takes items and keeps
results without a limit while nobody reads them, so a corpus would have to fit into memory.
"""

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

_ITEMS_PER_WORKER = 2  # submitted at once: no worker waits, and memory stays bounded
_CONNECT_S = 5
_RETRIES = 3  # of an item whose worker was lost


def parallel_map(
    function: Callable[[T], R], items: Iterable[T], *, jobs: int = 1, dask: str | None = None
) -> Iterator[R]:
    """Yield ``function(item)`` for each item, in order.

    Only a few items and results for each worker are in memory at a time. If a Dask worker is
    lost, another one repeats its items.

    Args:
        function: defined in a module. It is pickled with its items and results, unless the work
            runs in this process.
        jobs: number of processes; 1 works in this process.
        dask: address of a scheduler, such as ``tcp://10.0.0.1:8786``; `jobs` is then ignored.

    Raises:
        UsageError: no Dask scheduler answers, or it has no workers.
    """
    if dask is None and jobs == 1:
        yield from map(function, items)
        return
    with _process_executor(jobs) if dask is None else _dask_executor(dask) as (executor, workers):
        submitted: deque[Future[R]] = deque()
        for item in items:
            submitted.append(executor.submit(function, item))
            if len(submitted) > _ITEMS_PER_WORKER * workers:
                yield submitted.popleft().result()
        while submitted:
            yield submitted.popleft().result()


@contextmanager
def joblib_workers(*, jobs: int = 1, dask: str | None = None) -> Iterator[None]:
    """Let joblib, and so scikit-learn, work in processes or on Dask during the `with` block.

    Args:
        jobs, dask: as `parallel_map` takes them.

    Raises:
        UsageError: no Dask scheduler answers, or it has no workers.
    """
    import joblib

    if dask is None:
        with joblib.parallel_config(backend="loky", n_jobs=jobs):
            yield
    else:
        with _dask_client(dask), joblib.parallel_config(backend="dask"):
            yield


def processes(jobs: int, *, calls_each: int | None = None) -> ProcessPoolExecutor:
    """Return an executor whose processes end when this process is killed.

    Args:
        calls_each: after this many calls a process is replaced, which frees its memory; None
            keeps it.
    """
    return ProcessPoolExecutor(
        jobs,
        # Not "fork": TensorFlow has threads, and a forked process loses them.
        mp_context=get_context("spawn"),
        initializer=_end_with_parent,
        max_tasks_per_child=calls_each,
    )


def _end_with_parent() -> None:
    """End this process as soon as its parent ends, even while it is training."""
    parent = parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=wait, daemon=True).start()


@contextmanager
def _process_executor(jobs: int) -> Iterator[tuple[Executor, int]]:
    with processes(jobs) as pool:
        yield pool, jobs


@contextmanager
def _dask_executor(address: str) -> Iterator[tuple[Executor, int]]:
    with _dask_client(address) as client:
        workers = sum(client.nthreads().values())
        yield client.get_executor(retries=_RETRIES, pure=False), workers


@contextmanager
def _dask_client(address: str) -> Iterator["Client"]:
    """Connect to the Dask scheduler at an address during the `with` block."""
    from distributed import Client

    try:
        client = Client(address, timeout=_CONNECT_S)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler at {address}: {error}") from error
    with client:
        if not client.nthreads():
            raise UsageError(f"the Dask scheduler at {address} has no workers")
        yield client
