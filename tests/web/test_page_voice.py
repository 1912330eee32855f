"""The page in a real browser: "Use my normal voice", with a model that takes a reference."""

import json
import re

import pytest

from tests import synth
from tests.browser import Watch, choose, predict
from tests.server import Server
from tests.waiting import wait_until
from tests.web.test_page_access import PHONE, TARGET_PX, _axe, _expect, _tab_to

pytestmark = pytest.mark.browser
WITH = "with your normal voice"


@pytest.fixture(scope="module")
def relative_server(relative_model):
    server = Server(SER_MODEL=str(relative_model))
    try:
        yield server.wait_ready()
    finally:
        server.stop()


@pytest.fixture
def relative_watch(relative_server):
    watch = Watch(relative_server.url)
    yield watch
    watch.close()
    assert watch.complaints == []


@pytest.fixture
def voice_page(relative_watch, chromium):
    """Return the page, with the part about the normal voice open."""
    page = relative_watch.open(chromium)
    page.get_by_text("Use my normal voice").click()
    return page


@pytest.fixture(scope="session")
def neutral(media):
    path = media / "neutral.wav"
    path.write_bytes(synth.wav(synth.voice(3.0, seed=3)))
    return path


def choose_voice(page, path) -> None:
    page.locator("#voice-file").set_input_files(path)
    _expect(page.locator("#voice-badge")).to_be_visible()


def stored(page) -> dict | None:
    return json.loads(page.evaluate("localStorage.getItem('normal-voice')") or "null")


def answers_to(page, path: str) -> list:
    """Return a list to which the answers from an address will be added."""
    answers: list = []
    page.on("response", lambda answer: answer.url.endswith(path) and answers.append(answer))
    return answers


def test_a_model_that_takes_none_has_no_such_part(classic_model, chromium):
    server = Server(SER_MODEL=str(classic_model))
    try:
        watch = Watch(server.wait_ready().url)
        _expect(watch.open(chromium).locator("#voice")).to_have_count(0)
        watch.close()
        assert watch.complaints == []
    finally:
        server.stop()


def test_a_recording_of_five_seconds_is_used_until_it_is_taken_off(voice_page, media):
    page = voice_page
    _expect(page.locator("#voice")).to_contain_text("how you differ from your normal voice")
    _expect(page.locator("#voice")).to_contain_text("It stays in this browser: numbers, not sound.")
    page.get_by_role("button", name="Record 5 seconds").click()
    _expect(page.locator("#voice")).to_contain_text("Read this aloud")
    _expect(page.locator("#voice-record-longest")).to_have_text("0:05")
    for other in ("#record", "#live", "#predict"):
        _expect(page.locator(other)).to_be_hidden()
    _expect(page.locator("#voice-badge")).to_be_visible()  # it ends by itself
    _expect(page.locator("#voice-state")).to_have_text(re.compile("In use.*5.[01] s"))
    _expect(page.locator("#status")).to_have_text("Your normal voice is in use")
    assert stored(page)["text"].startswith(stored(page)["version"])
    assert set(stored(page)) == {"text", "seconds", "version"}

    choose(page, media / "voice.wav")
    predict(page)
    _expect(page.locator("#details")).to_contain_text(WITH)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as curl").click()
    _expect(page.locator("#status")).to_have_text("Copied")
    command = page.evaluate("navigator.clipboard.readText()")
    assert f"-F 'reference={stored(page)['text']}'" in command

    page.reload()
    _expect(page.locator("#voice-badge")).to_be_visible()
    page.get_by_text("Use my normal voice").click()
    page.get_by_role("button", name="Take it off").click()
    _expect(page.locator("#voice-badge")).to_be_hidden()
    assert stored(page) is None
    choose(page, media / "voice.wav")
    predict(page)
    _expect(page.locator("#details")).not_to_contain_text(WITH)


def test_a_file_is_used_by_files_and_live(voice_page, media, neutral):
    page = voice_page
    choose_voice(page, neutral)
    answers = answers_to(page, "/predict")
    choose(page, media / "voice.wav", media / "film.mp4")
    page.locator("#predict").click()
    _expect(page.locator("#status")).to_have_text("2 of 2 files analysed")
    _expect(page.locator("#details")).to_contain_text(WITH)
    page.get_by_role("button", name="Live").click()
    _expect(page.locator("#voice-record")).to_be_disabled()
    page.locator("#strip > li").nth(1).wait_for()
    page.get_by_role("button", name="Stop").click()
    assert len(answers) >= 4
    assert all("reference" in answer.json() for answer in answers)


def test_an_example_is_another_person_and_is_heard_without_it(voice_page, neutral):
    page = voice_page
    choose_voice(page, neutral)
    answers = answers_to(page, "/predict")
    page.locator("#examples").get_by_role("button").first.click()
    page.locator("#played").wait_for()
    assert ["reference" in answer.json() for answer in answers] == [False]


def test_another_microphone_is_said(voice_page, media, neutral):
    from ser.augmentation.corruptions import telephone

    page = voice_page
    (media / "telephone.wav").write_bytes(synth.wav(telephone(synth.voice(3.0))))
    choose_voice(page, media / "telephone.wav")
    choose(page, media / "voice.wav")
    predict(page)
    _expect(page.locator("#warnings")).to_contain_text("The normal voice does not fit")
    _expect(page.locator("#details")).not_to_contain_text(WITH)


