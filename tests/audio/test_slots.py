"""Memory slots: long clips wait for each other, short ones do not wait."""

import threading
from contextlib import ExitStack

import pytest

from ser.audio import load_audio
from ser.audio.slots import FairSemaphore, MemorySlot
from ser.errors import DecoderTimeout, EmptyFile
from ser.inference import predictor as module
from tests import synth
from tests.waiting import wait_until


def test_the_thread_that_releases_a_slot_does_not_overtake_a_waiting_thread():
    slots = FairSemaphore(1)
    assert slots.acquire(0)
    assert not slots.acquire(0.01)
    results: list[bool] = []
    waiting = threading.Thread(target=lambda: results.append(slots.acquire(60)))
    waiting.start()
    wait_until(lambda: slots._waiting)
    slots.release()
    assert not slots.acquire(0)  # even if the waiting thread has not woken up yet
    waiting.join()
    assert results == [True]
    slots.release()
    assert slots.acquire(0)


def test_a_slot_is_taken_once_and_released_at_the_end():
    slots = FairSemaphore(1)
    with MemorySlot(slots) as first:
        first.acquire(0)
        first.acquire(0)  # holds the slot already
        with MemorySlot(slots) as second, pytest.raises(DecoderTimeout, match="other long files"):
            second.acquire(0.01)
        with pytest.raises(EmptyFile):
            load_audio(b"", memory=first)
    assert slots.acquire(0)
    assert not slots.acquire(0)


class RecordedSlot(MemorySlot):
    """A slot that records the timeout of each call."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[float] = []

    def acquire(self, timeout_s: float) -> None:
        self.timeouts.append(timeout_s)


@pytest.mark.parametrize(
    ("seconds", "rate", "waits"),
    [(44, 8_000, False), (46, 8_000, True), (15, 192_000, True)],
    ids=["short", "long", "large"],
)
def test_long_clips_and_large_files_wait_for_memory(seconds, rate, waits):
    memory = RecordedSlot()
    load_audio(synth.wav(synth.voice(seconds, rate), rate), memory=memory)
    assert bool(memory.timeouts) == waits
    assert all(0 < timeout_s <= 25 for timeout_s in memory.timeouts)


def test_short_clips_do_not_wait_for_long_ones(predictor, clip):
    long = synth.wav(synth.voice(60, 8_000), 8_000)
    with ExitStack() as others:
        for _ in range(module._LONG_CLIPS_AT_ONCE):
            others.enter_context(MemorySlot(predictor.long_clip_slots)).acquire(1)
        assert predictor.predict(clip, timeout_s=5).segments
        with pytest.raises(DecoderTimeout, match="other long files"):
            predictor.predict(long, timeout_s=0.3)
    assert predictor.predict(long).duration == pytest.approx(60, abs=1e-3)
