"""`POST /predict` with several files, captions, channels apart, and other forms of the answer.

Each JSON answer is checked against its schema in /openapi.json.
"""

import csv
import io
import json
import subprocess
import time
from pathlib import Path

import jsonschema_rs
import numpy as np
import pytest
import srt
import webvtt

from app import create_app
from ser import errors
from ser.timeline import TIMELINE_FORMS, read_cues, timeline_of
from ser.web.settings import MAX_FILES
from tests import files, synth
from tests.exchange import CAPTIONS, FORM, form, part, stereo
from tests.inference.test_predictor import check_answer
from tests.server import Server

VOICE = synth.voice(9.0)
OTHER = synth.voice(9.0, pitch=300, seed=1)
CLIP, SECOND = synth.wav(VOICE), synth.wav(OTHER)
TEXT = b"hello " * 99


def ask(client, *sounds: bytes, path: str = "/predict", headers: dict | None = None, **fields):
    """Send files and further fields: text, or the bytes of a file."""
    parts = [part(sound) for sound in sounds]
    for name, value in fields.items():
        data, file_name = (value, "x") if isinstance(value, bytes) else (value.encode(), None)
        parts.append(part(data, field_name=name, name=file_name))
    return client.post(path, data=form(*parts), headers=FORM | (headers or {}))


@pytest.fixture
def checked(client):
    """Return a function that gives the JSON of a response, checked against its schema."""
    document = client.get("/openapi.json").get_json()

    def check(response, name: str) -> dict:
        assert response.status_code == 200, response.get_json()
        body = response.get_json()
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema_rs.validator_for(schema).validate(body)
        return body

    return check


def refusal(response, status: int = 400, code: str = "bad_request") -> str:
    """Return the message of an error."""
    assert response.status_code == status, response.get_json()
    error = response.get_json()["error"]
    assert error["code"] == code
    return error["message"]


def without_id(answer: dict) -> dict:
    return {key: value for key, value in answer.items() if key != "request_id"}


def own_app(**settings):
    app = create_app(settings)
    assert app.extensions["model"].wait(300)
    return app.test_client()


# Forms


@pytest.mark.parametrize("name", TIMELINE_FORMS)
def test_every_form_by_query_and_by_field(client, app, name):
    expected = TIMELINE_FORMS[name]
    timeline = timeline_of(app.extensions["model"].predictor.predict(CLIP))
    ways = [
        client.post(f"/predict?format={name}", data=CLIP, content_type="audio/wav"),
        ask(client, CLIP, path=f"/predict?format={name}"),
        ask(client, CLIP, format=name),
    ]
    for response in ways:
        assert response.status_code == 200
        assert response.content_type == f"{expected.media_type}; charset=utf-8"
        assert response.data.decode() == expected.write(timeline)
        assert response.headers["X-Request-ID"]
        assert response.headers.get("X-Warnings", "") == ", ".join(timeline.warnings)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/vtt", "text/vtt"),
        ("text/csv", "text/csv"),
        ("application/x-subrip", "application/x-subrip"),
        ("text/csv, */*;q=0.5", "text/csv"),
        ("text/vtt;q=0.2, application/json", "application/json"),
        ("*/*", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("text/plain", "application/json"),
        ("image/png", "application/json"),
        (None, "application/json"),
    ],
)
def test_the_form_by_the_accept_header(client, accept, media_type):
    headers = {"Accept": accept} if accept else {}
    response = client.post("/predict", data=CLIP, content_type="audio/wav", headers=headers)
    assert response.mimetype == media_type
    # What is asked for by name counts more.
    response = client.post(
        "/predict?format=srt", data=CLIP, content_type="audio/wav", headers=headers
    )
    assert response.mimetype == "application/x-subrip"


def test_the_query_counts_more_than_the_field(client):
    response = ask(client, CLIP, path="/predict?format=csv", format="json")
    assert response.mimetype == "text/csv"


