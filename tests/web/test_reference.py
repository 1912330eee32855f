"""The reference over HTTP: as files, as a text, and what is refused."""

import io
import json
import re
import subprocess

import numpy as np
import pytest

from app import create_app
from ser.augmentation.corruptions import telephone
from ser.errors import REFERENCE_MISMATCH
from ser.inference.reference import MAX_CLIP_SECONDS, MAX_TEXT_BYTES, find_text
from tests import synth
from tests.exchange import FORM, form, part
from tests.make_models import write_relative
from tests.server import Server

NEUTRAL = synth.voice(3.0, pitch=130, seed=5)


@pytest.fixture
def taker(relative_app):
    """Return a client of an app whose model takes a reference."""
    return relative_app.test_client()


@pytest.fixture
def refuser(classic_app):
    """Return a client of an app whose model takes no reference."""
    return classic_app.test_client()


def files(*sounds: bytes, name: str = "neutral.wav") -> list:
    return [(io.BytesIO(sound), name) for sound in sounds]


def ask(client, clip: bytes, reference=None, path: str = "/predict"):
    fields = {"file": (io.BytesIO(clip), "clip.wav")}
    return client.post(path, data=fields | ({"reference": reference} if reference else {}))


def text_of(client, *sounds: bytes) -> str:
    return client.post("/reference", data={"reference": files(*sounds)}).get_json()["reference"]


def refusal(response, status: int, code: str) -> str:
    """Return the message of an error, after a check of it."""
    assert response.status_code == status, response.get_json()
    error = response.get_json()["error"]
    assert error["code"] == code
    assert "'reference'" in error["message"]
    return error["message"]


def test_files_and_their_text_give_the_same_answer(taker, clip):
    sounds = [synth.wav(NEUTRAL), synth.wav(NEUTRAL[:22_050])]
    plain = ask(taker, clip).get_json()
    by_files = ask(taker, clip, files(*sounds)).get_json()
    by_text = ask(taker, clip, text_of(taker, *sounds)).get_json()
    assert "reference" not in plain
    assert by_files["reference"] == by_text["reference"] == {"seconds": 4.0, "used": True}
    assert by_files["probabilities"] == by_text["probabilities"] != plain["probabilities"]
    assert REFERENCE_MISMATCH not in by_files["warnings"]


def test_the_text_of_a_reference(taker):
    answer = taker.post("/reference", data={"reference": files(synth.wav(NEUTRAL))})
    assert answer.status_code == 200
    body = answer.get_json()
    assert set(body) == {"reference", "seconds", "model", "request_id"}
    assert body["seconds"] == 3.0
    assert body["model"] == {k: taker.get("/model").get_json()[k] for k in ("name", "version")}
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert body["reference"].isascii()
    assert len(body["reference"]) < MAX_TEXT_BYTES


@pytest.mark.parametrize("field", ["reference", "file"])
def test_the_field_of_files_has_two_names(taker, field):
    data = {field: files(synth.wav(NEUTRAL))}
    answer = taker.post("/reference", data=data).get_json()
    assert answer["reference"] == text_of(taker, synth.wav(NEUTRAL))


def test_a_raw_body_is_a_reference_too(taker):
    sound = synth.wav(NEUTRAL)
    answer = taker.post("/reference", data=sound, content_type="audio/wav").get_json()
    assert answer["reference"] == text_of(taker, sound)


@pytest.mark.parametrize("name", [None, "", "voice.txt"])
@pytest.mark.parametrize("kind", ["text", "audio"])
def test_the_content_tells_a_text_from_a_file(taker, clip, kind, name):
    sound = synth.wav(NEUTRAL)
    text = text_of(taker, sound)
    value = sound if kind == "audio" else f" {text}\r\n".encode()
    body = form(part(value, field_name="reference", name=name), part(clip))
    answer = taker.post("/predict", data=body, headers=FORM).get_json()
    assert answer["probabilities"] == ask(taker, clip, text).get_json()["probabilities"]


