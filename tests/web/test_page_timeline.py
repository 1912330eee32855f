"""The page in a real browser: the answer in full, and how it goes over time."""

import re

import pytest

from tests.browser import choose, predict
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

LABELS = ("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise")


def _expect(locator):
    from playwright.sync_api import expect

    return expect(locator)


def _answer(**changes) -> dict:
    """Return an answer as the server may give it, of three segments."""
    probabilities = dict.fromkeys(LABELS, 0.1) | {"happy": 0.3}
    part = {"emotion": "happy", "confidence": 0.3, "probabilities": probabilities}
    segments = [
        {"start": 0.0, "end": 1.0, **part},
        {"start": 1.0, "end": 2.0, **part, "silent": True},
        {"start": 2.0, "end": 3.0, **part, "emotion": "sad"},
    ]
    return {
        **part,
        "duration": 3.0,
        "truncated": False,
        "warnings": [],
        "segments": segments,
        "model": {"name": "m", "version": "0123456789ab"},
        "request_id": "1",
        **changes,
    }


def test_two_minutes_have_a_timeline_on_the_axis_of_the_waveform(page, media):
    choose(page, media / "two minutes.wav")
    predict(page)
    timeline, wave = page.locator("#timeline"), page.locator("#wave")
    _expect(timeline).to_be_visible()
    box, above = timeline.bounding_box(), wave.bounding_box()
    assert (box["x"], box["width"]) == (above["x"], above["width"])
    segments = page.get_by_role("option")
    assert segments.count() > 20
    boxes = [segments.nth(i).bounding_box() for i in (0, segments.count() - 1)]
    assert abs(boxes[0]["x"] - box["x"]) < 1
    assert abs(boxes[1]["x"] + boxes[1]["width"] - box["x"] - box["width"]) < 1
    _expect(page.locator("#axis")).to_have_text("0:000:301:001:302:00")
    shares = page.locator("#shares li").all_inner_texts()
    assert 99 <= sum(int(re.search(r"(\d+) %", share)[1]) for share in shares) <= 101
    # Every segment has its emotion as a word, not as a colour alone.
    names = {segments.nth(i).get_attribute("aria-label") for i in range(segments.count())}
    assert all(re.search(r"to \d+:\d\d.*: \w+, \d+ %", name) for name in names)
    assert all(any(label in share for label in LABELS) for share in shares)


def test_pointer_and_keys_show_a_segment_and_play_from_it(page, media):
    choose(page, media / "two minutes.wav")
    predict(page)
    timeline, title = page.locator("#timeline"), page.locator("#detail-title")
    box = timeline.bounding_box()
    timeline.hover(position={"x": box["width"] / 2, "y": 5})
    _expect(title).to_contain_text(re.compile(r"^(0:59|1:0\d)"))
    assert page.locator("#detail-bars li").count() == len(LABELS)
    page.mouse.move(5, 5)
    _expect(title).to_contain_text("0:00")

    timeline.focus()
    page.keyboard.press("End")
    _expect(title).to_contain_text("2:00")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    second = page.get_by_role("option").nth(1)
    _expect(second).to_have_attribute("aria-selected", "true")
    _expect(timeline).to_have_attribute("aria-activedescendant", second.get_attribute("id"))
    page.keyboard.press("Enter")
    _expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Pause").click()

    timeline.click(position={"x": box["width"] * 0.75, "y": 5})
    _expect(page.locator("#wave")).to_have_attribute(
        "aria-valuetext", re.compile(r"^1:(29|3\d) of 2:00")
    )
    wait_until(lambda: page.locator("#cursor").bounding_box()["x"] > box["x"] + box["width"] * 0.7)


def test_not_sure_is_said_with_the_best_guess(page, media):
    answer = _answer(warnings=["uncertain", "a_new_code"], segments=[])
    page.route("**/predict", lambda route: route.fulfill(json=answer))
    choose(page, media / "voice.wav")
    predict(page)
    _expect(page.locator("#emotion")).to_have_text("not sure")
    _expect(page.locator("#confidence")).to_have_text("Best guess: happy, 30 % confidence")
    _expect(page.locator("#warnings")).to_contain_text("a_new_code")
    _expect(page.locator("#timeline")).to_be_hidden()


def test_an_unsure_answer_says_how_lively_it_is(page, media):
    answer = _answer(warnings=["uncertain"], arousal=0.44, valence=-0.31, segments=[])
    page.route("**/predict", lambda route: route.fulfill(json=answer))
    choose(page, media / "voice.wav")
    predict(page)
    words = "Lively, but not clear which emotion"
    _expect(page.locator("#arousal-words")).to_have_text(words)
    _expect(page.locator("#status")).to_contain_text(words)
    _expect(page.locator("#plane-caption")).to_have_text("Arousal\u00a0+0.44, valence\u00a0−0.31")
    point, plane = (
        page.locator(f"#plane {name}").bounding_box() for name in (".plane-point", "rect")
    )
    across = (point["x"] + point["width"] / 2 - plane["x"]) / plane["width"]
    down = (point["y"] + point["height"] / 2 - plane["y"]) / plane["height"]
    assert across == pytest.approx((1 - 0.31) / 2, abs=0.02)
    assert down == pytest.approx((1 - 0.44) / 2, abs=0.02)
    bars = page.locator("#bars").bounding_box()
    assert bars["x"] + bars["width"] <= plane["x"]  # beside the bars


def test_a_model_without_arousal_has_no_plane(page, media):
    answer = _answer(warnings=["uncertain"], arousal=None, valence=None)
    page.route("**/predict", lambda route: route.fulfill(json=answer))
    choose(page, media / "voice.wav")
    predict(page)
    _expect(page.locator("#plane")).to_be_hidden()
    _expect(page.locator("#arousal-words")).to_be_hidden()


def test_warnings_are_in_plain_words(page, media):
    answer = _answer(warnings=["damaged"], truncated=True)
    page.route("**/predict", lambda route: route.fulfill(json=answer))
    choose(page, media / "voice.wav")
    predict(page)
    _expect(page.locator("#warnings li")).to_have_text(
        [re.compile("The file is damaged"), "Only the first 3 s were analysed."]
    )


def test_silent_segments_have_a_lane_of_their_own(page, media):
    page.route("**/predict", lambda route: route.fulfill(json=_answer()))
    choose(page, media / "voice.wav")
    predict(page)
    _expect(page.locator("#lanes li")).to_have_text(
        [re.compile("happy"), re.compile("sad"), re.compile("silence")]
    )
    _expect(page.locator("#shares")).to_contain_text("silence 33 %")
    page.locator("#timeline").focus()
    page.keyboard.press("ArrowRight")
    _expect(page.locator("#detail-title")).to_contain_text("silence does not count")


def test_an_answer_for_a_part_of_the_clip_covers_that_part_of_the_axis(page, media):
    page.route("**/predict", lambda route: route.fulfill(json=_answer(truncated=True)))
    choose(page, media / "two minutes.wav")
    predict(page)
    box = page.locator("#timeline").bounding_box()
    last = page.get_by_role("option").last.bounding_box()
    assert last["x"] + last["width"] < box["x"] + box["width"] * 0.05
