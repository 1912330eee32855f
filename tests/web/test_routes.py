"""The addresses of the app, through Flask's client and through a real server."""

import io
import json
import logging
import subprocess
import threading

import pytest

from ser.errors import UsageError
from ser.models.model_file import read_model_file
from ser.resources import DEFAULT_MODEL
from ser.web import build_app
from ser.web.settings import SETTINGS, Settings, read_settings
from tests import synth
from tests.inference.test_predictor import check_answer
from tests.server import Server


def error_of(response) -> dict:
    error = response.get_json()["error"]
    assert set(error) == {"code", "message", "request_id"}
    assert error["request_id"] == response.headers["X-Request-ID"]
    return error


def test_predict_multipart(client, clip):
    response = client.post("/predict", data={"file": (io.BytesIO(clip), "clip.wav")})
    assert response.status_code == 200
    answer = response.get_json()
    model_file = read_model_file(DEFAULT_MODEL)
    check_answer(answer, model_file.metadata.labels)
    assert answer["model"] == {"name": model_file.metadata.name, "version": model_file.version}
    assert answer["request_id"] == response.headers["X-Request-ID"]
    assert set(answer["warnings"]) <= {"uncertain"}


@pytest.mark.parametrize("kind", ["audio/wav", "video/mp4", "application/octet-stream"])
def test_predict_raw_body(client, clip, kind):
    raw = client.post("/predict", data=clip, content_type=kind).get_json()
    form = client.post("/predict", data={"file": (io.BytesIO(clip), "clip.wav")}).get_json()
    assert raw["probabilities"] == form["probabilities"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\0b.wav", "голос.wav", "x" * 5000, "clip.txt", "no-extension"]
)
def test_odd_file_names(client, clip, name):
    response = client.post("/predict", data={"file": (io.BytesIO(clip), name)})
    assert response.status_code == 200


def _file(data: bytes, name: str = "clip.wav") -> dict:
    return {"data": {"file": (io.BytesIO(data), name)}}


def test_a_browser_gets_errors_on_the_page(client):
    response = client.post("/", **_file(b"<b>no audio"), headers={"Accept": "text/html,*/*;q=0.8"})
    assert response.status_code == 415
    assert response.mimetype == "text/html"
    assert "this is no audio or video file" in response.text


def test_the_page_without_javascript_shows_the_answer(client, clip):
    response = client.post("/", **_file(clip), headers={"Accept": "text/html"})
    answer = client.post("/predict", **_file(clip)).get_json()
    assert response.status_code == 200
    assert answer["emotion"] in response.text
    assert f"{answer['confidence'] * 100:.0f} %" in response.text


def test_health_answers_while_the_model_is_being_loaded(clip):
    app = build_app(Settings())  # its model is never started
    client = app.test_client()
    assert client.get("/health").get_json() == {"status": "ok"}
    for response in (client.get("/ready"), client.post("/predict", **_file(clip))):
        assert response.status_code == 503
        assert error_of(response)["code"] == "not_ready"
        assert int(response.headers["Retry-After"]) > 0


def test_ready(client):
    assert client.get("/ready").status_code == 200


def test_model(client):
    answer = client.get("/model").get_json()
    meta = read_model_file(DEFAULT_MODEL).metadata
    assert answer["labels"] == list(meta.labels)
    assert answer["features"] == meta.features
    assert answer["scores"] == meta.scores
    assert answer["licence"] == meta.licence


def test_anything_unforeseen_is_logged_and_not_told(client, clip, monkeypatch, caplog):
    def fail(*_args, **_options):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("ser.inference.predictor.Predictor.predict", fail)
    with caplog.at_level(logging.ERROR):
        response = client.post("/predict", **_file(clip))
    assert response.status_code == 500
    error = error_of(response)
    assert error["code"] == "internal"
    assert "secret" not in response.text
    assert error["request_id"] in caplog.text
    assert "secret detail" in caplog.text


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("PORT", "http", "number from 0 to 65535"),
        ("PORT", "70000", "number from 0 to 65535"),
        ("SER_MAX_UPLOAD_MB", "0", "number from 0.001 to 1024"),
        ("SER_MAX_SECONDS", "nan", "number from 1 to 7200"),
        ("SER_THREADS", "2.5", "number from 1 to 64"),
        ("SER_LOG_LEVEL", "loud", "DEBUG, INFO"),
    ],
)
def test_a_bad_setting_is_named(variable, value, allowed):
    with pytest.raises(UsageError, match=allowed) as caught:
        read_settings({variable: value})
    assert f"{variable}={value!r}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_and_defaults():
    assert read_settings({}) == Settings()
    assert read_settings({"PORT": " "}) == Settings()
    assert read_settings({"SER_MAX_UPLOAD_MB": "2"}).max_upload_bytes == 2_000_000
    assert set(SETTINGS) == set(vars(Settings()))


@pytest.mark.parametrize(("copies", "threads", "queue"), [(1, 4, 16), (2, 2, 8), (3, 2, 6)])
def test_copies_share_the_files_at_work_and_waiting(copies, threads, queue):
    share = Settings(threads=4, queue=16, web_concurrency=copies).share()
    assert (share.threads, share.queue) == (threads, queue)


def test_a_bad_setting_stops_the_start():
    server = Server(SER_THREADS="many")
    assert server.wait() == 2
    _, err = server.output()
    assert err.startswith("app.py: SER_THREADS='many'")
    assert err.count("\n") == 1


def test_curl(server, tmp_path, clip):
    path = tmp_path / "clip.wav"
    path.write_bytes(clip)
    for form in (
        ["-F", f"file=@{path}"],
        ["-H", "Content-Type: audio/wav", "--data-binary", f"@{path}"],
    ):
        done = subprocess.run(
            ["curl", "-sS", *form, f"{server.url}/predict"], capture_output=True, check=True
        )
        assert json.loads(done.stdout)["emotion"]


def test_eight_clients_get_the_answers_that_one_gets(server, tmp_path):
    paths = []
    for seed in range(8):
        path = tmp_path / f"{seed}.wav"
        path.write_bytes(synth.wav(synth.voice(1.0, pitch=90 + 30 * seed, seed=seed)))
        paths.append(path)

    def ask(path) -> dict:
        command = ["curl", "-sS", "-F", f"file=@{path}", f"{server.url}/predict"]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    alone = [ask(path)["probabilities"] for path in paths]
    together: dict[int, list] = {}

    def client(number: int) -> None:
        together[number] = [ask(paths[(number + i) % 8])["probabilities"] for i in range(8)]

    threads = [threading.Thread(target=client, args=(n,)) for n in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    for number in range(8):
        for i, answer in enumerate(together[number]):
            assert answer == pytest.approx(alone[(number + i) % 8], abs=1e-7)
