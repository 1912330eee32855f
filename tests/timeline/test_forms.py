"""The forms of a timeline, read by other people's readers, and the round trip."""

import csv
import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import srt
import webvtt
from praatio import textgrid

from ser.audio import Audio
from ser.inference import Cue
from ser.inference.prediction import LabelScale, Segment
from ser.inference.windowing import geometric_mean
from ser.labels import EMOTIONS
from ser.timeline import TIMELINE_FORMS, Table, Timeline, read_cues, timeline_of
from ser.timeline.forms import to_audacity, to_srt, to_textgrid, to_vtt
from ser.timeline.spans import Span, Track
from ser.timeline.table import csv_text, to_csv
from tests import synth

WORDS = ["Plain words", 'He said "so" & <went>\nto 日本 😀', "a\tb --> c\n\n3", "", "[x] = {y}"]


@pytest.fixture(scope="module")
def prediction(predictor):
    """Return the prediction for two voices with a pause between them."""
    pause = np.zeros(9 * 22_050, np.float32)
    voices = synth.voice(12.3456, pitch=90), synth.voice(10.0, pitch=300)
    return predictor.predict_audio(Audio(np.concatenate([voices[0], pause, voices[1]])))


@pytest.fixture(scope="module")
def timeline(prediction) -> Timeline:
    timeline = timeline_of(prediction)
    assert len(timeline.tracks[0].spans) > 2
    return timeline


@pytest.fixture(scope="module")
def stereo(predictor) -> Timeline:
    """Return the timeline of two voices and a silent channel."""
    voices = [synth.voice(12.0, pitch=90 + 200 * n, seed=n) for n in range(2)]
    samples = np.stack([*voices, 0 * voices[0]], axis=1)
    return timeline_of(predictor.predict_channels(synth.wav(samples)))


@pytest.fixture(scope="module")
def captioned(predictor) -> Timeline:
    """Return the timeline of cues that overlap, one of them short, one after the end."""
    times = [(0, 4), (2.0, 6.0015), (5.5, 5.5), (8, 9), (100, 101)]
    cues = [Cue(*t, words) for t, words in zip(times, WORDS, strict=True)]
    return timeline_of(predictor.predict_audio(Audio(synth.voice(12.0)), cues=cues))


def spans(timeline: Timeline) -> list[tuple[int, int, str]]:
    """Return start, end and label of each span; the channel is in the label."""
    found = [
        (s.start, s.end, f"Channel {t.channel}: {s.label}" if t.channel else s.label)
        for t in timeline.tracks
        for s in t.spans
    ]
    return sorted(found, key=lambda span: span[0])


def from_vtt(text: str) -> list[tuple[int, int, str]]:
    captions = webvtt.from_buffer(io.StringIO(text))
    return [
        (*map(_ms, (c.start, c.end)), f"{c.voice}: {c.text}" if c.voice else c.text)
        for c in captions
    ]


def _ms(clock: str) -> int:
    hours, minutes, seconds = clock.split(":")
    return round(1000 * (3600 * int(hours) + 60 * int(minutes) + float(seconds)))


def from_srt(text: str) -> list[tuple[int, int, str]]:
    found = list(srt.parse(text))
    assert [s.index for s in found] == list(range(1, len(found) + 1))
    return [
        (*(round(t.total_seconds() * 1000) for t in (s.start, s.end)), s.content) for s in found
    ]


def tiers(text: str, folder) -> dict[str, list[tuple[int, int, str]]]:
    """Return the intervals of each tier, as praatio reads them."""
    path = folder / "timeline.TextGrid"
    path.write_text(text, encoding="utf-8")
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=True)
    assert grid.validate()
    return {
        name: [(round(1000 * a), round(1000 * b), label) for a, b, label in grid.getTier(name)]
        for name in grid.tierNames
    }


def filled(intervals) -> list[tuple[int, int, str]]:
    return [interval for interval in intervals if interval[2]]


# Spans


def test_equal_neighbours_are_joined_and_silence_is_left_out(prediction, timeline):
    def at(time: float) -> str | None:
        (segment,) = (s for s in prediction.segments if s.start <= time < s.end)
        return None if segment.silent else segment.emotion

    (track,) = timeline.tracks
    assert any(s.silent for s in prediction.segments)
    assert len(track.spans) < sum(not s.silent for s in prediction.segments)
    for time in np.arange(0.05, prediction.duration, 0.1):
        inside = [s.label for s in track.spans if s.start <= 1000 * time < s.end]
        assert inside == [at(time)] * (at(time) is not None)
    for left, right in pairwise(track.spans):
        assert left.end <= right.start
        assert left.end < right.start or left.label != right.label
    assert timeline.duration == round(1000 * prediction.duration) == timeline.end


