"""Ctrl-C while libsndfile reads: it ends what runs, and no clip is cut off by it."""

import io
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from ser.audio.decode import load_audio
from ser.cli import extract, run
from tests import synth

FORMATS = {"opus": ("OPUS", "OGG"), "vorbis": ("VORBIS", "OGG"), "flac": ("PCM_16", "FLAC"),
           "mp3": ("MPEG_LAYER_III", "MP3"), "wav": ("PCM_16", "WAV")}  # fmt: skip


class Reads:
    """Files in memory as `io` has them; Ctrl-C comes with the read of number `interrupt_at`."""

    def __init__(self):
        self.n = self.interrupt_at = 0
        reads = self

        class File(io.BytesIO):
            def readinto(self, buffer):
                reads.n += 1
                if reads.n == reads.interrupt_at:
                    signal.raise_signal(signal.SIGINT)
                return super().readinto(buffer)

        self.io = SimpleNamespace(BytesIO=File)


@pytest.fixture
def reads(monkeypatch) -> Iterator[Reads]:
    reads = Reads()
    monkeypatch.setattr("ser.audio.clip.io", reads.io)
    # A shell starts what runs in the background with Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield reads
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("codec", FORMATS)
def test_ctrl_c_during_any_read_counts(codec, reads):
    data = synth.wav(synth.voice(3.0, 48_000), 48_000, *FORMATS[codec])
    whole = load_audio(data).samples
    n = reads.n
    assert n >= 2
    for interrupt_at in {1, 2, n // 2, n}:
        reads.n, reads.interrupt_at = 0, interrupt_at
        with pytest.raises(KeyboardInterrupt):
            load_audio(data)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    reads.interrupt_at = 0
    np.testing.assert_array_equal(load_audio(data).samples, whole)


def test_a_command_ends_with_130_and_writes_no_table(reads, tmp_path):
    for pitch in (100, 150, 200):
        sound = synth.wav(synth.voice(1.0, 48_000, pitch), 48_000, "OPUS", "OGG")
        (tmp_path / f"{pitch}_happy.opus").write_bytes(sound)
    options = ["--data", str(tmp_path), "--features", "mfcc40-mean", "--jobs", "1"]
    table = tmp_path / "table.csv"
    assert extract.main([*options, "--out", str(table)]) == 0
    table.unlink()
    reads.n, reads.interrupt_at = 0, reads.n // 2
    with pytest.raises(SystemExit) as ended:
        run(lambda: extract.main([*options, "--out", str(table)]))
    assert ended.value.code == 130
    assert not table.exists()
