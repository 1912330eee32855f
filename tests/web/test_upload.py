"""Uploads as clients send them: forms, raw bodies, and what the refusals say."""

import io
import socket
import subprocess
import sys

import pytest

from ser.errors import UsageError
from ser.web.supervisor import listen
from tests.exchange import form, part

FORM = "multipart/form-data; boundary=edge"


def message(response) -> str:
    assert response.status_code == 400, response.get_json()
    error = response.get_json()["error"]
    assert error["code"] == "bad_request"
    return error["message"]


@pytest.mark.parametrize("name", [None, "", "clip.wav"])
def test_a_file_of_any_name_or_none(client, clip, name):
    body = form(part(clip, name=name))
    edge = body.split(b"\r\n", 1)[0][2:].decode()
    kind = f"multipart/form-data; boundary={edge}"
    answer = client.post("/predict", data=body, content_type=kind)
    assert answer.status_code == 200, answer.get_json()
    raw = client.post("/predict", data=clip, content_type="audio/wav").get_json()
    assert answer.get_json()["probabilities"] == raw["probabilities"]


@pytest.mark.parametrize("kind", ["application/ogg", "application/mp4", "binary/octet-stream"])
def test_raw_bodies_of_types_that_programs_send(client, clip, kind):
    assert client.post("/predict", data=clip, content_type=kind).status_code == 200


def test_a_form_that_is_not_ours_says_which_field_came(client, clip):
    data = {"audio": (io.BytesIO(clip), "clip.wav"), "lang": "en"}
    text = message(client.post("/predict", data=data))
    assert "no file in the field 'file'" in text
    assert "'audio'" in text
    assert "'lang'" in text


def test_a_part_without_a_name(client):
    head = b"--edge\r\nContent-Disposition: form-data\r\n\r\n"
    text = message(client.post("/predict", data=head + b"x\r\n--edge--\r\n", content_type=FORM))
    assert "no file in the field 'file'" in text


def test_no_file_was_chosen(client):
    text = message(client.post("/predict", data={"file": (io.BytesIO(b""), "")}))
    assert "no file was chosen" in text


def test_a_large_file_without_a_name_is_never_too_many_fields(client, clip):
    data = {"file": (io.BytesIO(clip + bytes(2_000_000)), "")}
    assert client.post("/predict", data=data).status_code == 200


@pytest.mark.parametrize("body", [b"", b"--edge\r\n", b"--edge\r\nbroken\r\n\r\nx", b"x" * 1000])
def test_a_broken_form(client, body):
    message(client.post("/predict", data=body, content_type=FORM))


def test_a_refused_origin_says_what_to_do(client, clip):
    response = client.post(
        "/predict", data=clip, content_type="audio/wav", headers={"Origin": "https://x.example"}
    )
    assert response.status_code == 403
    text = response.get_json()["error"]["message"]
    assert "https://x.example" in text
    assert "SER_TRUSTED_PROXIES" in text


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "app.py"],
            env={"PORT": str(port), "HOST": "127.0.0.1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert f"port {port} is in use" in done.stderr
    assert "PORT=" in done.stderr


@pytest.mark.parametrize("host", ["nonsense.invalid", "203.0.113.7"])
def test_an_address_that_is_not_ours_names_the_setting(host):
    with pytest.raises(UsageError, match=rf"^cannot listen on HOST={host} PORT=5999: \w"):
        listen(host, 5999)


def test_port_5000_names_airplay(monkeypatch):
    def refuse(*_args, **_options):
        raise OSError(98, "Address already in use")

    monkeypatch.setattr("socket.create_server", refuse)
    with pytest.raises(Exception, match="AirPlay"):
        listen("127.0.0.1", 5000)
