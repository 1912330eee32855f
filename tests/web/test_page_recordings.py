"""The page in a real browser: the forms of an answer, channels, captions and examples."""

import json
import re

import numpy as np
import pytest

from ser.timeline import TIMELINE_FORMS, read_cues, timeline_of
from ser.web.routes import examples
from tests import synth
from tests.browser import choose, predict
from tests.server import ROOT
from tests.waiting import wait_until
from tests.web.test_page_access import PHONE, TARGET_PX, _axe, _expect

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


SRT = b"""1
00:00:00,500 --> 00:00:02,500
Good morning!

2
00:00:04,000 --> 00:00:06,000
It rains,
again.

3
00:00:59,000 --> 00:01:00,000
Too late
"""
EXAMPLES = 6


@pytest.fixture(scope="session")
def sides(media):
    """Return files of several channels: a call, one with a silent side, a copy, and four."""
    voices = [synth.voice(9.0, pitch=pitch, seed=seed) for seed, pitch in enumerate((110, 300))]
    silence = np.zeros_like(voices[0])
    channels = {
        "call.wav": voices,
        "one side.wav": [voices[0], silence],
        "copy.wav": [voices[0], voices[0]],
        "four.wav": [*voices, silence, voices[0][::-1]],
    }
    for name, columns in channels.items():
        (media / name).write_bytes(synth.wav(np.column_stack(columns)))
    return media


def apart(page) -> None:
    page.get_by_role("button", name="Each channel apart").click()
    page.locator("#channels").wait_for()


def test_each_channel_apart_has_a_timeline_and_a_summary(page, sides, predictor):
    choose(page, sides / "call.wav")
    predict(page)
    apart(page)
    _expect(page.locator("#apart")).to_have_attribute("aria-pressed", "true")
    _expect(page.locator("#timelines .row-name")).to_have_text(["Left", "Right"])
    whole = predictor.predict_channels(sides / "call.wav")
    for i, (name, channel) in enumerate(zip(("Left", "Right"), whole.channels, strict=True)):
        summary = page.locator("#channels > li").nth(i)
        _expect(summary).to_contain_text(re.compile(f"^{name} .*{channel.emotion}.*% confidence"))
        row = page.get_by_role("listbox", name=f"{name}, emotions over time")
        _expect(row.get_by_role("option")).to_have_count(len(channel.segments))
        assert row.bounding_box()["width"] == page.locator("#wave").bounding_box()["width"]
    page.get_by_role("listbox", name="Right").focus()
    page.keyboard.press("End")
    _expect(page.locator("#detail-title")).to_have_text(re.compile("^Right, .* – 0:09"))
    assert download(page, "WebVTT")[1].decode() == TIMELINE_FORMS["vtt"].write(timeline_of(whole))
    assert len(json.loads(download(page, "JSON")[1])[0]["channels"]) == 2
    page.get_by_role("button", name="Each channel apart").click()
    _expect(page.locator("#channels")).to_be_hidden()
    _expect(page.locator("#shares")).to_be_visible()
    assert page.get_by_role("listbox").count() == 1


def test_further_channels_have_numbers_and_silence_is_said(page, sides):
    choose(page, sides / "four.wav")
    predict(page)
    apart(page)
    names = ["Left", "Right", "Channel 3: silent", "Channel 4"]
    _expect(page.locator("#timelines .row-name")).to_have_text(names)
    _expect(page.locator("#channels > li").nth(2)).to_contain_text("silent: no voice")
    choose(page, sides / "one side.wav")
    _expect(page.locator("#channels")).to_be_hidden()
    predict(page)
    apart(page)
    _expect(page.locator("#channels > li").nth(1)).to_contain_text("Right 🔇 silent")


def test_channels_are_offered_where_they_may_differ(page, sides):
    button = page.get_by_role("button", name="Each channel apart")
    for name in ("voice.wav", "copy.wav"):
        choose(page, sides / name)
        predict(page)
        page.wait_for_function("document.querySelector('#cursor').checkVisibility()")
        page.wait_for_timeout(500)  # the browser decodes the clip in this time
        _expect(button).to_be_hidden()
    choose(page, sides / "no-preview.aiff")  # the browser cannot look into it
    predict(page)
    button.click()
    _expect(page.get_by_role("alert")).to_have_text("The file has one channel.")