def test_a_joined_span_has_the_mean_of_its_segments(prediction):
    scale = LabelScale(EMOTIONS)
    rows = np.array([[0.6, *[0.4 / 7] * 7], [0.3, 0.28, *[0.07] * 6]])
    lengths = [2.25, 1.5]
    segments = [
        Segment(2.25 * n, 2.25 * n + length, *verdict, silent=False)
        for n, (verdict, length) in enumerate(zip(scale.verdicts(rows), lengths, strict=True))
    ]
    (span,) = timeline_of(replace(prediction, segments=tuple(segments))).tracks[0].spans
    expected = geometric_mean(rows, np.array(lengths))
    assert (span.start, span.end, span.label) == (0, 3750, "neutral")
    np.testing.assert_allclose(list(span.verdict.probabilities.values()), expected)
    assert span.verdict.arousal == pytest.approx(scale.verdicts(expected[None])[0].arousal)


def test_a_silent_channel_says_so_in_every_form(stereo, tmp_path):
    assert stereo.tracks[2] == Track((Span(0, 12_000, note="silent"),), 3)
    assert (0, 12_000, "Channel 3: silent") in from_vtt(to_vtt(stereo))
    assert (0, 12_000, "Channel 3: silent") in from_srt(to_srt(stereo))
    assert "0.000\t12.000\tChannel 3: silent\n" in to_audacity(stereo)
    assert tiers(to_textgrid(stereo), tmp_path)["channel 3"] == [(0, 12_000, "silent")]
    row = list(csv.DictReader(io.StringIO(to_csv(stereo))))[-1]
    assert (row["channel"], row["emotion"], row["note"]) == ("3", "", "silent")


def test_warnings_come_with_the_timeline(prediction):
    warned = replace(prediction, warnings=("uncertain",), truncated=True)
    timeline = timeline_of(warned)
    assert timeline.warnings == ("uncertain", "truncated")
    assert "NOTE warnings: uncertain truncated\n" in to_vtt(timeline)
    assert from_vtt(to_vtt(timeline)) == spans(timeline)


# Other people's readers


@pytest.mark.parametrize("which", ["timeline", "stereo"])
def test_webvtt(which, request):
    timeline = request.getfixturevalue(which)
    assert from_vtt(to_vtt(timeline)) == spans(timeline)


@pytest.mark.parametrize("which", ["timeline", "stereo"])
def test_srt(which, request):
    timeline = request.getfixturevalue(which)
    assert from_srt(to_srt(timeline)) == spans(timeline)


@pytest.mark.parametrize("which", ["timeline", "stereo"])
def test_labels_of_audacity(which, request):
    timeline = request.getfixturevalue(which)
    rows = [line.split("\t") for line in to_audacity(timeline).splitlines()]
    found = [(round(1000 * float(a)), round(1000 * float(b)), label) for a, b, label in rows]
    assert found == spans(timeline)


@pytest.mark.parametrize("which", ["timeline", "stereo"])
def test_textgrid(which, request, tmp_path):
    timeline = request.getfixturevalue(which)
    found = tiers(to_textgrid(timeline), tmp_path)
    names = {f"channel {t.channel}" if t.channel else "emotion": t for t in timeline.tracks}
    assert found.keys() == names.keys()
    for name, track in names.items():
        intervals = found[name]
        assert intervals[0][0] == 0
        assert intervals[-1][1] == timeline.duration
        assert all(a[1] == b[0] for a, b in pairwise(intervals))
        assert filled(intervals) == [(s.start, s.end, s.label) for s in track.spans]


@pytest.mark.parametrize("which", ["timeline", "stereo"])
def test_csv(which, request):
    timeline = request.getfixturevalue(which)
    rows = list(csv.DictReader(io.StringIO(to_csv(timeline))))
    all_spans = [(t.channel, s) for t in timeline.tracks for s in t.spans]
    for row, (channel, span) in zip(rows, all_spans, strict=True):
        assert [round(1000 * float(row[name])) for name in ("start", "end")] == [
            span.start,
            span.end,
        ]
        assert row.get("channel", "") == str(channel or "")
        if span.verdict:
            assert row["emotion"] == span.label
            assert float(row["confidence"]) == pytest.approx(span.verdict.confidence, abs=1e-6)
            assert sum(float(row[label]) for label in timeline.labels) == pytest.approx(1, abs=1e-5)
            assert float(row["arousal"]) == pytest.approx(span.verdict.arousal, abs=1e-6)


# Cues