def test_a_voice_of_an_older_model_is_dropped_when_the_page_opens(voice_page, neutral):
    page = voice_page
    choose_voice(page, neutral)
    page.evaluate(
        "() => { const voice = JSON.parse(localStorage.getItem('normal-voice'));"
        " localStorage.setItem('normal-voice', JSON.stringify({...voice, version: 'older'})); }"
    )
    page.reload()
    _expect(page.locator("#voice-state")).to_contain_text("Make your normal voice anew")
    _expect(page.locator("#voice-state")).to_be_visible()
    _expect(page.locator("#voice-badge")).to_be_hidden()
    assert stored(page) is None


def test_a_voice_of_an_older_model_is_dropped_when_the_server_refuses_it(
    relative_watch, voice_page, media, neutral
):
    relative_watch.refusals_expected = True
    page = voice_page
    choose_voice(page, neutral)
    text = "0" * 12 + stored(page)["text"][12:]  # as if the server had another model since
    page.evaluate(
        "(text) => { const voice = JSON.parse(localStorage.getItem('normal-voice'));"
        " localStorage.setItem('normal-voice', JSON.stringify({...voice, text})); }",
        text,
    )
    choose(page, media / "voice.wav")
    predict(page)
    _expect(page.locator("#voice-state")).to_contain_text("Make your normal voice anew")
    _expect(page.locator("#details")).to_be_visible()  # the answer is there, without it
    _expect(page.locator("#details")).not_to_contain_text(WITH)
    assert stored(page) is None


def test_a_file_that_is_no_voice_is_explained(relative_watch, voice_page, media):
    relative_watch.refusals_expected = True
    page = voice_page
    page.locator("#voice-file").set_input_files(media / "broken.mp3")
    _expect(page.get_by_role("alert")).to_contain_text("this is no audio or video file")
    (media / "short.wav").write_bytes(synth.wav(synth.voice(0.5)))
    page.locator("#voice-file").set_input_files(media / "short.wav")
    _expect(page.get_by_role("alert")).to_contain_text("at least 1 s is needed")
    _expect(page.locator("#voice-badge")).to_be_hidden()


def test_another_tab_sees_it_at_once(voice_page, neutral):
    other = voice_page.context.new_page()
    other.goto(voice_page.url)
    choose_voice(voice_page, neutral)
    _expect(other.locator("#voice-badge")).to_be_visible()


def test_the_keyboard_alone_makes_a_normal_voice(relative_watch, chromium):
    page = relative_watch.open(chromium)
    page.locator("#predict").focus()
    _tab_to(page, "voice-title")
    page.keyboard.press("Enter")
    _tab_to(page, "voice-record")
    page.keyboard.press("Enter")
    _expect(page.locator("#voice-record-stop")).to_be_focused()
    wait_until(lambda: page.locator("#voice-record-elapsed").inner_text() >= "0:02")
    page.keyboard.press("Enter")
    _expect(page.locator("#voice-badge")).to_be_visible()
    _expect(page.locator("#voice-title")).to_be_focused()
    _tab_to(page, "voice-remove")
    page.keyboard.press("Enter")
    _expect(page.locator("#voice-badge")).to_be_hidden()


@pytest.mark.parametrize("look", ["wide, light", "phone, dark"])
def test_axe_finds_nothing_and_a_phone_has_room(relative_watch, chromium, neutral, look):
    options = {"color_scheme": "dark", **PHONE} if look == "phone, dark" else {}
    page = relative_watch.open(chromium, reduced_motion="reduce", **options)

    def check(state: str) -> None:
        _axe(page, state)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state
        targets = page.locator("#voice :is(button, label, summary):visible").all()
        assert targets
        for target in targets:
            box = target.bounding_box()
            assert min(box["height"], box["width"]) >= TARGET_PX, target.inner_text()

    check("closed")
    page.get_by_text("Use my normal voice").click()
    check("open")
    page.get_by_role("button", name="Record 5 seconds").click()
    page.locator("#voice-record-panel").wait_for()
    check("recording")
    page.reload()  # a take that is stopped so soon may be too short, and is refused
    page.get_by_text("Use my normal voice").click()
    choose_voice(page, neutral)
    check("in use")
    page.evaluate('localStorage.setItem(\'normal-voice\', \'{"text": "", "version": "old"}\')')
    page.reload()
    page.locator(".notice").wait_for()
    check("outdated")


def test_without_javascript_a_second_file_field_is_enough(relative_watch, chromium, media, neutral):
    page = relative_watch.open(chromium, java_script_enabled=False)
    _expect(page.locator("#voice")).to_be_hidden()
    page.locator("#file").set_input_files(media / "voice.wav")
    page.get_by_role("button", name="PREDICT").click()
    _expect(page.locator("#details")).not_to_contain_text(WITH)
    page.locator("#file").set_input_files(media / "voice.wav")
    page.get_by_label("Your normal voice").set_input_files(neutral)
    page.get_by_role("button", name="PREDICT").click()
    _expect(page.locator("#details")).to_contain_text(WITH)
