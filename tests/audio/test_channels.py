"""The channels of a file, each apart: decoded once, passed on part by part."""

import numpy as np
import pytest

from ser import errors
from ser.audio import load_audio, load_channels
from ser.audio.clip import Clip
from ser.audio.mixing import LONG_CLIP_SAMPLES
from ser.audio.slots import FairSemaphore, MemorySlot
from tests import files, synth


class Parts(list):
    """A receiver that keeps all."""

    def joined(self) -> np.ndarray:
        return np.concatenate(self)


def voices(channels: int, seconds: float, rate: int) -> np.ndarray:
    """Return a sound of so many different channels, shape (n, channels)."""
    return np.stack([synth.voice(seconds, rate, seed=n) for n in range(channels)], axis=1)


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
@pytest.mark.parametrize(
    ("rate", "subtype"), [(22_050, "PCM_16"), (44_100, "FLOAT"), (8_000, "ULAW")]
)
def test_each_channel_is_what_it_would_be_alone(channels, rate, subtype):
    sound = voices(channels, 3.0, rate)
    decoded = load_channels(synth.wav(sound, rate, subtype), Parts)
    assert len(decoded.sound) == channels
    for n, channel in enumerate(decoded.sound):
        alone = load_audio(synth.wav(sound[:, n], rate, subtype))
        np.testing.assert_array_equal(channel.receiver.joined(), alone.samples)
        assert not channel.level.is_silent


@pytest.mark.parametrize(
    ("extension", "channels"), [("m4a", 2), ("m4a", 6), ("mka", 8), ("mp3", 2)]
)
def test_through_both_decoders(extension, channels):
    """Each channel has a tone of its own; it comes out at its place and nowhere else."""
    t = np.arange(2 * 44_100) / 44_100
    tones = [300 + 200 * n for n in range(channels)]
    # The fourth of six channels is for low tones alone: encoders cut it off at 120 Hz.
    if channels == 6:
        tones[3] = 80
    sound = np.stack([0.3 * np.sin(2 * np.pi * f * t) for f in tones], axis=1)
    options = ("-c:a", "pcm_s16le") if extension == "mka" else ()
    data = files.made_by_ffmpeg(extension, *options, source=synth.wav(sound, 44_100))
    decoded = load_channels(data, Parts)
    assert len(decoded.sound) == channels
    found = []
    for channel in decoded.sound:
        spectrum = np.abs(np.fft.rfft(channel.receiver.joined()))
        found.append(spectrum.argmax() / channel.level.seconds)
    np.testing.assert_allclose(found, tones, atol=2)


def test_a_file_is_decoded_once(monkeypatch):
    reads = []
    hear = Clip._hear_with_soundfile
    monkeypatch.setattr(
        Clip, "_hear_with_soundfile", lambda self, n: [reads.append(n), hear(self, n)][1]
    )
    load_channels(synth.wav(voices(8, 1.0, 22_050)), Parts)
    # One that is the other inverted is heard a second time only if they are mixed.
    voice = synth.voice(1.0)
    load_channels(synth.wav(np.stack([voice, -voice], axis=1)), Parts)
    assert reads == [None, None]


def test_a_decoder_that_does_not_hear_all_is_followed_by_the_other_from_the_start(monkeypatch):
    opened = []

    class Counted(Parts):
        def __init__(self):
            opened.append(self)

    monkeypatch.setattr(Clip, "_missing", lambda *_: 1.0 if len(opened) == 2 else 0.0)
    sound = voices(2, 1.0, 22_050)
    decoded = load_channels(synth.wav(sound), Counted)
    assert len(opened) == 4
    assert [channel.receiver for channel in decoded.sound] == opened[2:]
    np.testing.assert_allclose(decoded.sound[1].receiver.joined(), sound[:, 1], atol=1e-4)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_a_silent_channel_is_told_from_the_others(rate):
    sound = voices(3, 1.0, rate)
    sound[:, 1] = 0.25  # a constant offset
    decoded = load_channels(synth.wav(sound, rate), Parts)
    assert [channel.level.is_silent for channel in decoded.sound] == [False, True, False]


def test_what_mono_refuses_is_refused():
    sound = voices(2, 1.0, 22_050)
    with pytest.raises(errors.Silent):
        load_channels(synth.wav(0 * sound), Parts)
    with pytest.raises(errors.TooShort):
        load_channels(synth.wav(sound[:4000]), Parts)
    with pytest.raises(errors.NoAudio):
        load_channels(synth.wav(sound)[:44], Parts)
    sound[7, 1] = np.nan
    with pytest.raises(errors.InvalidSamples):
        load_channels(synth.wav(sound, subtype="FLOAT"), Parts)
    with pytest.raises(errors.UnsupportedFormat, match="9 channels"):
        load_channels(synth.wav(np.zeros((9000, 9), np.float32) + 0.1), Parts)


def test_of_a_long_file_the_start_is_passed_on():
    decoded = load_channels(synth.wav(voices(2, 3.0, 44_100), 44_100), Parts, max_seconds=2.0)
    assert decoded.truncated
    assert [channel.level.seconds for channel in decoded.sound] == [2.0, 2.0]
    assert [len(channel.receiver.joined()) for channel in decoded.sound] == [44_100, 44_100]


def test_a_long_clip_waits_for_a_memory_slot_and_keeps_nothing():
    sizes = []

    class Forgetful:
        def append(self, part):
            sizes.append(len(part))

    data = files.flac_bomb(1_000, 22_050, 8)
    slots = FairSemaphore(1)
    with MemorySlot(slots) as memory:
        load_channels(data, Forgetful, memory=memory)
        assert not slots.acquire(0)
    assert sum(sizes) > LONG_CLIP_SAMPLES
    assert max(sizes) < 70_000
