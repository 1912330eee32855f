"""Files that people sent, over HTTP: how long each is, what it says, and which warnings it gets."""

from pathlib import Path

import pytest

from ser.errors import DAMAGED
from tests.web.test_bad_input import post

CASES = Path(__file__).parents[3] / "shared" / "cases"
#: Seconds that are right, and the emotion; None where several clips stand in one file.
FILES = {
    "01_vbr_piped_drops_end.mp3": (5.38, None),
    "01b_ravdess22_vbr_piped.mp3": (3.91, None),
    "02_two_mp3_joined.mp3": (7.58, None),
    "03_mp3_mono_then_stereo.mp3": (7.57, None),
    "03b_mp3_22k_then_44k.mp3": (7.58, None),
    "04_chained.opus": (7.51, None),
    "04b_chained_vorbis.ogg": (7.51, None),
    "05_telegram_android_no_eos.oga": (3.64, "angry"),
    "06_cbr_no_xing_with_art.mp3": (3.68, "angry"),
    "06b_cbr44_no_xing_30s.mp3": (30.04, None),
    "06d_vbr_piped_whole_but_damaged.mp3": (3.68, "angry"),
    "07_two_id3_tags.mp3": (3.64, "angry"),
    "08_mp3_after_10_zero_bytes.mp3": (3.68, "angry"),
    "08b_mp3_from_mid_frame.mp3": (3.58, "angry"),
    "08c_aac_from_mid_frame.aac": (3.65, "angry"),
    "09_g722.wav": (3.64, "angry"),
    "09b_g726.wav": (3.64, "angry"),
    "10_avchd.mts": (3.66, "angry"),
    "10b.ac3": (3.66, "angry"),
    "10c.sph": (3.64, "angry"),
    "10d.voc": (3.64, "angry"),
    "10e.wv": (3.64, "angry"),
    "11_phase_inverted.wav": (3.64, "angry"),
    "11b_phase_inverted.m4a": (3.64, "angry"),
    "12_first_track_silent.mp4": (3.64, "angry"),
    "12b_default_is_second.mkv": (3.64, "angry"),
    "13_gap.webm": (30.0, None),
    "14_flac_id3_both_ends.flac": (3.64, "angry"),
    "14b_webm_trailing_zeros.webm": (3.64, "angry"),
}
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="needs the files in ../shared/cases")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_somebody_sent(server, name):
    seconds, emotion = FILES[name]
    status, answer = post(server, (CASES / name).read_bytes())
    assert status == 200, answer
    assert answer["duration"] == pytest.approx(seconds, abs=0.1)
    assert DAMAGED not in answer["warnings"]
    assert emotion is None or answer["emotion"] == emotion


def test_every_case_is_tested():
    audio = {path.name for path in CASES.iterdir() if path.suffix not in (".md", ".h5")}
    assert audio == set(FILES)


def test_the_gap_is_silent_and_its_segments_are_at_a_players_times(server):
    _, answer = post(server, (CASES / "13_gap.webm").read_bytes())
    inside = [s for s in answer["segments"] if s["start"] > 7 and s["end"] < 14]
    assert len(inside) >= 3
    assert all(s["silent"] for s in inside)