def test_audio_is_never_taken_for_a_text(clip):
    assert find_text(clip[:200]) is None
    assert find_text(b"RIFF:1:" + b"A" * MAX_TEXT_BYTES) is None
    assert find_text("ä:1:AA".encode()) is None
    assert find_text(b"\n") is None


@pytest.mark.parametrize("name", [None, ""])
def test_an_empty_field_is_no_reference(taker, clip, name):
    body = form(part(clip), part(b"", field_name="reference", name=name))
    answer = taker.post("/predict", data=body, headers=FORM)
    assert answer.status_code == 200
    assert "reference" not in answer.get_json()


def test_a_reference_that_does_not_fit_is_a_warning(taker, clip):
    other = synth.wav(telephone(NEUTRAL))
    plain, answer = ask(taker, clip).get_json(), ask(taker, clip, files(other)).get_json()
    assert answer["reference"] == {"seconds": 3.0, "used": False}
    assert REFERENCE_MISMATCH in answer["warnings"]
    assert answer["probabilities"] == plain["probabilities"]


def test_too_many_files(taker, clip):
    five = [synth.wav(NEUTRAL)] * 5
    assert "1 to 4 clips, not 5" in refusal(ask(taker, clip, files(*five)), 400, "bad_request")
    response = taker.post("/reference", data={"reference": files(*five)})
    assert "1 to 4 clips, not 5" in refusal(response, 400, "bad_request")


def test_a_text_and_a_file(taker, clip):
    sound = synth.wav(NEUTRAL)
    mixed = [*files(sound), *files(text_of(taker, sound).encode())]
    assert "not both" in refusal(ask(taker, clip, mixed), 400, "bad_request")


def test_no_file_at_all(taker):
    response = taker.post("/reference", data={"other": (io.BytesIO(b"x"), "x.wav")})
    assert "'other'" in refusal(response, 400, "bad_request")
    chosen = {"reference": files(b"", name="")}
    assert "no file was chosen" in taker.post("/reference", data=chosen).text
    assert taker.post("/reference", json={}).get_json()["error"]["code"] == "bad_request"


def test_a_text_of_another_version_of_the_model(taker, clip, tmp_path):
    retrained = create_app({"SER_MODEL": write_relative(tmp_path / "relative.h5", seed=1)})
    assert retrained.extensions["model"].wait(60)
    text = text_of(retrained.test_client(), synth.wav(NEUTRAL))
    assert "make it anew" in refusal(ask(taker, clip, text), 400, "bad_request")


@pytest.mark.parametrize("text", ["a:b:c", "{version}:3:AAAA", "{version}:nan:AAAA"])
def test_a_text_that_is_broken(taker, clip, text):
    version = taker.get("/model").get_json()["version"]
    message = refusal(ask(taker, clip, text.format(version=version)), 400, "bad_request")
    assert "make it anew" in message


def test_a_model_that_takes_none(refuser, taker, clip):
    sound = synth.wav(NEUTRAL)
    for reference in (files(sound), text_of(taker, sound)):
        message = refusal(ask(refuser, clip, reference), 400, "bad_request")
        assert "takes no reference" in message
    response = refuser.post("/reference", data={"reference": files(sound)})
    assert "takes no reference" in refusal(response, 400, "bad_request")


@pytest.mark.parametrize(
    ("sound", "status", "code"),
    [
        (b"hello " * 50, 415, "unsupported_media"),
        (synth.wav(np.zeros(22_050, np.float32)), 422, "silent"),
        (synth.wav(synth.voice(0.1)), 422, "too_short"),
        (synth.wav(NEUTRAL)[:44], 422, "no_audio"),
        (b"", 400, "empty_file"),
    ],
)
def test_a_reference_that_cannot_be_decoded(taker, clip, sound, status, code):
    message = refusal(ask(taker, clip, files(synth.wav(NEUTRAL), sound)), status, code)
    assert "clip 2" in message
    response = taker.post("/reference", data={"reference": files(sound)})
    assert "clip" not in refusal(response, status, code).split(":")[1]


