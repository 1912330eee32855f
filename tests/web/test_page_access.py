"""The page in a real browser: for every eye, hand and screen, and without JavaScript."""

import re
import subprocess
import sys

import pytest

from tests.browser import CHROMIUM, choose, predict
from tests.conftest import ROOT

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
TARGET_PX = 44


def _expect(locator):
    from playwright.sync_api import expect

    return expect(locator)


def _walk(page, media):
    """Bring one page through its states; give the name of each when it is there."""
    yield "empty"
    page.get_by_role("button", name="Record").click()
    page.locator("#record-panel").wait_for()
    yield "recording"
    _expect(page.locator("#record-elapsed")).not_to_have_text("0:00")
    page.get_by_role("button", name="Stop").click()
    page.locator("#clip").wait_for()
    yield "chosen"
    predict(page)
    yield "answer"
    choose(page, media / "half a minute.wav")
    predict(page)
    page.locator("#timeline").wait_for()
    yield "timeline"
    choose(page, media / "broken.mp3")
    page.locator("#predict").click()
    page.locator("#error").wait_for()
    yield "error"
    choose(page, media / "voice.wav", media / "broken.mp3")
    page.locator("#predict").click()
    _expect(page.locator("#status")).to_have_text("1 of 2 files analysed")
    yield "several files"
    page.get_by_role("button", name="Live").click()
    page.locator("#strip > li").first.wait_for()
    yield "live"
    page.get_by_role("button", name="Stop").click()
    page.locator("#live-shares").wait_for()
    yield "live, stopped"


def _axe(page, state):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={})
    assert len(found.response["passes"]) > 20, "axe looked at next to nothing"
    assert not found.response["violations"], f"{state}: {found.generate_report()}"


def test_axe_finds_nothing_on_a_wide_light_page(watch, chromium, media):
    watch.refusals_expected = True
    page = watch.open(chromium, reduced_motion="reduce")
    for state in _walk(page, media):
        _axe(page, state)


def test_a_dark_phone_has_room_for_everything_and_axe_finds_nothing(watch, chromium, media):
    watch.refusals_expected = True
    page = watch.open(chromium, reduced_motion="reduce", color_scheme="dark", **PHONE)
    for state in _walk(page, media):
        _axe(page, state)
        if state in ("answer", "timeline"):
            _expect(page.locator("#emotion")).to_be_in_viewport(ratio=1)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, f"{state} scrolls sideways: {width}"
        for box, name in _targets(page):
            assert box["height"] >= TARGET_PX, f"{state}: {name} is {box['height']} high"
            assert box["width"] >= TARGET_PX, f"{state}: {name} is {box['width']} wide"


def _targets(page):
    for target in page.locator("button:visible, label.way:visible").all():
        yield target.bounding_box(), target.inner_text() or target.get_attribute("aria-label")


def test_on_a_phone_the_recorder_comes_first(watch, chromium):
    page = watch.open(chromium, **PHONE)
    record = page.get_by_role("button", name="Record").bounding_box()
    for other in ("#drop", "#live", "#predict"):
        assert record["y"] + record["height"] <= page.locator(other).bounding_box()["y"]
    assert record["width"] > 300


def test_dark_is_dark_and_light_is_light(watch, chromium):
    def brightness(scheme):
        page = watch.open(chromium, color_scheme=scheme)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3])) / (3 * 255)

    assert brightness("dark") < 0.15
    assert brightness("light") > 0.9


def test_the_keyboard_alone_does_everything(page, media):
    choose(page, media / "half a minute.wav")  # the browser's own dialogue opens with Enter
    _expect(page.locator("#play")).to_be_visible()  # once the browser has decoded the clip
    page.locator("#file").focus()
    reached = _tab_to(page, "predict")
    assert {"live", "remove", "play", "wave"} <= set(reached)
    page.keyboard.press("Enter")
    page.locator("#result").wait_for()
    _expect(page.locator("#emotion")).to_be_focused()
    page.locator("#record").focus()
    _tab_to(page, "play")
    page.keyboard.press("Space")
    _expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Space")
    _tab_to(page, "timeline")
    page.keyboard.press("ArrowRight")
    _expect(page.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")
    page.locator("#record").focus()
    page.keyboard.press("Enter")
    _expect(page.locator("#record-stop")).to_be_focused()
    _expect(page.locator("#record-elapsed")).not_to_have_text("0:00")
    page.keyboard.press("Enter")
    _expect(page.locator("#predict")).to_be_focused()
    _expect(page.locator("#clip-name")).to_have_text("recording-1.wav")


def _tab_to(page, wanted: str) -> list[str]:
    """Press Tab until `wanted` has the focus; every stop must be seen to have it."""
    stops = []
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const at = document.activeElement;"
            " const shown = at.id === 'file' ? at.parentElement : at;"
            " const style = getComputedStyle(shown);"
            " return [at.id, parseFloat(style.outlineWidth) * (style.outlineStyle !== 'none')]; }"
        )
        assert focused[1] >= 2, f"the focus on {focused[0]} is not seen"
        stops.append(focused[0])
        if focused[0] == wanted:
            return stops
    raise AssertionError(f"{wanted} is not among {stops}")