def test_json_by_name_is_the_usual_answer(client, checked):
    usual = checked(ask(client, CLIP), "Answer")
    named = checked(ask(client, CLIP, format="json", headers={"Accept": "text/csv"}), "Answer")
    assert without_id(named) == without_id(usual)


@pytest.mark.parametrize("value", ["docx", "", "VTT", "vtt ,srt", "x" * 500])
def test_an_unknown_form_is_named(client, value):
    for response in (
        ask(client, CLIP, format=value),
        ask(client, CLIP, path=f"/predict?format={value}"),
    ):
        message = refusal(response)
        assert message.startswith(f"field 'format': {value[:50]!r} is not known; known: json, vtt")


def test_an_error_is_json_in_every_form(client):
    for name in TIMELINE_FORMS:
        response = ask(client, TEXT, format=name)
        assert "no audio" in refusal(response, 415, "unsupported_media")


def test_warnings_of_a_timeline_are_in_a_header():
    client = own_app(SER_MAX_SECONDS=2)
    response = ask(client, CLIP, format="srt")
    assert "truncated" in response.headers["X-Warnings"].split(", ")
    (line,) = (x for x in ask(client, CLIP, format="vtt").text.splitlines() if x[:4] == "NOTE")
    assert "truncated" in line


# Captions


@pytest.mark.parametrize(
    "captions",
    [CAPTIONS, b"WEBVTT\n\n00:00.500 --> 00:04.000\nOne\n\n00:04.000 --> 00:09.000\nTwo\n"],
)
@pytest.mark.parametrize("name", ["x", "", None])
def test_each_cue_has_its_emotion(client, checked, captions, name):
    parts = part(CLIP), part(captions, field_name="cues", name=name)
    response = client.post("/predict", data=form(*parts), headers=FORM)
    answer = checked(response, "Answer")
    first, second = answer["cues"]
    assert [(c["start"], c["end"], c["text"]) for c in (first, second)] == [
        (0.5, 4.0, "One"),
        (4.0, 9.0, "Two"),
    ]
    labels = [segment["emotion"] for segment in answer["segments"]]
    assert {first["emotion"], second["emotion"]} <= set(labels)
    assert first["note"] is second["note"] is None
    del answer["cues"]
    assert without_id(answer) == without_id(checked(ask(client, CLIP), "Answer"))


def test_captions_come_back_with_emotions(client):
    cues = {c["text"]: c["emotion"] for c in ask(client, CLIP, cues=CAPTIONS).get_json()["cues"]}
    expected = [f"[{emotion}] {text}" for text, emotion in cues.items()]
    text = ask(client, CLIP, cues=CAPTIONS, format="srt").text
    assert [s.content for s in srt.parse(text)] == expected
    text = ask(client, CLIP, cues=CAPTIONS, headers={"Accept": "text/vtt"}).text
    assert [caption.text for caption in webvtt.from_buffer(io.StringIO(text))] == expected
    rows = csv.DictReader(io.StringIO(ask(client, CLIP, cues=CAPTIONS, format="csv").text))
    assert [(row["text"], row["emotion"]) for row in rows] == list(cues.items())
    # They may be sent again.
    again = ask(client, CLIP, cues=text.encode()).get_json()["cues"]
    assert [cue["emotion"] for cue in again] == list(cues.values())


def test_short_and_silent_cues_and_those_after_the_end_say_so(client, checked):
    sound = synth.wav(np.concatenate([VOICE, np.zeros(9 * 22_050, np.float32)]))
    times = ["1,000 --> 00:00:01,100", "11,000 --> 00:00:17,000", "20,000 --> 00:00:21,000"]
    captions = "\n\n".join(f"00:00:{t}\nx" for t in times)
    answer = checked(ask(client, sound, cues=captions.encode()), "Answer")
    assert [cue["note"] for cue in answer["cues"]] == ["short", "silent", "outside"]
    assert all(cue["emotion"] is None for cue in answer["cues"])