def test_the_limit_of_an_upload_is_for_all_parts_together(relative_model, clip):
    app = create_app({"SER_MODEL": relative_model, "SER_MAX_UPLOAD_MB": 0.2})
    assert app.extensions["model"].wait(60)
    client, sound = app.test_client(), synth.wav(NEUTRAL)  # 88 KB and 132 KB
    assert ask(client, clip).status_code == 200
    assert client.post("/reference", data={"reference": files(sound)}).status_code == 200
    assert ask(client, clip, files(sound)).get_json()["error"]["code"] == "too_large"


def test_of_a_long_reference_only_the_start_counts(taker):
    long = synth.wav(np.tile(NEUTRAL, 30))
    answer = taker.post("/reference", data={"reference": files(long)}).get_json()
    assert answer["seconds"] == MAX_CLIP_SECONDS


def test_a_full_queue_and_a_foreign_page_refuse_a_reference(relative_app, taker, monkeypatch):
    sound = synth.wav(NEUTRAL)
    foreign = {"Origin": "https://elsewhere.example"}
    response = taker.post("/reference", data={"reference": files(sound)}, headers=foreign)
    assert response.get_json()["error"]["code"] == "cross_origin"
    monkeypatch.setattr(relative_app.extensions["predictions"], "_room", 0)
    response = taker.post("/reference", data={"reference": files(sound)})
    assert response.status_code == 503
    assert response.get_json()["error"]["code"] == "busy"
    assert response.headers["Retry-After"]


def test_the_model_says_whether_it_takes_one(refuser, taker):
    assert refuser.get("/model").get_json()["takes_reference"] is False
    assert taker.get("/model").get_json()["takes_reference"] is True


def test_the_description_has_the_field_only_if_the_model_takes_it(refuser, taker):
    def fields(client) -> set:
        post = client.get("/openapi.json").get_json()["paths"]["/predict"]["post"]
        return set(post["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"])

    assert fields(taker) == fields(refuser) | {"reference"}
    assert "reference" not in fields(refuser)


def test_the_form_of_the_page_has_the_field_only_if_the_model_takes_it(refuser, taker, clip):
    assert 'name="reference"' not in refuser.get("/").text
    assert 'id="voice"' not in refuser.get("/").text
    assert re.search(r'<input[^>]* name="reference" type="file"', taker.get("/").text)
    page = ask(taker, clip, files(synth.wav(NEUTRAL)), "/").text
    assert "with your normal voice" in page
    assert "with your normal voice" not in ask(taker, clip, files(b"", name=""), "/").text
    page = ask(taker, clip, files(synth.wav(telephone(NEUTRAL))), "/").text
    assert "The normal voice does not fit this recording" in page
    assert "with your normal voice" not in page


def test_curl_and_a_server_that_keeps_nothing(relative_model, tmp_path, clip):
    (tmp_path / "clip.wav").write_bytes(clip)
    (tmp_path / "neutral.wav").write_bytes(synth.wav(np.tile(NEUTRAL, 12)))  # is put on disk
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    kept = tmp_path / "temporary"
    kept.mkdir()
    server = Server(SER_MODEL=str(relative_model), TMPDIR=str(kept))

    def curl(path: str, *fields: str) -> dict:
        form = [word for field in fields for word in ("-F", field)]
        command = ["curl", "-sS", *form, f"{server.url}{path}"]
        done = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path)
        return json.loads(done.stdout)

    try:
        server.wait_ready()
        before = set(kept.rglob("*"))
        text = curl("/reference", "reference=@neutral.wav")["reference"]
        by_text = curl("/predict", "file=@clip.wav", f"reference={text}")
        by_file = curl("/predict", "file=@clip.wav", "reference=@neutral.wav")
        broken = curl("/predict", "file=@clip.wav", "reference=@broken.wav")
        assert by_text["reference"] == {"seconds": 36.0, "used": True}
        assert by_text["probabilities"] == by_file["probabilities"]
        assert broken["error"]["code"] == "unsupported_media"
        assert set(kept.rglob("*")) == before
        lines = [line for line in server.log() if line["message"] == "request"]
        assert all("reference_ms" in line for line in lines if line.get("route") == "/reference")
        assert text not in server.output()[1]
    finally:
        server.stop()
