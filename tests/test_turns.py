"""Short files leave a core, a few long ones wait for each other."""

import threading
from contextlib import ExitStack

import pytest

from ser import predictor as module
from ser.audio import load_audio
from ser.errors import DecoderTimeout, EmptyFile
from ser.turns import Places, Turn
from tests import files, synth
from tests.waiting import wait_until


def test_who_comes_back_at_once_does_not_overtake_who_waits():
    places = Places(1)
    assert places.take(0)
    assert not places.take(0.01)
    came: list[bool] = []
    waiting = threading.Thread(target=lambda: came.append(places.take(60)))
    waiting.start()
    wait_until(lambda: places._waiting)
    places.leave()
    assert not places.take(0)  # though nobody may have woken up yet
    waiting.join()
    assert came == [True]
    places.leave()
    assert places.take(0)


def test_memory_is_asked_for_once_and_left_at_the_end():
    places = Places(1)
    with Turn(places) as first:
        first.take_memory(0)
        first.take_memory(0)  # has it already
        with Turn(places) as second, pytest.raises(DecoderTimeout, match="other long files"):
            second.take_memory(0.01)
        with pytest.raises(EmptyFile):
            load_audio(b"", turn=first)
    assert places.take(0)
    assert not places.take(0)


def test_what_takes_much_leaves_the_core_before_it_waits():
    left = []
    places = Places(1)
    with Turn(places, lambda: left.append(places.take(0))) as turn:
        with pytest.raises(DecoderTimeout):
            turn.take_memory(0.01)
        assert left == [True]


class Recorded(Turn):
    """A turn that keeps what it is asked for."""

    def __init__(self) -> None:
        super().__init__(leave_core=self.count)
        self.waits: list[float] = []
        self.left = 0

    def take_memory(self, wait_s: float) -> None:
        self.waits.append(wait_s)

    def count(self) -> None:
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
            others.enter_context(Turn(predictor._long)).take_memory(1)
        assert predictor.predict(clip, timeout_s=5).segments
        with pytest.raises(DecoderTimeout, match="other long files"):
            predictor.predict(long, timeout_s=0.3)
    assert predictor.predict(long).duration == pytest.approx(60, abs=1e-3)
