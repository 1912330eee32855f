"""The page in a real browser: the forms of an answer, channels, captions and examples."""

import json
import re

import pytest

from ser.timeline import TIMELINE_FORMS, timeline_of
from tests.browser import choose, predict
from tests.web.test_page_access import _expect

pytestmark = pytest.mark.browser


def download(page, form: str):
    """Return the file that "Download as" gives: its name and its bytes."""
    if page.locator("#downloads").get_attribute("open") is None:
        page.get_by_text("Download as").click()
    with page.expect_download() as waiting:
        page.locator("#forms").get_by_role("button", name=form, exact=True).click()
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def test_download_as_gives_what_the_server_gives(page, media, predictor):
    choose(page, media / "half a minute.wav")
    predict(page)
    timeline = timeline_of(predictor.predict(media / "half a minute.wav"))
    titles = ["JSON", *(form.title for form in TIMELINE_FORMS.values())]
    page.get_by_text("Download as").click()
    _expect(page.locator("#forms button")).to_have_text(titles)
    page.get_by_text("Download as").click()
    _expect(page.locator("#forms")).to_be_hidden()
    for form in TIMELINE_FORMS.values():
        name, text = download(page, form.title)
        assert name == f"half a minute{form.suffix}"
        assert text.decode() == form.write(timeline), form.title
        _expect(page.locator("#status")).to_have_text("Downloaded")
    name, text = download(page, "JSON")
    assert name == "half a minute.json"
    (answer,) = json.loads(text)
    assert answer["file"] == "half a minute.wav"
    assert len(answer["segments"]) > 10


def test_a_recording_is_downloaded_by_keyboard(page):
    page.get_by_role("button", name="Record").click()
    _expect(page.locator("#record-elapsed")).not_to_have_text("0:00")
    page.get_by_role("button", name="Stop").click()
    predict(page)
    page.locator("#downloads summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    _expect(page.get_by_role("button", name="JSON", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "recording-1.vtt"
    assert waiting.value.path().read_bytes().startswith(b"WEBVTT\n")


def test_a_download_that_fails_says_why(watch, page, media):
    watch.refusals_expected = True
    choose(page, media / "voice.wav")
    predict(page)
    problem = {"error": {"code": "internal", "message": "no luck today", "request_id": "1"}}
    page.route("**/predict", lambda route: route.fulfill(status=500, json=problem), times=1)
    page.get_by_text("Download as").click()
    page.get_by_role("button", name="SRT").click()
    _expect(page.get_by_role("alert")).to_have_text("No luck today.")
    assert download(page, "SRT")[0] == "voice.srt"
    _expect(page.get_by_role("alert")).to_be_hidden()


def test_without_its_audio_only_the_answer_can_be_downloaded(page, media):
    choose(page, media / "voice.wav")
    predict(page)
    page.reload()
    page.locator("#history > li").get_by_role("button").click()
    page.get_by_text("Download as").click()
    _expect(page.locator("#forms-hint")).to_contain_text("no longer has the audio")
    _expect(page.locator("#forms button:enabled")).to_have_text(["JSON"])
    assert json.loads(download(page, "JSON")[1])[0]["file"] == "voice.wav"
