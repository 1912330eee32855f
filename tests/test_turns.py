"""Of what takes much memory, a few are at work at once; nobody else waits for them."""

import threading
from contextlib import ExitStack

import pytest

from ser import predictor as module
from ser.audio import load_audio
from ser.errors import DecoderTimeout, EmptyFile
from ser.turns import Turns
from tests import synth


def test_so_many_at_once():
    turns = Turns(2)
    at_work, seen = set(), []

    def work(number: int) -> None:
        with turns.offer() as take:
            take(60)
            take(60)  # has its turn already
            at_work.add(number)
            seen.append(len(at_work))
            done.wait(0.02)
            at_work.remove(number)

    done = threading.Event()
    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert max(seen) == 2


def test_a_turn_that_does_not_come_and_one_that_ends_by_an_error():
    turns = Turns(1)
    with turns.offer() as first, turns.offer() as second:
        first(1)
        with pytest.raises(DecoderTimeout, match="other long files"):
            second(0.01)
    with pytest.raises(EmptyFile), turns.offer() as take:
        load_audio(b"", take_turn=take(1))
    with turns.offer() as take:
        take(0)


@pytest.mark.parametrize(
    ("seconds", "rate", "asked"),
    [(44, 8_000, False), (46, 8_000, True), (15, 192_000, True)],
    ids=["short", "long", "large"],
)
def test_what_takes_a_turn(seconds, rate, asked):
    calls = []
    load_audio(synth.wav(synth.voice(seconds, rate), rate), take_turn=calls.append)
    assert bool(calls) == asked
    assert all(0 < wait_s <= 25 for wait_s in calls)


def test_short_clips_do_not_wait_for_long_ones(predictor, clip):
    long = synth.wav(synth.voice(60, 8_000), 8_000)
    with ExitStack() as others:
        for _ in range(module._LONG_AT_ONCE):
            others.enter_context(predictor._turns.offer())(1)
        assert predictor.predict(clip, timeout_s=5).segments
        with pytest.raises(DecoderTimeout, match="other long files"):
            predictor.predict(long, timeout_s=0.3)
    assert predictor.predict(long).duration == pytest.approx(60, abs=1e-3)
