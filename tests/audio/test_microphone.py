"""Recording an utterance: from a stream, from a file, from a fake device, without a microphone."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from ser.audio.microphone import BLOCK_S, RecordingLimits, file_blocks, record
from ser.errors import Silent
from tests import synth
from tests.cli.test_scripts import is_png, run
from tests.conftest import ROOT

RATE = 22_050
LIMITS = RecordingLimits(wait=5, silence=0.6, longest=4)


def quiet(seconds, level=1e-3, seed=0):
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (level * noise).astype(np.float32)


def recorded(*parts, limits=LIMITS):
    samples = np.concatenate(parts)
    step = round(BLOCK_S * RATE)
    blocks = (samples[i : i + step] for i in range(0, len(samples), step))
    return record(blocks, rate=RATE, limits=limits), samples


def times(take, samples):
    """Return when the take begins and ends in the stream, in seconds."""
    start = next(i for i in range(len(samples)) if np.array_equal(samples[i : i + 50], take[:50]))
    np.testing.assert_array_equal(samples[start : start + len(take)], take)
    return start / RATE, (start + len(take)) / RATE


def test_a_recording_is_the_speech_with_a_little_sound_around_it():
    take, samples = recorded(quiet(2.0), synth.voice(1.5), quiet(3.0, seed=1))
    start, end = times(take, samples)
    assert 1.5 < start < 2.0
    assert 3.4 < end < 4.0


def test_a_pause_within_speech_does_not_end_it():
    parts = quiet(1.0), synth.voice(1.0), quiet(0.4), synth.voice(1.0, seed=2), quiet(2.0)
    take, samples = recorded(*parts)
    start, end = times(take, samples)
    assert start < 1.0
    assert 3.3 < end < 3.9


@pytest.mark.parametrize("level", [1e-5, 1e-3, 1e-2])
def test_speech_is_found_at_any_noise_level(level):
    voice = synth.voice(1.2) * np.float32(0.5)
    take, _ = recorded(
        quiet(1.5, level), voice + quiet(1.2, level, seed=3), quiet(2.0, level, seed=4)
    )
    assert 1.1 < len(take) / RATE < 2.2


def test_speech_from_the_first_to_the_last_block():
    take, samples = recorded(synth.voice(2.0))
    assert times(take, samples)[0] == 0
    assert len(take) == len(samples)


def test_a_long_utterance_is_cut():
    take, _ = recorded(quiet(0.5), synth.voice(8.0))
    assert len(take) / RATE == pytest.approx(4, abs=0.1)


def test_a_click_is_not_speech():
    click = quiet(2.0)
    click[RATE : RATE + 400] = 0.8
    with pytest.raises(Silent, match=r"nobody spoke within 2\.0 s"):
        recorded(click)


def test_a_stream_without_speech():
    with pytest.raises(Silent, match=r"within 5\.0 s"):
        recorded(quiet(8.0))
    with pytest.raises(Silent):
        recorded(np.full(3 * RATE, 0.2, np.float32))  # a constant offset is silence


@pytest.fixture
def stream(tmp_path):
    path = tmp_path / "stream.wav"
    path.write_bytes(synth.wav(np.concatenate([quiet(1.0), synth.voice(1.5), quiet(2.0)])))
    return path


def test_a_file_gives_its_blocks(stream):
    rate, blocks = file_blocks(stream)
    blocks = list(blocks)
    assert rate == RATE
    assert len(np.concatenate(blocks)) == round(4.5 * RATE)
    assert {len(block) for block in blocks[:-1]} == {round(BLOCK_S * RATE)}


def test_record_from_a_file(stream, tmp_path):
    done = run("record.py", "--from-wav", stream, "--save", tmp_path / "takes")
    assert done.returncode == 0, done.stderr
    assert re.search(r"\(\d+%\)(, uncertain)?$", done.stdout.strip())
    assert "recorded 2." in done.stderr
    (wav,), (plot,) = (list((tmp_path / "takes").glob(f"*.{e}")) for e in ("wav", "png"))
    assert is_png(plot)
    again = run("predict.py", wav)  # the saved recording gets the same answer
    assert again.stdout.strip() == f"{wav}: {done.stdout.strip()}"
    done = run("record.py", "--from-wav", stream, "--wait", 0.5, "--no-save", cwd=tmp_path)
    assert (done.returncode, "nobody spoke within 0.5 s" in done.stderr) == (2, True)
    assert not (tmp_path / "recordings").exists()


# The part of sounddevice's interface that is used; it plays a file at 16 kHz.
FAKE_DEVICE = """
import os, numpy as np, soundfile, soxr
class PortAudioError(Exception):
    pass
def query_devices(device=None, kind=None):
    assert kind == "input"
    if device == "none":
        raise PortAudioError("Error querying device -1")
    return {"default_samplerate": 16000.0}
class InputStream:
    def __init__(self, samplerate, channels, dtype, blocksize, device):
        assert (samplerate, channels, dtype) == (16000, 1, "float32")
        samples, rate = soundfile.read(os.environ["FAKE_SOUND"], dtype="float32")
        self.samples, self.at = soxr.resample(samples, rate, samplerate), 0
    def __enter__(self):
        return self
    def __exit__(self, *_):
        print("closed")
    def read(self, frames):
        self.at += frames
        return self.samples[self.at - frames : self.at, None], False
"""


def test_record_from_a_device(stream, tmp_path):
    (tmp_path / "sounddevice.py").write_text(FAKE_DEVICE)

    def run_record(*options):
        return subprocess.run(
            [sys.executable, ROOT / "scripts" / "record.py", *options],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path), "FAKE_SOUND": str(stream)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    done = run_record()
    assert done.returncode == 0, done.stderr
    closed, answer = done.stdout.splitlines()
    assert closed == "closed"
    assert re.search(r"\(\d+%\)(, uncertain)?$", answer)
    assert "speak now" in done.stderr
    assert len(list((tmp_path / "recordings").iterdir())) == 2
    done = run_record("--device", "none")
    assert done.returncode == 2
    assert "no microphone can be opened (Error querying device -1)" in done.stderr


def test_without_a_microphone(tmp_path):
    """The real sounddevice, where there is no microphone or no PortAudio."""
    try:
        import sounddevice

        sounddevice.query_devices(None, "input")
        pytest.skip("there is a microphone here")
    except Exception:
        done = run("record.py", "--no-save")
    assert done.returncode == 2
    assert "PortAudio library is missing" in done.stderr or "no microphone" in done.stderr
    assert "Traceback" not in done.stderr