def test_channels_that_come_after_a_new_answer_are_not_shown(page, sides):
    choose(page, sides / "call.wav")
    predict(page)
    held = []
    page.route("**/predict", lambda route: held.append(route), times=1)
    page.get_by_role("button", name="Each channel apart").click()
    wait_until(lambda: page.title() and held)
    predict(page)  # a new answer of the same clip
    held[0].continue_()
    _expect(page.get_by_role("button", name="Each channel apart")).to_be_enabled()
    _expect(page.locator("#channels")).to_be_hidden()
    _expect(page.locator("#apart")).to_have_attribute("aria-pressed", "false")


def test_captions_get_their_emotions_in_a_list_and_on_the_timeline(page, sides, predictor):
    (sides / "half a minute.srt").write_bytes(SRT)
    choose(page, sides / "half a minute.wav", sides / "half a minute.srt")
    _expect(page.locator("#clip-meta")).to_contain_text("with half a minute.srt")
    predict(page)
    answer = predictor.predict(sides / "half a minute.wav", cues=read_cues(SRT))
    rows = page.locator("#cues-list > li")
    _expect(rows).to_have_count(3)
    for i in (0, 1):
        _expect(rows.nth(i)).to_contain_text(
            f"{answer.cues[i].emotion} {answer.cues[i].confidence:.0%}".replace("%", " %")
        )
    _expect(rows.nth(2)).to_contain_text("not analysed")

    box = page.get_by_role("listbox", name="Captions")
    _expect(box.get_by_role("option")).to_have_count(2)  # the third is outside
    width = box.bounding_box()["width"]
    box.hover(position={"x": width * 5 / 30, "y": 5})
    _expect(page.locator("#detail-text")).to_have_text("It rains,\nagain.")
    _expect(page.locator("#detail-title")).to_contain_text(str(answer.cues[1].emotion))
    page.locator("#timeline").hover()
    _expect(page.locator("#detail-text")).to_be_hidden()
    page.mouse.move(5, 5)
    box.focus()
    page.keyboard.press("Home")
    _expect(page.locator("#detail-text")).to_have_text("Good morning!")
    rows.nth(1).get_by_role("button").focus()
    page.keyboard.press("Enter")
    _expect(page.get_by_role("button", name="Pause")).to_be_visible()
    _expect(page.locator("#wave")).to_have_attribute("aria-valuetext", re.compile("^0:0[4-9]"))
    text = download(page, "SRT")[1].decode()
    assert text == TIMELINE_FORMS["srt"].write(timeline_of(answer))
    assert "Good morning!" in text


def test_captions_find_their_clip_or_say_what_is_missing(watch, page, media):
    (media / "words.vtt").write_bytes(b"WEBVTT\n\n00:00.500 --> 00:02.500\nHello\n")
    (media / "wrong.srt").write_bytes(b"no captions\n")
    page.locator("#file").set_input_files(media / "words.vtt")
    _expect(page.get_by_role("alert")).to_have_text(
        "Choose the file that words.vtt belongs to, too."
    )
    choose(page, media / "voice.wav", media / "film.mp4", media / "words.vtt")
    _expect(page.get_by_role("alert")).to_contain_text("words.vtt belongs to none of the files")
    choose(page, media / "voice.wav")
    predict(page)
    _expect(page.locator("#cues")).to_be_hidden()
    page.locator("#file").set_input_files(media / "words.vtt")  # after its clip
    _expect(page.locator("#clip-meta")).to_contain_text("with words.vtt")
    _expect(page.locator("#result")).to_be_hidden()
    predict(page)
    _expect(page.locator("#cues-list > li")).to_contain_text("Hello")
    watch.refusals_expected = True
    page.locator("#file").set_input_files(media / "wrong.srt")
    page.locator("#predict").click()
    _expect(page.get_by_role("alert")).to_contain_text("'no captions' is neither the number")