@pytest.mark.parametrize("words", ["=1+1", "+1", "-2", "@SUM(A1)", "\tx", "\rx"])
def test_words_are_no_formula_in_a_spreadsheet(captioned, words):
    track = captioned.tracks[0]
    spans = (replace(track.spans[0], text=words),)
    table = to_csv(replace(captioned, tracks=(replace(track, spans=spans),)))
    assert next(csv.DictReader(io.StringIO(table, newline="")))["text"] == f"'{words}"


def test_the_words_of_cues_are_kept(captioned, tmp_path):
    labels = [span.label for span in captioned.tracks[0].spans]
    assert labels[2:] == ["short", labels[3], "outside"]
    words = [
        ["Plain words"],
        ['He said "so" & <went>', "to 日本 😀"],
        ["a b --> c", "3"],
        [],
        ["[x] = {y}"],
    ]
    expected = [
        "\n".join([" ".join([f"[{label}]", *lines[:1]]), *lines[1:]])
        for label, lines in zip(labels, words, strict=True)
    ]
    assert [cue.text for cue in read_cues(to_vtt(captioned).encode())] == expected
    assert len(from_vtt(to_vtt(captioned))) == len(expected)
    assert [text for *_, text in from_srt(to_srt(captioned))] == [
        text.replace("-->", "->") for text in expected
    ]
    lines = [line.split("\t")[2] for line in to_audacity(captioned).splitlines()]
    assert lines == [" ".join(text.split()) for text in expected]
    rows = list(csv.DictReader(io.StringIO(to_csv(captioned), newline="")))
    assert [row["text"] for row in rows] == WORDS
    assert [row["note"] for row in rows] == ["", "", "short", "", "outside"]
    found = tiers(to_textgrid(captioned), tmp_path)
    assert list(found) == ["emotion", "text", "emotion (2)", "text (2)"]
    texts = filled(found["text"]) + filled(found["text (2)"])
    assert {label for *_, label in texts} == {" ".join(w.split()) for w in WORDS if w}
    emotions = filled(found["emotion"]) + filled(found["emotion (2)"])
    assert sorted(emotions) == sorted(spans(captioned))
    # No reader takes a cue without a length.
    assert (5500, 5501, "short") in emotions


def test_cues_of_channels(predictor, tmp_path):
    samples = np.stack([synth.voice(9.0), synth.voice(9.0, seed=1), np.zeros(198_450)], axis=1)
    cues = [Cue(0, 3, "one"), Cue(3, 9, "two")]
    timeline = timeline_of(predictor.predict_channels(synth.wav(samples), cues=cues))
    found = tiers(to_textgrid(timeline), tmp_path)
    assert list(found) == [f"channel {n}{t}" for n in (1, 2, 3) for t in ("", " text")]
    assert found["channel 3"] == [(0, 3000, "silent"), (3000, 9000, "silent")]
    assert found["channel 2 text"] == [(0, 3000, "one"), (3000, 9000, "two")]
    voices = [text for *_, text in from_vtt(to_vtt(timeline))]
    assert [text.split(":")[0] for text in voices] == ["Channel 1", "Channel 2", "Channel 3"] * 2


# Round trip


@pytest.mark.parametrize("form", ["vtt", "srt"])
def test_captions_are_read_again(timeline, predictor, form):
    """Captions of a recording, sent back beside it, get the emotions that they say."""
    text = TIMELINE_FORMS[form].write(timeline)
    cues = read_cues(text.encode())
    assert [(round(1000 * c.start), round(1000 * c.end), c.text) for c in cues] == spans(timeline)


def test_a_table_of_several_files(timeline):
    table = Table(timeline.labels, files=True)
    rows = [
        table.header,
        *table.rows(timeline, file="1"),
        table.error_row(file="2", error="silent: x"),
    ]
    read = list(csv.DictReader(io.StringIO(csv_text(rows))))
    assert [row["file"] for row in read] == ["1"] * (len(read) - 1) + ["2"]
    assert (read[-1]["error"], read[-1]["emotion"]) == ("silent: x", "")
    assert read[0]["warnings"] == " ".join(timeline.warnings)


@pytest.mark.parametrize("form", TIMELINE_FORMS)
def test_an_hour_and_more(form):
    verdict = LabelScale(EMOTIONS).verdicts(np.full((1, 8), 1 / 8))[0]
    track = Track((Span(3_599_999, 7_322_045, verdict),))
    text = TIMELINE_FORMS[form].write(Timeline((track,), 7_400_000, EMOTIONS, (), False))
    clocks = (
        ("00:59:59.999", "02:02:02.045") if form in ("vtt", "srt") else ("3599.999", "7322.045")
    )
    for clock in clocks:
        assert (clock.replace(".", ",") if form == "srt" else clock) in text