@pytest.mark.parametrize(
    ("captions", "words"),
    [
        (TEXT, "line 1"),
        (CLIP, "not text"),
        (b"WEBVTT\n", "without a cue"),
        (b"0:1 --> 0:2\n\n" * 5001, "more than 5,000 cues"),
        (CAPTIONS + b" " * 1_000_000, "more than 1,000,000 bytes"),
    ],
)
def test_unreadable_captions(client, captions, words):
    message = refusal(ask(client, CLIP, cues=captions))
    assert message.startswith("field 'cues': ")
    assert words in message


def test_captions_are_of_one_file_and_there_is_one_of_them(client):
    assert "'cues'" in refusal(ask(client, CLIP, SECOND, cues=CAPTIONS))
    two = form(part(CLIP), *[part(CAPTIONS, field_name="cues")] * 2)
    assert "'cues'" in refusal(client.post("/predict", data=two, headers=FORM))


def test_a_field_for_captions_that_nobody_filled_in(client, checked):
    for name in ("", None):
        body = form(part(CLIP), part(b"", field_name="cues", name=name))
        answer = checked(client.post("/predict", data=body, headers=FORM), "Answer")
        assert "cues" not in answer
    assert "without a cue" in refusal(ask(client, CLIP, cues=b""))


# Channels


@pytest.mark.parametrize("way", ["query", "field"])
def test_an_answer_for_each_channel(client, checked, way):
    sound = stereo(VOICE, OTHER, 0 * VOICE)
    if way == "query":
        response = client.post("/predict?channels=separate", data=sound, content_type="audio/wav")
    else:
        response = ask(client, sound, channels="separate")
    answer = checked(response, "ChannelsAnswer")
    first, second, third = answer["channels"]
    for number, (channel, alone) in enumerate(((first, CLIP), (second, SECOND)), start=1):
        expected = ask(client, alone).get_json()
        check_answer(channel, list(expected["probabilities"]))
        assert channel == {"channel": number, "silent": False} | {
            key: value for key, value in expected.items() if key not in ("model", "request_id")
        }
    assert (third["silent"], third["emotion"], third["segments"]) == (True, None, [])


def test_mix_is_the_default(client, checked):
    sound = stereo(VOICE, OTHER)
    plain, mixed = (ask(client, sound, **more) for more in ({}, {"channels": "mix"}))
    assert without_id(checked(plain, "Answer")) == without_id(checked(mixed, "Answer"))


def test_channels_in_other_forms_and_with_captions(client, checked):
    sound = stereo(VOICE, 0 * VOICE)
    answer = checked(ask(client, sound, cues=CAPTIONS, channels="separate"), "ChannelsAnswer")
    assert [[cue["note"] for cue in channel["cues"]] for channel in answer["channels"]] == [
        [None, None],
        ["silent", "silent"],
    ]
    text = ask(client, sound, channels="separate", format="vtt").text
    captions = list(webvtt.from_buffer(io.StringIO(text)))
    assert [c.text for c in captions if c.voice == "Channel 2"] == ["silent"]
    assert [c for c in captions if c.voice == "Channel 1"]
    rows = list(
        csv.DictReader(io.StringIO(ask(client, sound, channels="separate", format="csv").text))
    )
    assert (rows[-1]["channel"], rows[-1]["note"]) == ("2", "silent")


@pytest.mark.parametrize("n", [1, 6, 8])
def test_one_channel_and_many(client, checked, n):
    sound = np.stack([synth.voice(2.0, seed=k, pitch=80 + 30 * k) for k in range(n)], axis=1)
    for extension in ("wav", "flac"):
        data = files.made_by_ffmpeg(extension, source=synth.wav(sound))
        answer = checked(ask(client, data, channels="separate"), "ChannelsAnswer")
        assert [c["channel"] for c in answer["channels"]] == list(range(1, n + 1))