def test_captions_that_come_later_go_with_the_clip_of_their_name(page, media):
    names = ("talk.wav", "talk.part2.wav", "other.wav")
    for name in names:
        (media / name).write_bytes((media / "voice.wav").read_bytes())
    for name in ("talk.part2.srt", "talk.srt", "stranger.srt"):
        (media / name).write_bytes(SRT)
    choose(page, *(media / name for name in names))
    page.locator("#file").set_input_files([media / "talk.part2.srt", media / "talk.srt"])
    meta = page.locator("#clip-meta")
    _expect(meta).to_contain_text("with talk.srt")
    page.get_by_role("button", name="talk.part2.wav", exact=True).click()
    _expect(meta).to_contain_text("with talk.part2.srt")
    page.locator("#file").set_input_files(media / "stranger.srt")
    _expect(page.get_by_role("alert")).to_contain_text("stranger.srt belongs to none of the files")
    page.get_by_role("button", name="other.wav", exact=True).click()
    _expect(meta).not_to_contain_text("with")


def test_dropped_captions_go_with_the_clip_of_their_name(page, media):
    transfer = page.evaluate_handle(
        "bytes => { const t = new DataTransfer(); const add = (parts, name) =>"
        " t.items.add(new File(parts, name));"
        " add(['WEBVTT\\n\\n00:00.000 --> 00:02.000\\n<b>Hi</b> &amp; bye\\n'], 'b.en.vtt');"
        " add([new Uint8Array(bytes)], 'a.wav'); add([new Uint8Array(bytes)], 'b.wav'); return t }",
        list((media / "voice.wav").read_bytes()),
    )
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    page.get_by_role("button", name="PREDICT 2 FILES").click()
    _expect(page.locator("#status")).to_have_text("2 of 2 files analysed")
    _expect(page.locator("#cues")).to_be_hidden()
    page.locator("#files-list > li").nth(1).get_by_role("button").first.click()
    _expect(page.locator("#cues-list .entry-name")).to_have_text("Hi & bye")


def test_an_example_is_one_click_from_its_answer(page, predictor):
    loaded = []
    page.on("request", lambda request: loaded.append(request.url))
    page.reload()
    buttons = page.locator("#examples").get_by_role("button")
    _expect(buttons).to_have_count(EXAMPLES)
    assert not [url for url in loaded if url.endswith(".opus")]
    buttons.nth(2).click()
    page.locator("#result").wait_for()
    assert len([url for url in loaded if url.endswith(".opus")]) == 1
    example = examples()[2]
    _expect(page.locator("#played")).to_have_text(
        re.compile(f"The actor played .*{example.emotion}")
    )
    answer = predictor.predict(ROOT / "static" / example.file)
    _expect(page.locator("#confidence")).to_contain_text(f"{answer.confidence * 100:.0f} %")
    # As `/model` says, so says the page.
    assert ("trained on" in page.locator("#played").inner_text()) == ("emodb" in _corpora(page))
    text = download(page, "Audacity labels")[1].decode()
    assert text == TIMELINE_FORMS["audacity"].write(timeline_of(answer))
    page.locator("#history > li").get_by_role("button").click()
    _expect(page.locator("#played")).to_be_visible()


def _corpora(page) -> dict:
    return page.evaluate("fetch('/model').then((answer) => answer.json())")["corpora"]


def test_an_example_that_does_not_load_says_so(watch, page):
    watch.refusals_expected = True
    page.route("**/*.opus", lambda route: route.fulfill(status=404), times=1)
    page.locator("#examples").get_by_role("button").first.click()
    _expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
    page.locator("#examples").get_by_role("button").first.click()
    page.locator("#result").wait_for()


@pytest.mark.parametrize("look", ["wide, light", "phone, dark"])
def test_axe_finds_nothing_and_a_phone_has_room(watch, chromium, sides, look):
    options = {"color_scheme": "dark", **PHONE} if look == "phone, dark" else {}
    page = watch.open(chromium, reduced_motion="reduce", **options)

    def check(state: str) -> None:
        _axe(page, state)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state
        for target in page.locator("main :is(button, summary):visible").all():
            box = target.bounding_box()
            assert min(box["height"], box["width"]) >= TARGET_PX, target.inner_text()

    page.locator("#examples").get_by_role("button").first.click()
    page.locator("#result").wait_for()
    page.get_by_text("Download as").click()
    check("example")
    choose(page, sides / "four.wav")
    predict(page)
    apart(page)
    check("channels")
    (sides / "call.srt").write_bytes(SRT)
    choose(page, sides / "call.wav", sides / "call.srt")
    predict(page)
    check("captions")
    apart(page)
    check("captions of each channel")
