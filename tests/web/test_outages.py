"""What the server answers when something of ours is missing, full or broken."""

import resource
import socket

import pytest

from app import create_app
from ser.resources import DEFAULT_MODEL
from tests import files, synth
from tests import make_models as models
from tests.conftest import Server
from tests.waiting import wait_until
from tests.web.test_bad_input import post


def _code(answer: tuple[int, dict]) -> tuple[int, str]:
    return answer[0], answer[1].get("error", {}).get("code", "")


def test_ffmpeg_is_missing(tmp_path, clip):
    packages = files.package_without_ffmpeg(tmp_path / "packages")
    server = Server(PATH=str(tmp_path), PYTHONPATH=str(packages))
    try:
        server.wait_ready(120)
        assert _code(post(server, files.encoded("m4a"))) == (503, "unavailable")
        assert _code(post(server, clip)) == (200, "")  # libsndfile needs none
    finally:
        server.stop()


def test_a_decoder_that_takes_too_long_is_ended():
    slow = files.made_by_ffmpeg("mka", "-c", "copy", source=files.flac_bomb(80_000, 192_000, 8))
    server = Server(SER_TIMEOUT_S="0.3")
    try:
        server.wait_ready(120)
        assert _code(post(server, slow)) == (503, "timeout")
        # The answer does not wait for it.
        wait_until(lambda: not server.started(by_name="ffmpeg"), within_s=10)
    finally:
        server.stop()


def test_a_client_that_hangs_up_leaves_nothing_behind(tmp_path, clip):
    upload = files.made_by_ffmpeg("mka", "-c", "copy", source=files.flac_bomb(80_000, 192_000, 8))
    server = Server(TMPDIR=str(tmp_path), SER_MAX_SECONDS="60", SER_THREADS="1")
    head = f"POST /predict HTTP/1.1\r\nContent-Type: audio/mp4\r\nContent-Length: {len(upload)}"
    try:
        server.wait_ready(120)
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
            client.sendall(head.encode() + b"\r\n\r\n" + upload)
            wait_until(lambda: server.started(by_name="ffmpeg"), within_s=10)
        assert _code(post(server, clip)) == (200, "")  # once the one thread is free
        wait_until(lambda: not server.started(by_name="ffmpeg"), within_s=10)
        assert list(tmp_path.iterdir()) == []
    finally:
        server.stop()


def test_the_disk_is_full(server):
    """No file of the server may be larger than 4 KB: an upload cannot be put aside."""
    short = synth.wav(synth.voice(0.5))
    upload = files.encoded("m4a")
    pid, kind = server.process.pid, resource.RLIMIT_FSIZE
    before = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (4096, before[1]))
    try:
        assert _code(post(server, upload)) == (503, "unavailable")
        assert _code(post(server, short)) == (200, "")
    finally:
        resource.prlimit(pid, kind, before)
    assert _code(post(server, upload)) == (200, "")


@pytest.mark.parametrize("damage", ["missing", "cut off", "text"])
def test_the_model_file_is_missing_or_damaged(tmp_path, damage):
    path = tmp_path / "model.h5"
    if damage == "cut off":
        path.write_bytes(DEFAULT_MODEL.read_bytes()[:-20_000])
    elif damage == "text":
        path.write_text("not a model")
    server = Server(SER_MODEL=str(path))
    assert server.wait(300) == 2
    _, err = server.output()
    assert err.startswith(f"app.py: model file {path}")
    assert err.count("\n") == 1


def test_ready_says_why_there_is_no_model(tmp_path, clip):
    """Under another server than ours, which does not end the process."""
    path = tmp_path / "model.h5"
    probe = {"input": [[0.0]] * 40, "probabilities": [0.125] * 8}
    models.write_keras2(path, metadata=models.metadata(probe=probe))
    app = create_app({"SER_MODEL": path})
    assert app.extensions["model"].wait(300)
    for response in (
        app.test_client().get("/ready"),
        app.test_client().post("/predict", data=clip, content_type="audio/wav"),
    ):
        assert response.status_code == 503
        error = response.get_json()["error"]
        assert error["code"] == "not_ready"
        assert "gives other probabilities" in error["message"]
        assert response.headers["Retry-After"]