def test_reduced_motion_is_honoured(watch, chromium):
    page = watch.open(chromium, reduced_motion="reduce")
    page.get_by_role("button", name="Record").click()
    _expect(page.locator("#record-elapsed")).to_have_text("0:01")
    assert page.evaluate("document.getAnimations().length") == 0


def test_the_model_is_described_from_what_the_server_says(watch, chromium):
    about = watch.open(chromium).locator("#about")
    _expect(about).to_contain_text("Article 5(1)(f)")
    _expect(about).to_contain_text("Human listeners")
    page = about.page
    model = {
        "name": "a model",
        "version": "feedfacecafe",
        "labels": ["calm", "angry"],
        "trained_on": "SOMETHING (12 clips)",
        "scores": {
            "leaky": {"uar": 0.99, "leaks": True},
            "other": {"uar": 0.32, "leaks": False},
            "fair": {"uar": 0.615, "leaks": False, "interval": {"uar": [0.58, 0.66]}},
        },
        "human_uar": {"value": 0.71, "protocol": "fair", "source": "a study"},
        "use": "For tests.",
        "limits": "Not for cats.",
        "licence": "ours",
    }
    page.route("**/model", lambda route: route.fulfill(json=model))
    page.reload()
    for words in ("a model", "feedfacecafe", "SOMETHING (12 clips)", "Not for cats.", "a study"):
        _expect(about).to_contain_text(words)
    rows = about.locator(".comparison li")
    _expect(about).to_contain_text("between 58 % and 66 %")
    _expect(rows).to_have_text([re.compile("62 %"), re.compile("71 %"), re.compile("50 %")])
    model["scores"]["corpora"] = {
        "leaks": False,
        "mean_over_corpora": {"uar": 0.41, "interval": {"uar": [0.36, 0.45]}},
    }
    page.reload()
    _expect(rows.first).to_have_text(re.compile("Other recordings.*41 %"))
    _expect(rows.nth(1)).to_have_text(re.compile("Unseen actors.*62 %"))
    _expect(about).to_contain_text("There it is between 36 % and 45 %")
    page.get_by_role("link", name="Read the model card").click()
    _expect(page.locator("body")).to_contain_text("# Model card")


def test_a_model_that_was_not_measured_says_so(watch, chromium):
    page = watch.open(chromium)
    model = page.evaluate("fetch('/model').then((answer) => answer.json())")
    page.route("**/model", lambda route: route.fulfill(json={**model, "scores": {}}))
    page.reload()
    about = page.locator("#about")
    _expect(about).to_contain_text(model["version"])
    _expect(about.locator(".comparison li").first).to_have_text(re.compile("This model.*–"))
    _expect(about).to_contain_text("not measured yet")


def test_without_javascript_the_form_does_the_work(watch, chromium, media):
    watch.refusals_expected = True
    page = watch.open(chromium, java_script_enabled=False)
    for name in ("Record", "Live", "Copy as curl"):
        _expect(page.get_by_role("button", name=name)).to_be_hidden()
    page.locator("#file").set_input_files(media / "half a minute.wav")
    page.get_by_role("button", name="PREDICT").click()
    _expect(page.locator("#confidence")).to_contain_text("% confidence")
    figures = [int(text.split()[0]) for text in page.locator(".bar-value").all_inner_texts()]
    assert figures == sorted(figures, reverse=True)
    assert len(figures) == 8
    assert page.locator(".segments tbody tr").count() > 5
    page.locator("#file").set_input_files(media / "broken.mp3")
    page.get_by_role("button", name="PREDICT").click()
    _expect(page.get_by_role("alert")).to_contain_text("this is no audio or video file")


def test_without_javascript_it_works_on_another_machine(playwright, server, media):
    """Over http, a browser says only to localhost which site a request is from."""
    host = f"voice.test:{server.url.rsplit(':', 1)[1]}"
    flags = ["--no-sandbox", "--host-resolver-rules=MAP voice.test 127.0.0.1"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"http://{host}")
    page.locator("#file").set_input_files(media / "voice.wav")
    with page.expect_request(lambda request: request.method == "POST") as waiting:
        page.get_by_role("button", name="PREDICT").click()
    _expect(page.locator("#confidence")).to_contain_text("% confidence")
    headers = waiting.value.all_headers()
    assert "sec-fetch-site" not in headers
    assert headers["origin"] == f"http://{host}"
    browser.close()


def test_the_script_takes_screenshots(server, chromium, media, tmp_path):
    command = [sys.executable, "scripts/screenshots.py", media / "voice.wav", "--states", "start"]
    command += ["--url", server.url, "--out", tmp_path / "shots", "--chromium", CHROMIUM]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    shots = {path.name: path.read_bytes() for path in (tmp_path / "shots").iterdir()}
    assert sorted(shots) == [
        f"start-{screen}-{scheme}.png"
        for screen in ("desktop", "phone")
        for scheme in ("dark", "light")
    ]
    assert len(set(shots.values())) == len(shots)


def test_it_can_be_installed(page):
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"].endswith("/static/app.webmanifest")
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A window of a test is a private one, which no browser installs from.
    assert [e["errorId"] for e in errors if e["errorId"] != "in-incognito"] == []
