"""The description at /openapi.json is true: schemathesis tries to prove it wrong."""

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from ser.labels import EMOTIONS
from ser.models.model_file import read_model_file
from ser.resources import DEFAULT_MODEL
from ser.web.errors import ERRORS
from ser.web.openapi import describe
from ser.web.settings import Settings
from tests import synth
from tests.server import Server

# What a schema cannot say: which bytes are a voice.
VOICES = st.integers(1, 9).map(lambda n: synth.wav(synth.voice(0.3 + n / 10, pitch=80 + 20 * n)))
for kind in ("audio/*", "video/*", "application/octet-stream"):
    schemathesis.openapi.media_type(kind, VOICES)
# Or which text is of captions.
CAPTIONS = st.integers(0, 9).map(
    lambda n: f"WEBVTT\n\n00:00.{n}00 --> 00:01.000\nWord {n}\n".encode()
)
for kind in ("application/x-subrip", "text/vtt"):
    schemathesis.openapi.media_type(kind, CAPTIONS)


@schemathesis.hook
def filter_case(_context, case) -> bool:
    """Leave out what the text of the description says: captions are of one file."""
    body = case.body if isinstance(case.body, dict) else {}
    if not isinstance(body.get("file"), list) or len(body["file"]) < 2:
        return True
    forms = [options.get("format", "json") for options in (case.query or {}, body)]
    return "cues" not in body and all(form in ("json", "csv") for form in forms)


# Made here as the app makes it: the tests are collected before any server runs.
shipped = read_model_file(DEFAULT_MODEL)
labels, takes_reference = shipped.metadata.labels, shipped.features.relative
description = describe(Settings(), labels, takes_reference=takes_reference)


def _schema(description: dict):
    schema = schemathesis.openapi.from_dict(description)
    # A form without the file and with too many other fields is refused for those.
    rejection = schema.config.checks.negative_data_rejection
    rejection.expected_statuses = [*rejection.expected_statuses, "413"]
    return schema


schema = _schema(description)
# A model that takes no reference refuses every one.
answered = schema if takes_reference else schema.exclude(path="/reference")
relative = _schema(describe(Settings(), EMOTIONS, takes_reference=True))


def test_it_is_what_the_app_gives(client):
    assert client.get("/openapi.json").get_json() == json.loads(json.dumps(description))


few = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@answered.parametrize()
@few
def test_the_description_is_true(case, server):
    case.call_and_validate(base_url=server.url)


@pytest.fixture(scope="module")
def relative_server(relative_model):
    server = Server(SER_MODEL=str(relative_model))
    try:
        yield server.wait_ready()
    finally:
        server.stop()


@relative.include(path=["/predict", "/reference", "/model"]).parametrize()
@few
def test_the_description_of_a_model_that_takes_a_reference_is_true(case, relative_server):
    case.call_and_validate(base_url=relative_server.url)


def test_every_address_is_described(app):
    paths = description["paths"]
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]
    for rule in rules:
        assert {m.lower() for m in rule.methods - {"HEAD", "OPTIONS"}} <= set(paths[rule.rule])
    assert set(paths) == {rule.rule for rule in rules}


def test_arousal_is_a_number_only_where_the_labels_are_emotions():
    for labels, kind in ((("happy", "sad"), "number"), (("positive", "negative"), "null")):
        schemas = describe(Settings(), labels)["components"]["schemas"]
        for name in ("Answer", "Segment"):
            assert schemas[name]["properties"]["arousal"]["type"] == kind
            assert {"arousal", "valence"} <= set(schemas[name]["required"])


def test_every_error_is_described():
    post = description["paths"]["/predict"]["post"]["responses"]
    for code, (status, _) in ERRORS.items():
        if code not in ("not_found", "method_not_allowed"):
            assert f"`{code}`" in post[str(status)]["description"]
