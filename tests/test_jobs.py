"""Work over processes and Dask gives what one process gives."""

import operator
import os
import signal
import time

import numpy as np
import pytest

from ser.corpora import CORPORA, scan
from ser.errors import UsageError
from ser.extraction import CHUNK, extract
from ser.features import FEATURE_SETS
from ser.jobs import each
from tests.conftest import write_corpus

MEAN = FEATURE_SETS["mfcc40-mean"]


@pytest.fixture(scope="module")
def cluster():
    """Return a Dask cluster of two workers, each a process of its own."""
    from distributed import LocalCluster

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


def test_in_chunks(alone, utterances):
    assert [c.n_clips for c in alone] == [CHUNK] * 6
    assert sum(len(c.faults) for c in alone) == 1
    assert [u for c in alone for u in c.utterances] == utterances[1:]
    assert alone[0].features.shape == (CHUNK - 1, *MEAN.shape)


def test_two_processes_to_the_bit(alone, utterances):
    assert_same(list(extract(utterances, MEAN, jobs=2)), alone)


def test_items_are_taken_no_faster_than_they_are_done():
    taken = []
    items = (taken.append(i) or i for i in range(100))
    answers = each(operator.neg, items, jobs=2)
    assert next(answers) == 0
    assert len(taken) < 10
    assert list(answers) == [-i for i in range(1, 100)]


def test_dask_to_the_bit(alone, utterances, cluster):
    assert_same(list(extract(utterances, MEAN, dask=cluster.scheduler_address)), alone)


def _slowly(n):
    time.sleep(0.1)
    return n, os.getpid()


def test_a_worker_killed_in_the_middle(cluster):
    """What it had under way is done again, in its place."""
    answers = each(_slowly, range(40), dask=cluster.scheduler_address)
    first = [next(answers) for _ in range(4)]
    os.kill(first[-1][1], signal.SIGKILL)
    numbers, workers = zip(*first, *answers, strict=True)
    assert list(numbers) == list(range(40))
    assert len(set(workers)) >= 2


def test_no_scheduler_and_no_workers():
    from distributed import LocalCluster

    with pytest.raises(UsageError, match="no Dask scheduler at nonsense"):
        next(each(operator.neg, [1], dask="nonsense://x"))
    with (
        LocalCluster(n_workers=0, dashboard_address=None) as empty,
        pytest.raises(UsageError, match="has no workers"),
    ):
        next(each(operator.neg, [1], dask=empty.scheduler_address))
