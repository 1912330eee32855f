"""The page in a real browser: recording and live, with a microphone that hears a file."""

import re

import pytest

from tests.browser import choose, predict
from tests.waiting import wait_until

pytestmark = pytest.mark.browser


def _expect(locator):
    from playwright.sync_api import expect

    return expect(locator)


def test_record_then_predict(page):
    page.get_by_role("button", name="Record").click()
    _expect(page.locator("#record-elapsed")).to_have_text(re.compile(r"0:0[2-9]"))
    _expect(page.locator("#record-longest")).to_have_text("2:00")
    _expect(page.locator("#predict")).to_be_hidden()
    level = page.locator("#record-level")
    assert level.evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(Boolean)"
    )
    page.get_by_role("button", name="Stop").click()
    _expect(page.locator("#clip-name")).to_have_text("recording-1.wav")
    _expect(page.locator("#clip-meta")).to_have_text(re.compile(r"^0:0[2-9] · "))
    page.get_by_role("button", name="Play").click()
    _expect(page.get_by_role("button", name="Pause")).to_be_visible()
    predict(page)
    _expect(page.locator("#source")).to_have_text("recording-1.wav")
    _expect(page.locator("#confidence")).to_contain_text("% confidence")


def test_a_recording_ends_by_itself_when_an_upload_would_be_too_large(page):
    page.route("**/", lambda route: _with_limit(route, 200_000))
    page.reload()
    page.get_by_role("button", name="Record").click()
    _expect(page.locator("#clip-name")).to_have_text("recording-1.wav")
    predict(page)


def _with_limit(route, max_bytes):
    response = route.fetch()
    text = re.sub(r"(&#34;maxBytes&#34;: )\d+", rf"\g<1>{max_bytes}", response.text())
    assert str(max_bytes) in text
    route.fulfill(response=response, body=text)


def test_live_for_five_seconds_one_request_at_a_time(page):
    under_way, most, sent = set(), [], []

    def begin(request):
        if request.url.endswith("/predict"):
            under_way.add(request)
            sent.append(request)
            most.append(len(under_way))

    page.on("request", begin)
    page.on("requestfinished", lambda request: under_way.discard(request))
    page.on("requestfailed", lambda request: under_way.discard(request))
    page.get_by_role("button", name="Live").click()
    cells = page.locator("#strip > li")
    wait_until(lambda: cells.count() >= 5)
    _expect(page.locator("#source")).to_have_text("Live: the last 3 seconds")
    _expect(page.locator("#details")).to_contain_text("3.0 s of audio")
    _expect(page.locator("#emotion")).to_be_visible()
    _expect(cells.first).to_have_text(re.compile(r"\w+\?? \d+ %"))
    page.get_by_role("button", name="Stop").click()
    _expect(page.locator("#live-shares")).to_contain_text("%")
    assert max(most) == 1
    asked = len(sent)
    page.wait_for_timeout(1500)
    assert len(sent) == asked, "it went on after Stop"
    _expect(page.get_by_role("button", name="Record")).to_be_visible()


# What happens to a request, and how often Live must have asked before it is believed.
LOST = {
    "no connection": (lambda route: route.abort("connectionfailed"), 6),
    "a proxy without a server": (lambda route: route.fulfill(status=502, body="lost"), 6),
    "a server that starts": (
        lambda route: route.fulfill(status=503, json=_problem("loading")),
        3,
    ),
    "a request that never ends": (lambda route: None, 6),
}


def _problem(code: str) -> dict:
    return {"error": {"code": code, "message": "the reason", "request_id": "1"}}


@pytest.mark.parametrize(("answer", "often"), LOST.values(), ids=LOST)
def test_live_goes_on_by_itself_after_a_lost_connection(watch, page, answer, often):
    watch.refusals_expected = True
    asked = []
    page.clock.install()
    page.route("**/predict", lambda route: (asked.append(route), answer(route)))
    page.get_by_role("button", name="Live").click()
    _expect(page.locator("#live-panel")).to_be_visible()

    def asked_often() -> bool:
        page.clock.run_for(500)  # also lets routes be answered
        return len(asked) >= often

    wait_until(asked_often)
    _expect(page.locator("#live-state")).to_have_text("waiting for the server …")
    _expect(page.locator("#strip > li")).to_have_count(0)
    page.unroute("**/predict")
    _expect(page.locator("#strip > li").first).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    _expect(page.get_by_role("alert")).to_be_hidden()


def test_live_ends_after_some_errors_of_the_server(watch, page):
    watch.refusals_expected = True
    page.route("**/predict", lambda route: route.fulfill(status=500, json=_problem("internal")))
    page.get_by_role("button", name="Live").click()
    _expect(page.get_by_role("alert")).to_contain_text("The reason")
    _expect(page.get_by_role("button", name="Live")).to_be_visible()


def test_live_shows_what_it_is_not_sure_of_faintly(page, watch):
    watch.refusals_expected = True

    def unsure(route):
        answer = route.fetch().json()
        route.fulfill(json={**answer, "warnings": ["uncertain"]})

    page.route("**/predict", unsure)
    page.get_by_role("button", name="Live").click()
    cell = page.locator("#strip > li.unsure").first
    _expect(cell).to_have_text(re.compile(r"\w+\? \d+ %"))
    _expect(page.locator("#emotion")).to_contain_text(re.compile("not sure", re.IGNORECASE))
    page.get_by_role("button", name="Stop").click()
    _expect(page.locator("#live-shares")).to_contain_text("not sure")


def test_live_shows_silence(watch, page):
    watch.refusals_expected = True
    page.route("**/predict", lambda route: route.fulfill(status=422, json=_problem("silent")))
    page.get_by_role("button", name="Live").click()
    _expect(page.locator("#strip > li").first).to_contain_text("silence")
    page.get_by_role("button", name="Stop").click()
    _expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize("way", ["Record", "Live"])
def test_a_refused_microphone_is_explained(watch, stern_chromium, media, way):
    page = watch.open(stern_chromium)
    page.get_by_role("button", name=way).click()
    _expect(page.get_by_role("alert")).to_contain_text("The microphone is blocked for this page")
    choose(page, media / "voice.wav")  # the rest goes on working
    _expect(page.get_by_role("alert")).to_be_hidden()


def test_a_microphone_that_cannot_be_heard_is_closed(page):
    page.evaluate(
        """() => {
          const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async (wish) => (window.opened = await ask(wish));
          AudioContext.prototype.createMediaStreamSource = () => {
            throw new Error("rates differ");
          };
        }"""
    )
    page.get_by_role("button", name="Record").click()
    _expect(page.get_by_role("alert")).to_contain_text("could not be opened: rates differ")
    assert page.evaluate("opened.getTracks().map((track) => track.readyState)") == ["ended"]


def test_no_microphone_at_all_is_explained(page):
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () =>"
        " Promise.reject(new DOMException('none', 'NotFoundError')); }"
    )
    page.get_by_role("button", name="Record").click()
    _expect(page.get_by_role("alert")).to_contain_text("No microphone was found")
    _expect(page.get_by_role("button", name="Record")).to_be_visible()
