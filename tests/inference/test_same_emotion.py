"""A format that loses sound or has a fault leaves the emotion of real speech as it is."""

import pytest

from ser.audio import load_audio
from ser.inference.predictor import Predictor
from ser.resources import DEFAULT_MODEL
from tests import files, synth
from tests.audio.test_all_sound import FORMATS
from tests.conftest import DATA

CLIPS = 12
KINDS = {
    **FORMATS,
    "mp3 from a pipe": ("-f", "mp3", "-q:a", "5", "-write_xing", "0"),
    "opus of a voice message": ("-f", "ogg", "-c:a", "libopus", "-b:a", "24k", "-ac", "1"),
    "m4a with the index last": ("-f", "mp4", "-b:a", "96k"),
}


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no corpora at {DATA}")
def test_the_same_emotion_as_the_lossless_clip():
    predictor = Predictor.from_file(DEFAULT_MODEL)
    clips = sorted((DATA / "ravdess").rglob("*.flac"))
    clips = clips[7 :: len(clips) // CLIPS - 1][:CLIPS]  # of other emotions, too: 60 an actor
    differ = []
    for clip in clips:
        rate = 44_100
        source = synth.wav(load_audio(clip, rate=rate).samples, rate)
        expected = predictor.predict(source).emotion
        for kind, options in KINDS.items():
            data = files.made_by_ffmpeg("bin", *options, source=source)
            if (emotion := predictor.predict(data).emotion) != expected:
                differ.append(f"{clip.name} as {kind}: {emotion}, not {expected}")
    assert len(differ) <= 0.05 * len(clips) * len(KINDS), differ
