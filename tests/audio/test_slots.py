"""A few long clips wait for each other; short ones wait for nobody."""

import threading
from contextlib import ExitStack

import pytest

from ser.audio import load_audio
from ser.audio.slots import FairSemaphore, MemorySlot
from ser.errors import DecoderTimeout, EmptyFile
from ser.inference import predictor as module
from tests import synth
from tests.waiting import wait_until


def test_who_comes_back_at_once_does_not_overtake_who_waits():
    slots = FairSemaphore(1)
    assert slots.acquire(0)
    assert not slots.acquire(0.01)
    came: list[bool] = []
    waiting = threading.Thread(target=lambda: came.append(slots.acquire(60)))
    waiting.start()
    wait_until(lambda: slots._waiting)
    slots.release()
    assert not slots.acquire(0)  # though nobody may have woken up yet
    waiting.join()
    assert came == [True]
    slots.release()
    assert slots.acquire(0)


def test_a_slot_is_taken_once_and_released_at_the_end():
    slots = FairSemaphore(1)
    with MemorySlot(slots) as first:
        first.acquire(0)
        first.acquire(0)  # has it already
        with MemorySlot(slots) as second, pytest.raises(DecoderTimeout, match="other long files"):
            second.acquire(0.01)
        with pytest.raises(EmptyFile):
            load_audio(b"", memory=first)
    assert slots.acquire(0)
    assert not slots.acquire(0)


class Recorded(MemorySlot):
    """A slot that keeps what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def acquire(self, timeout_s: float) -> None:
        self.waits.append(timeout_s)


@pytest.mark.parametrize(
    ("seconds", "rate", "asked"),
    [(44, 8_000, False), (46, 8_000, True), (15, 192_000, True)],
    ids=["short", "long", "large"],
)
def test_what_waits_for_memory(seconds, rate, asked):
    memory = Recorded()
    load_audio(synth.wav(synth.voice(seconds, rate), rate), memory=memory)
    assert bool(memory.waits) == asked
    assert all(0 < timeout_s <= 25 for timeout_s in memory.waits)


def test_short_clips_do_not_wait_for_long_ones(predictor, clip):
    long = synth.wav(synth.voice(60, 8_000), 8_000)
    with ExitStack() as others:
        for _ in range(module._LONG_CLIPS_AT_ONCE):
            others.enter_context(MemorySlot(predictor._long_clip_slots)).acquire(1)
        assert predictor.predict(clip, timeout_s=5).segments
        with pytest.raises(DecoderTimeout, match="other long files"):
            predictor.predict(long, timeout_s=0.3)
    assert predictor.predict(long).duration == pytest.approx(60, abs=1e-3)
