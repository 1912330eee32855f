"""What the server gives the page: no browser needed."""

import contextlib
import io
import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from ser.corpora import CORPORA
from ser.inference import Prediction
from ser.reports.model_card import HUMAN_UAR, LIMITS, PUBLISHED
from ser.web.routes import examples
from tests import synth
from tests.server import ROOT, Server

LIMIT_BYTES = 117_000  # of code; a visitor loads nearly all of it
EXAMPLES = ROOT / "static" / "examples"
EXAMPLES_LIMIT_BYTES = 60_000  # a visitor loads the one that is wanted


def _bytes(*folders: Path) -> dict[Path, int]:
    return {p: p.stat().st_size for d in folders for p in d.rglob("*") if p.is_file()}


def test_the_page_in_all_is_small():
    sizes = _bytes(ROOT / "static", ROOT / "templates")
    assert sum(n for path, n in sizes.items() if EXAMPLES not in path.parents) < LIMIT_BYTES


def test_the_examples_are_small():
    sizes = _bytes(EXAMPLES)
    assert {path.suffix for path in sizes} == {".md", ".opus"}
    assert sum(sizes.values()) < EXAMPLES_LIMIT_BYTES


def test_the_examples_are_of_all_emotions_and_of_different_actors():
    clips = [CORPORA["emodb"].parse(path) for path in EXAMPLES.glob("*.opus")]
    played = {"angry", "disgust", "fear", "happy", "neutral", "sad"}
    assert {clip.emotion for clip in clips} == {e.emotion for e in examples()} == played
    assert len({clip.speaker for clip in clips}) == len(examples()) == len(played)
    assert len({example.title for example in examples()}) == len(played)


def test_the_examples_are_the_clips_of_the_corpus(real_data):
    for path in EXAMPLES.glob("*.opus"):
        assert path.read_bytes() == (real_data / "emodb" / path.name).read_bytes()


@pytest.mark.parametrize("in_training", [False, True])
def test_the_page_says_whether_the_examples_were_in_the_training(
    client, app, monkeypatch, in_training
):
    corpora = app.extensions["model"].model_file.metadata.corpora
    monkeypatch.delitem(corpora, "emodb", raising=False)
    if in_training:
        monkeypatch.setitem(corpora, "emodb", 535)
    assert ("emodb" in client.get("/model").get_json()["corpora"]) == in_training
    page = client.get("/").get_data(as_text=True)
    assert ("Their voices were in the training of this model" in page) == in_training
    assert ("The model was trained on this corpus" in page) == in_training
    for example in examples():
        assert f'data-src="/static/{example.file}" data-played="{example.emotion}"' in page
        assert client.get(f"/static/{example.file}").status_code == 200


def test_modules_are_small():
    for module in (ROOT / "static" / "js").glob("*.js"):
        assert len(module.read_text().splitlines()) <= 250, module.name


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(client):
    response = client.get("/")
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "microphone=(self)" in response.headers["Permissions-Policy"]
    page = response.get_data(as_text=True)
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"""(?:src|href|action)=["']?(?:https?:)?//""", page)


def test_the_manifest_and_its_icons_are_there(client):
    response = client.get("/static/app.webmanifest")
    assert response.mimetype == "application/manifest+json"
    manifest = json.loads(response.data)
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        answer = client.get(f"/static/{icon['src']}")
        assert answer.status_code == 200
        assert answer.mimetype == "image/svg+xml"


def test_the_model_says_what_people_reach_and_what_it_is_not_for(client):
    model = client.get("/model").get_json()
    assert model["human_uar"]["value"] == HUMAN_UAR
    assert [row["value"] for row in model["published"]] == [value for _, value, _ in PUBLISHED]
    assert model["limits"] == LIMITS
    assert model["trained_on"]
    card = client.get("/model/card")
    assert card.mimetype == "text/plain"
    assert LIMITS in card.get_data(as_text=True)
    assert model["name"] in card.get_data(as_text=True)


def test_no_figure_of_a_model_is_typed_into_the_page():
    for path in [ROOT / "templates" / "index.html", *(ROOT / "static" / "js").glob("*.js")]:
        assert not re.search(r"\b(?:67|0\.67|5\(1\))", path.read_text()), path.name


def test_the_form_answers_as_the_page_and_sorts_the_emotions(client, clip):
    response = client.post("/", data={"file": (io.BytesIO(clip), "clip.wav")})
    page = response.get_data(as_text=True)
    shares = [float(width) for width in re.findall(r'<rect width="([\d.]+)"', page)]
    assert len(shares) == 8
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize(
    ("arousal", "warnings", "words"),
    [
        (0.44, ("uncertain",), "Lively, but not clear which emotion"),
        (-0.2, ("uncertain",), "Calm, but not clear which emotion"),
        (0.1, ("uncertain",), ""),
        (0.44, (), ""),
        (None, ("uncertain",), ""),
    ],
)
def test_the_form_says_what_is_clear_of_an_unsure_answer(
    client, clip, monkeypatch, arousal, warnings, words
):
    valence = None if arousal is None else -0.31
    answer = Prediction("fear", 0.4, {"fear": 0.4, "angry": 0.6}, arousal, valence, 2.0, False,
                        warnings, ())  # fmt: skip
    monkeypatch.setattr("ser.inference.Predictor.predict", lambda *_, **__: answer)
    page = client.post("/", data={"file": (io.BytesIO(clip), "clip.wav")}).get_data(as_text=True)
    assert re.search(r'<p id="arousal-words">(.*)</p>', page)[1] == words
    figure = re.search(r'<figure class="plane" id="plane"(.*?)</figure>', page, re.DOTALL)[1]
    assert figure.startswith(" hidden") == (arousal is None)
    if arousal is not None:
        assert re.search(r'id="plane-point" cx="-31.0" cy="([-\d.]+)"', figure)[1] == str(
            -100 * arousal
        )
        assert "valence&nbsp;−0.31" in figure


def test_the_server_keeps_no_audio(tmp_path, clip):
    """Whatever a request brings, no file of it stays where temporary files live."""
    long = synth.wav(synth.voice(60))  # large enough to be put on disk while it is read
    film = synth.encoded(synth.voice(2), 22_050, tmp_path / "clip.m4a")  # needs ffmpeg
    kept = tmp_path / "temporary"
    kept.mkdir()
    server = Server(TMPDIR=str(kept))
    try:
        server.wait_ready()
        before = set(kept.rglob("*"))
        for sound in (clip, long, film, b"no sound"):
            body = (
                b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
                + sound
                + b"\r\n--edge--\r\n"
            )
            for data, kind in ((body, "multipart/form-data; boundary=edge"), (sound, "audio/wav")):
                request = urllib.request.Request(
                    f"{server.url}/predict", data, {"Content-Type": kind}
                )
                with contextlib.suppress(urllib.error.HTTPError):
                    urllib.request.urlopen(request, timeout=60).close()
        assert set(kept.rglob("*")) == before
    finally:
        server.stop()
