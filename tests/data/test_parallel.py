"""Processes and Dask give the same results as one process."""

import json
import operator
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from distributed import LocalCluster, SchedulerPlugin

from ser.corpora import CORPORA, scan
from ser.data.extraction import CHUNK, extract
from ser.data.parallel import parallel_map
from ser.errors import UsageError
from ser.features import FEATURE_SETS
from tests.cli.test_scripts import run
from tests.conftest import ROOT, write_corpus

MEAN = FEATURE_SETS["mfcc40-mean"]


@pytest.fixture(scope="module")
def cluster():
    """Return a Dask cluster of two workers, each in its own process."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as local:
        yield local


@pytest.fixture(scope="module")
def utterances(tmp_path_factory):
    corpus = write_corpus(tmp_path_factory.mktemp("corpus"), speakers=range(1, 25))
    min(corpus.rglob("*.wav")).write_bytes(b"RIFF nothing")
    return scan([corpus], CORPORA).utterances


@pytest.fixture(scope="module")
def alone(utterances):
    return list(extract(utterances, MEAN))


def assert_same(chunks, expected):
    assert [c.utterances for c in chunks] == [c.utterances for c in expected]
    assert [c.faults for c in chunks] == [c.faults for c in expected]
    for chunk, own in zip(chunks, expected, strict=True):
        np.testing.assert_array_equal(chunk.features, own.features)


KILLED_AT_WORK = """
import os, signal, time
from ser.data.parallel import processes

if __name__ == "__main__":
    with processes(2) as pool:
        asleep = [pool.submit(time.sleep, 600) for _ in range(2)]
        while not all(one.running() for one in asleep):
            time.sleep(0.01)
        print(*pool._processes, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(KILLED_AT_WORK)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    # The processes inherit the output, so this times out unless all of them end.
    done = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    assert len(done.stdout.split()) == 2


def test_extraction_in_chunks(alone, utterances):
    assert [c.n_clips for c in alone] == [CHUNK] * 6
    assert sum(len(c.faults) for c in alone) == 1
    assert [u for c in alone for u in c.utterances] == utterances[1:]
    assert alone[0].features.shape == (CHUNK - 1, *MEAN.shape)


def test_two_processes_give_the_same_bits(alone, utterances):
    assert_same(list(extract(utterances, MEAN, jobs=2)), alone)


def test_items_are_not_taken_long_before_their_results_are():
    taken = []
    items = (taken.append(i) or i for i in range(100))
    answers = parallel_map(operator.neg, items, jobs=2)
    assert next(answers) == 0
    assert len(taken) < 10
    assert list(answers) == [-i for i in range(1, 100)]


def test_dask_gives_the_same_bits(alone, utterances, cluster):
    assert_same(list(extract(utterances, MEAN, dask=cluster.scheduler_address)), alone)


class Watch(SchedulerPlugin):
    """Counts how often each task is given to a worker, and which tasks are done."""

    def __init__(self):
        self.started, self.done = Counter(), set()

    def transition(self, key, start, finish, *args, **kwargs):
        if finish == "processing":
            self.started[key] += 1
        elif finish == "memory":
            self.done.add(key)


def _kill_one_at_work(cluster, watch, running):
    """Kill a worker that has a task, after another task is done."""
    while not running.done():
        for nanny in list(cluster.workers.values()):
            worker = cluster.scheduler.workers.get(nanny.worker_address)
            if watch.done and worker and worker.processing:
                os.kill(nanny.pid, signal.SIGKILL)
                return
        time.sleep(0.002)


def test_extraction_with_a_worker_killed_in_the_middle(cluster, utterances, tmp_path):
    """Another worker repeats its tasks, and the table has the same bits."""
    corpus = utterances[0].path.parents[1]
    command = ["extract.py", "--data", corpus, "--features", "mfcc40-frames", "--out"]
    watch = Watch()
    cluster.scheduler.add_plugin(watch, name="watch")
    with ThreadPoolExecutor(1) as pool:
        dask = ("--dask", cluster.scheduler_address)
        running = pool.submit(run, *command, tmp_path / "dask.npz", *dask)
        _kill_one_at_work(cluster, watch, running)
        done = running.result()
    alone = run(*command, tmp_path / "alone.npz")
    assert (done.returncode, alone.returncode) == (1, 1), done.stderr  # a clip is broken
    assert "191 clips of shape (200, 40), 1 left out" in done.stdout
    assert max(watch.started.values()) > 1
    with np.load(tmp_path / "dask.npz") as one, np.load(tmp_path / "alone.npz") as other:
        assert set(one) == set(other)
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.slow
def test_grid_search_by_command_line(cluster, tiny_corpus, tmp_path):
    command = ["grid_search.py", "svc-mfcc40", "--data", tiny_corpus, "--most", 4, "--out"]
    watch = Watch()
    cluster.scheduler.add_plugin(watch, name="watch")
    found, measured = [], []
    for name, workers in (("alone", ()), ("dask", ("--dask", cluster.scheduler_address))):
        done = run(*command, tmp_path / name, *workers)
        assert done.returncode == 0, done.stderr
        found.append(json.loads((tmp_path / name / "svc-mfcc40.json").read_text()))
        measured.append(json.loads((tmp_path / name / "comparison.json").read_text()))
    timeless = [{k: v for k, v in best.items() if k != "seconds"} for best in found]
    assert timeless[0] == timeless[1]
    assert timeless[0]["tried"] == 4
    assert watch.done
    assert [m["uar"] for m in measured[0]] == [m["uar"] for m in measured[1]]


def test_no_scheduler_and_no_workers():
    with pytest.raises(UsageError, match="no Dask scheduler at nonsense"):
        next(parallel_map(operator.neg, [1], dask="nonsense://x"))
    with (
        LocalCluster(n_workers=0, dashboard_address=None) as empty,
        pytest.raises(UsageError, match="has no workers"),
    ):
        next(parallel_map(operator.neg, [1], dask=empty.scheduler_address))
