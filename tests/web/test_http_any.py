"""Anything at all, made by hypothesis, gets an answer of the table."""

import json
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ser.web.errors import ERRORS
from tests import synth
from tests.exchange import EDGE, FORM, check_error, form, headers_of, part, raw

NAMES = st.text(st.characters(exclude_characters='"\r\n', exclude_categories=("Cs",)), max_size=40)
CONTENTS = st.one_of(st.binary(max_size=300), st.just(synth.wav(synth.voice(0.5))))
PARTS = st.builds(
    lambda data, field, name: part(data, field_name=field, name=name),
    CONTENTS,
    st.one_of(st.just("file"), NAMES),
    st.one_of(st.none(), NAMES),
)
OF_THE_TABLE = {(status, code) for code, (status, _) in ERRORS.items() if status < 500} | {
    (200, "ok")
}
thorough = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@thorough
@given(parts=st.lists(PARTS, max_size=4), cut=st.one_of(st.none(), st.integers(0, 400)))
def test_any_form(client, parts, cut):
    response = client.post("/predict", data=form(*parts)[:cut], headers=FORM)
    body = response.get_json()
    code = body["error"]["code"] if "error" in body else "ok"
    assert (response.status_code, code) in OF_THE_TABLE


HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\n"
REQUESTS = st.sampled_from(
    [
        HEAD + b"Content-Length: 5\r\n\r\nhello",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        HEAD.replace(b"audio/wav", f"multipart/form-data; boundary={EDGE}".encode())
        + b"Content-Length: 99\r\n\r\n" + part(b"hello")[:99],
        b"GET /health HTTP/1.1\r\nHost: x\r\nX-Request-ID: me\r\nExpect: 100-continue\r\n\r\n",
    ]
)  # fmt: skip
CHANGES = st.lists(
    st.tuples(st.integers(0, 150), st.integers(0, 4), st.binary(max_size=4)), min_size=1, max_size=4
)


@thorough
@given(data=REQUESTS, changes=CHANGES)
def test_any_bytes(port, data, changes):
    """Requests with some bytes changed: a whole answer of the table, or a closed connection."""
    for at, length, new in changes:
        data = data[:at] + new + data[at + length :]
    answer = raw(port, data)
    while answer:
        head, _, rest = answer.partition(b"\r\n\r\n")
        status = int(re.match(rb"HTTP/1\.[01] (\d{3}) ", head)[1])
        if status == 100:
            answer = rest
            continue
        headers = headers_of(head)
        length = int(headers["Content-Length"])
        if headers["Content-Type"] == "application/json" and status >= 400 and rest:
            check_error(status, headers, json.loads(rest[:length]))
        assert status < 500
        answer = rest[length:]
