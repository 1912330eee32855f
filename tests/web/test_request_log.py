"""What operators and browsers see of a request: log, metrics, identity, security headers."""

import io
import json
import logging

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app import create_app
from ser.inference import STAGES
from ser.web.request_log import JsonFormatter, current_record, log_request
from tests import files
from tests.waiting import wait_until

NAME = "a-private-name.wav"


@pytest.fixture
def lines():
    """Return the lines that the app writes to its log, as they are written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    log = logging.getLogger("ser")
    before = log.level
    log.setLevel(logging.INFO)  # which, unlike the attribute, reaches the loggers below it
    log.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    log.removeHandler(handler)
    log.setLevel(before)


def _upload(data: bytes, name: str = NAME) -> dict:
    return {"data": {"file": (io.BytesIO(data), name)}}


def test_one_line_a_request(client, clip, lines):
    response = client.post("/predict", **_upload(clip))
    (line,) = lines()
    assert line["request_id"] == response.headers["X-Request-ID"]
    assert (line["status"], line["code"], line["route"]) == (200, "ok", "/predict")
    assert line["bytes"] > len(clip)
    assert line["audio_s"] == pytest.approx(2.0)
    stages = [line[f"{stage}_ms"] for stage in (*STAGES, "queue")]
    assert all(milliseconds >= 0 for milliseconds in stages)
    assert sum(stages) <= line["total_ms"] + 1


def test_a_refusal_is_one_line_with_its_code(client, lines):
    client.post("/predict", **_upload(b"<b>private words", NAME))
    client.get(f"/{NAME}")
    refused, unknown = lines()
    assert (refused["status"], refused["code"]) == (415, "unsupported_media")
    assert refused["audio_s"] is None
    assert refused["decode_ms"] >= 0
    assert "model_ms" not in refused
    assert (unknown["status"], unknown["code"], unknown["route"]) == (404, "not_found", None)


def test_neither_names_nor_content_are_logged(client, clip, lines, monkeypatch):
    client.post("/predict", **_upload(clip))
    client.post("/predict", **_upload(b"<b>private words"))
    client.get(f"/{NAME}?q=private")
    monkeypatch.setattr("ser.inference.predictor.Predictor.predict", lambda *_a, **_k: 1 / 0)
    failed = client.post("/predict", **_upload(clip))
    text = json.dumps(lines())
    assert "ZeroDivisionError" in text
    assert "private" not in text
    ids = [line["request_id"] for line in lines()]
    assert ids.count(failed.get_json()["error"]["request_id"]) == 2  # with its traceback


def test_the_request_id_comes_in_and_goes_out(client):
    given = "0af7651916cd43dd8448eb211c80319c"
    assert client.get("/health", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given
    for odd in ('a"b', "x" * 65, "", "a b", "é"):
        own = client.get("/health", headers={"X-Request-ID": odd}).headers["X-Request-ID"]
        assert own != odd
        assert len(own) == 32


def _metrics(client) -> dict:
    response = client.get("/metrics")
    assert response.mimetype == "text/plain"
    families = text_string_to_metric_families(response.get_data(as_text=True))
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics(client, clip):
    before = _metrics(client)
    client.post("/predict", **_upload(clip))
    client.post("/predict", **_upload(b"RIFF\0\0\0\0WAVE" + bytes(99)))
    client.post("/predict", **_upload(b"hello"))
    after = _metrics(client)

    def more(*key: str) -> float:
        return after[key] - before.get(key, 0)

    assert more("ser_requests_total", "200", "ok") == 2  # and /metrics itself, before
    assert more("ser_requests_total", "415", "unsupported_media") == 1
    for stage in STAGES:
        assert more("ser_stage_seconds_count", stage) == (3 if stage == "decode" else 1)
        assert more("ser_stage_seconds_sum", stage) > 0
    assert after["ser_at_work",] == after["ser_queued",] == 0
    assert after["process_resident_memory_bytes",] > 1e6


def test_decoder_failures_are_counted(client):
    before = _metrics(client).get(("ser_decoder_failures_total", "damaged"), 0)
    cut = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + b"\0\0\xff\xffmdat" + bytes(9999)
    assert client.post("/predict", **_upload(cut)).get_json()["error"]["code"] == "damaged"
    assert _metrics(client)["ser_decoder_failures_total", "damaged"] == before + 1


def test_a_decoder_that_outlives_its_request_is_counted():
    slow = files.made_by_ffmpeg("mka", "-c", "copy", source=files.flac_bomb(80_000, 192_000, 8))
    app = create_app({"SER_TIMEOUT_S": "0.3"})
    assert app.extensions["model"].wait(300)
    client = app.test_client()
    assert client.post("/predict", **_upload(slow)).get_json()["error"]["code"] == "timeout"
    counted = ("ser_decoder_failures_total", "timeout")
    wait_until(lambda: _metrics(client).get(counted), within_s=30)
    assert _metrics(client)[counted] == 1


def test_a_stage_that_ends_while_its_request_is_logged(app, lines):
    """As of a prediction that was given up, and goes on in its thread."""

    class LastStage(float):
        def __rmul__(self, other: float) -> float:
            current_record().stages["model"] = 1.0
            return other * float(self)

    with app.test_request_context("/predict"):
        current_record().stages |= {"decode": LastStage(0.5), "features": 0.25}
        log_request(app.response_class(status=503))
    (line,) = lines()
    assert (line["decode_ms"], line["features_ms"]) == (500, 250)


@pytest.mark.parametrize("path", ["/", "/health", "/model", "/static/style.css", "/nothing"])
def test_security_headers(client, path):
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Permissions-Policy"].startswith("microphone=(self)")
    assert headers["Cache-Control"] == ("no-cache" if "static" in path else "no-store")
    assert "Strict-Transport-Security" not in headers


def test_hsts_behind_https(client):
    headers = client.get("/", base_url="https://emotion.example").headers
    assert "max-age=" in headers["Strict-Transport-Security"]


def test_proxies_are_believed_only_when_told_to(client):
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "emotion.example"}
    ours = {"Origin": "https://emotion.example", **forwarded}
    assert "Strict-Transport-Security" not in client.get("/", headers=forwarded).headers
    assert client.post("/predict", headers=ours).status_code == 403
    app = create_app({"SER_TRUSTED_PROXIES": 1})
    assert app.extensions["model"].wait(300)  # an end while it loads would be a crash
    behind = app.test_client()
    assert "Strict-Transport-Security" in behind.get("/", headers=forwarded).headers
    assert behind.post("/predict", headers=ours).status_code != 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost"},
        {"Origin": "https://localhost"},  # a proxy ended the encryption
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},  # our own form
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_our_own_page_may_post(client, clip, headers):
    assert client.post("/predict", **_upload(clip), headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost.example"},
        {"Origin": "http://localhost:81"},
        {"Origin": "http://[nonsense"},
        {"Origin": "localhost"},
        {"Origin": ""},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_foreign_pages_may_not_post(client, clip, headers):
    response = client.post("/predict", **_upload(clip), headers=headers)
    assert response.status_code == 403
    assert response.get_json()["error"]["code"] == "cross_origin"