def test_what_is_no_channel(client):
    message = refusal(ask(client, CLIP, channels="left"))
    assert message == "field 'channels': 'left' is not known; known: mix, separate"
    silence = stereo(0 * VOICE, 0 * VOICE)
    refusal(ask(client, silence, channels="separate"), 422, "silent")
    refusal(ask(client, CLIP[:44], channels="separate"), 422, "no_audio")


# Several files


def test_several_files_have_an_answer_each_in_their_order(client, checked):
    m4a = files.encoded("m4a")
    silence = synth.wav(0 * VOICE)
    sent = [CLIP, TEXT, m4a, b"", silence, CLIP[:44], SECOND]
    results = checked(ask(client, *sent), "Results")["results"]
    alone = [ask(client, data).get_json() for data in sent]
    for result, expected in zip(results, alone, strict=True):
        if "error" in expected:
            assert (
                result["error"].items()
                >= {
                    "code": expected["error"]["code"],
                    "message": expected["error"]["message"],
                }.items()
            )
        else:
            assert without_id(result) == without_id(expected)
    codes = [r["error"]["code"] for r in results if "error" in r]
    assert codes == ["unsupported_media", "empty_file", "silent", "no_audio"]


def test_one_request_id_for_all(client, checked):
    response = ask(client, CLIP, TEXT)
    first, second = checked(response, "Results")["results"]
    assert first["request_id"] == second["error"]["request_id"] == response.headers["X-Request-ID"]


def test_fields_in_which_no_file_was_chosen_do_not_count(client, checked):
    empty = part(b"", name="")
    response = client.post("/predict", data=form(empty, part(CLIP), empty), headers=FORM)
    checked(response, "Answer")
    none = client.post("/predict", data=form(empty, empty), headers=FORM)
    assert "no file was chosen" in refusal(none)


def test_several_files_with_channels_and_as_a_table(client, checked):
    sounds = stereo(VOICE, 0 * VOICE), TEXT, CLIP
    results = checked(ask(client, *sounds, channels="separate"), "Results")["results"]
    assert [len(r.get("channels", [])) for r in results] == [2, 0, 1]
    text = ask(client, *sounds, channels="separate", headers={"Accept": "text/csv"}).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["file"] for row in rows if row["error"]] == ["2"]
    assert {row["file"] for row in rows} == {"1", "2", "3"}
    assert [row["note"] for row in rows if row["channel"] == "2"] == ["silent"]
    for name in ("vtt", "srt", "audacity", "textgrid"):
        message = refusal(ask(client, CLIP, SECOND, format=name))
        assert message.startswith(f"field 'format': '{name}' holds one file, and here are 2")


def test_a_reference_is_for_all_files(relative_app):
    neutral = synth.wav(synth.voice(3.0, pitch=130, seed=5))
    client = relative_app.test_client()
    results = ask(client, CLIP, CLIP, reference=neutral).get_json()["results"]
    assert [r["reference"]["seconds"] for r in results] == [3.0, 3.0]


def test_as_many_files_as_are_allowed(client, checked):
    short = synth.wav(synth.voice(0.4))
    results = checked(ask(client, *[short] * MAX_FILES), "Results")["results"]
    assert len(results) == MAX_FILES
    assert all("emotion" in result for result in results)
    assert f"takes up to {MAX_FILES}" in refusal(ask(client, *[short] * (MAX_FILES + 1)))


def test_the_size_limit_is_for_all_files_together(clip):
    client = own_app(SER_MAX_UPLOAD_MB=0.2)  # a clip has 88 KB
    assert len(ask(client, clip, clip).get_json()["results"]) == 2
    refusal(ask(client, clip, clip, clip), 413, "too_large")


def test_the_seconds_are_for_all_files_together():
    client = own_app(SER_MAX_SECONDS=15)
    first, second, third, fourth = ask(client, CLIP, SECOND, CLIP, TEXT).get_json()["results"]
    assert (first["duration"], first["truncated"]) == (9.0, False)
    assert (second["duration"], second["truncated"]) == (6.0, True)
    for result in (third, fourth):
        assert result["error"]["code"] == "too_large"
        assert "15 s that one request may have" in result["error"]["message"]
    assert "emotion" in ask(client, CLIP).get_json()


