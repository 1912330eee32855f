"""Short files are at work on as many cores as there are; a few long ones beside them."""

import os
import threading
import time
from contextlib import ExitStack

import pytest

from ser import predictor as module
from ser.audio import load_audio
from ser.errors import DecoderTimeout, EmptyFile
from ser.turns import Places, Turn, Turns
from tests import files, synth

CORES = os.cpu_count() or 1


def most_at_once(turns: Turns, take) -> int:
    """Return how many of eight threads are at work at once, each with what it has taken."""
    at_work, seen, done = set(), [], threading.Event()

    def work(number: int) -> None:
        with turns.offer(60) as turn:
            take(turn)
            at_work.add(number)
            seen.append(len(at_work))
            done.wait(0.02)
            at_work.remove(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    return max(seen)


def test_so_many_at_once():
    def take_twice(turn: Turn) -> None:
        turn.take_memory(60)
        turn.take_memory(60)  # has its turn already

    assert most_at_once(Turns(1), take_twice) == 1
    assert most_at_once(Turns(3), take_twice) == 3
    assert most_at_once(Turns(1), lambda turn: turn.take_core(0)) == min(8, CORES)
    together = threading.Barrier(8)

    def leave(turn: Turn) -> None:
        turn.leave_core()
        together.wait(60)

    assert most_at_once(Turns(1), leave) == 8


def test_who_comes_back_at_once_does_not_overtake_who_waits():
    places = Places(1)
    assert places.take(0)
    assert not places.take(0.01)
    came: list[bool] = []
    waiting = threading.Thread(target=lambda: came.append(places.take(60)))
    waiting.start()
    until = time.monotonic() + 60
    while not places._waiting and time.monotonic() < until:
        time.sleep(0.001)
    places.leave()
    assert not places.take(0)  # though nobody may have woken up yet
    waiting.join()
    assert came == [True]
    places.leave()
    assert places.take(0)


def test_a_turn_that_does_not_come_and_one_that_ends_by_an_error():
    turns = Turns(1)
    with turns.offer(1) as first:
        first.take_memory(1)
        with turns.offer(1) as second, pytest.raises(DecoderTimeout, match="other long files"):
            second.take_memory(0.01)

    def fail() -> None:
        with turns.offer(1) as turn:
            turn.take_memory(1)
            load_audio(b"", turn=turn)

    with pytest.raises(EmptyFile):
        fail()
    with turns.offer(0) as turn:
        turn.take_memory(0)


def test_cores_that_do_not_become_free():
    turns = Turns(1)
    with ExitStack() as others:
        for _ in range(CORES):
            others.enter_context(turns.offer(0))
        with pytest.raises(DecoderTimeout, match="other files were at work"), turns.offer(0.01):
            pass
    with turns.offer(0):
        pass


class Recorded(Turn):
    """A turn that keeps what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.left = 0

    def take_memory(self, wait_s: float) -> None:
        self.waits.append(wait_s)

    def leave_core(self) -> None:
        self.left += 1


@pytest.mark.parametrize(
    ("seconds", "rate", "asked"),
    [(44, 8_000, False), (46, 8_000, True), (15, 192_000, True)],
    ids=["short", "long", "large"],
)
def test_what_takes_a_turn(seconds, rate, asked):
    turn = Recorded()
    load_audio(synth.wav(synth.voice(seconds, rate), rate), turn=turn)
    assert bool(turn.waits) == asked
    assert all(0 < wait_s <= 25 for wait_s in turn.waits)


@pytest.mark.parametrize(("kind", "left"), [("wav", 0), ("m4a", 1)])
def test_no_core_is_kept_while_ffmpeg_decodes(kind, left):
    turn = Recorded()
    load_audio(files.encoded(kind), turn=turn)
    assert turn.left == left


def test_short_clips_do_not_wait_for_long_ones(predictor, clip):
    long = synth.wav(synth.voice(60, 8_000), 8_000)
    with ExitStack() as others:
        for _ in range(module._LONG_AT_ONCE):
            others.enter_context(predictor._turns.offer(1)).take_memory(1)
        assert predictor.predict(clip, timeout_s=5).segments
        with pytest.raises(DecoderTimeout, match="other long files"):
            predictor.predict(long, timeout_s=0.3)
    assert predictor.predict(long).duration == pytest.approx(60, abs=1e-3)