def test_the_time_is_for_all_files_together(monkeypatch):
    client = own_app(SER_TIMEOUT_S=60)
    # No file begins after three seconds; a busy machine has the rest of the minute.
    monkeypatch.setattr("ser.web.answering.answer._TIME_FOR_FILES", 0.05)
    predictor = client.application.extensions["model"].predictor
    real = predictor.predict

    def slow(*args, **kwargs):
        time.sleep(1.6)
        return real(*args, **kwargs)

    monkeypatch.setattr(predictor, "predict", slow)
    results = ask(client, *[synth.wav(synth.voice(0.5))] * 4).get_json()["results"]
    assert len(results) == 4
    assert "emotion" in results[0]
    assert results[-1]["error"]["code"] == "timeout"
    assert "send it in another request" in results[-1]["error"]["message"]


def test_a_fault_of_one_file_is_not_that_of_the_others(app, client, checked, monkeypatch, caplog):
    predictor = app.extensions["model"].predictor
    real, calls = predictor.predict, []
    faults = [errors.DecoderUnavailable("no decoder"), ZeroDivisionError("secret")]

    def fail(*args, **kwargs):
        calls.append(1)
        if len(calls) <= len(faults):
            raise faults[len(calls) - 1]
        return real(*args, **kwargs)

    monkeypatch.setattr(predictor, "predict", fail)
    before = client.get("/metrics").text
    response = ask(client, CLIP, CLIP, CLIP)
    results = checked(response, "Results")["results"]
    assert [r.get("error", {}).get("code") for r in results] == ["unavailable", "internal", None]
    assert "secret" not in response.text
    assert "ZeroDivisionError" in caplog.text

    def failures(text: str) -> float:
        lines = [x for x in text.splitlines() if x.startswith("ser_decoder_failures_total")]
        return sum(float(line.split()[-1]) for line in lines)

    assert failures(client.get("/metrics").text) == failures(before) + 1


def test_the_page_takes_one_file_and_no_options(client):
    page = ask(client, CLIP, path="/?format=docx&channels=left", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    assert "2 files" in refusal(ask(client, CLIP, SECOND, path="/"))


# A real server


def test_memory_for_eight_channels_is_bounded(tmp_path):
    """Two minutes of 8 channels at 192 kHz are 737 MB; of what is analysed, 85 MB."""
    server = Server(SER_MAX_SECONDS="120", SER_TIMEOUT_S="100")
    bomb = tmp_path / "bomb.flac"
    bomb.write_bytes(files.flac_bomb(100_000, 192_000, 8))
    (tmp_path / "long.wav").write_bytes(synth.wav(synth.voice(130.0)))

    def curl(name: str, query: str) -> dict:
        command = ["curl", "-sS", "-F", f"file=@{name}", f"{server.url}/predict{query}"]
        done = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path)
        return json.loads(done.stdout)

    def peak_mb() -> float:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1000

    try:
        server.wait_ready(120)
        curl("long.wav", "")  # what the analysis itself needs
        Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # begin the peak anew
        before = peak_mb()
        answer = curl("bomb.flac", "?channels=separate")
        assert answer["truncated"]
        assert len(answer["channels"]) == 8
        assert peak_mb() - before < 100
        lines = [x for x in server.log() if x.get("route") == "/predict"]
        assert lines[-1]["code"] == "ok"
        assert {"decode_ms", "features_ms", "model_ms"} <= set(lines[-1])
    finally:
        server.stop()


def test_captions_of_the_answer_are_captions(client):
    text = ask(client, CLIP, format="vtt").text
    assert {cue.text for cue in read_cues(text.encode())} <= set(
        ask(client, CLIP).get_json()["probabilities"]
    )
