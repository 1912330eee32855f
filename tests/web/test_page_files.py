"""The page in a real browser: files in, answers out."""

import csv
import json
import re
import shlex
import shutil
import subprocess

import pytest

from tests.browser import choose, predict
from tests.waiting import wait_until

pytestmark = pytest.mark.browser
PERCENT = re.compile(r"^\d+ %$")


def _expect(locator):
    from playwright.sync_api import expect

    return expect(locator)


@pytest.mark.parametrize("name", ["voice.wav", "film.mp4"])
def test_a_file_is_shown_and_then_answered(page, media, name):
    choose(page, media / name)
    _expect(page.locator("#clip-meta")).to_have_text(re.compile(r"^0:03 · \d+ KB$"))
    _expect(page.locator("#wave")).to_be_visible()
    assert _painted(page) > 0
    predict(page)
    heading = page.locator("#emotion").inner_text().lower()
    labels = page.locator("#bars .bar-label").all_inner_texts()
    shares = page.locator("#bars .bar-value").all_inner_texts()
    assert heading in (labels[0].split()[-1], "not sure")  # the model may not be
    assert len(labels) == 8
    assert all(PERCENT.match(share) for share in shares)
    figures = [int(share.split()[0]) for share in shares]
    assert figures == sorted(figures, reverse=True)
    _expect(page.locator("#confidence")).to_contain_text(f"{figures[0]} % confidence")
    assert page.locator("#emoji").inner_text().strip()
    _expect(page.locator("#status")).to_contain_text(heading, ignore_case=True)
    _expect(page.locator("#status")).to_contain_text(f"{figures[0]} % confidence")


def test_the_clip_plays_with_a_cursor_that_moves_and_is_sought_by_a_click(page, media):
    choose(page, media / "voice.wav")
    cursor = page.locator("#cursor")
    cursor.wait_for()  # it comes with the waveform
    start = cursor.bounding_box()["x"]
    page.get_by_role("button", name="Play").click()
    wait_until(lambda: cursor.bounding_box()["x"] > start + 10)
    page.get_by_role("button", name="Pause").click()
    _expect(page.get_by_role("button", name="Play")).to_be_visible()
    wave = page.locator("#wave").bounding_box()
    page.mouse.click(wave["x"] + wave["width"] * 0.75, wave["y"] + 10)
    wait_until(lambda: abs(cursor.bounding_box()["x"] - wave["x"] - wave["width"] * 0.75) < 6)
    _expect(page.locator("#wave")).to_have_attribute("aria-valuetext", "0:02 of 0:03")
    page.locator("#wave").focus()
    for key, position in (("Home", "0:00"), ("End", "0:03"), ("ArrowLeft", "0:02")):
        page.keyboard.press(key)
        _expect(page.locator("#wave")).to_have_attribute("aria-valuetext", f"{position} of 0:03")


def test_a_clip_can_be_removed(page, media):
    choose(page, media / "voice.wav")
    predict(page)
    page.get_by_role("button", name="Remove this file").click()
    _expect(page.locator("#clip")).to_be_hidden()
    _expect(page.locator("#result")).to_be_hidden()
    page.locator("#predict").click()
    _expect(page.get_by_role("alert")).to_have_text("First record a voice or choose a file.")


def test_a_file_that_the_browser_cannot_play_is_predicted_all_the_same(page, media):
    choose(page, media / "no-preview.aiff")
    _expect(page.locator("#no-preview")).to_contain_text("No preview")
    _expect(page.locator("#wave")).to_be_hidden()
    predict(page)
    _expect(page.locator("#confidence")).to_contain_text("% confidence")


def test_a_file_that_is_no_sound_gets_an_error_in_words(watch, page, media):
    watch.refusals_expected = True
    choose(page, media / "broken.mp3")
    page.locator("#predict").click()
    _expect(page.get_by_role("alert")).to_contain_text("This is no audio or video file")
    _expect(page.locator("#result")).to_be_hidden()
    _expect(page.locator("#predict")).to_be_enabled()


def test_a_file_over_the_limit_is_not_even_sent(page, media, tmp_path):
    large = tmp_path / "large.wav"
    large.write_bytes(b"\0" * 25_100_000)
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    choose(page, large)
    page.locator("#predict").click()
    _expect(page.get_by_role("alert")).to_have_text("The file has 25.1 MB; the limit is 25 MB.")
    assert not [url for url in sent if url.endswith("/predict")]


def test_files_can_be_dropped_on_the_page(page, media):
    transfer = page.evaluate_handle(
        "bytes => { const t = new DataTransfer();"
        " t.items.add(new File([new Uint8Array(bytes)], 'dropped.wav')); return t; }",
        list((media / "voice.wav").read_bytes()),
    )
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    _expect(page.locator("#clip-name")).to_have_text("dropped.wav")
    predict(page)


def test_the_upload_tells_its_progress_and_can_be_cancelled(page, media):
    slow = _network(page, uploadThroughput=400_000)
    choose(page, media / "two minutes.wav")
    page.locator("#predict").click()
    _expect(page.locator("#progress-text")).to_have_text(re.compile(r"^Uploading [1-9]\d? %$"))
    _expect(page.locator("#predict")).to_be_disabled()
    page.get_by_role("button", name="Cancel").click()
    _expect(page.locator("#progress")).to_be_hidden()
    _expect(page.locator("#status")).to_have_text("Cancelled")
    _expect(page.locator("#result")).to_be_hidden()
    _expect(page.locator("#predict")).to_be_enabled()
    slow.detach()
    predict(page)


def test_predict_pressed_twice_sends_once_and_says_analysing(page, media):
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    _network(page, latency=3000)
    choose(page, media / "voice.wav")
    page.locator("#predict").dblclick()
    _expect(page.locator("#progress-text")).to_have_text("Analysing …")
    page.locator("#predict").click(force=True)
    page.locator("#result").wait_for()
    assert len([url for url in sent if url.endswith("/predict")]) == 1


def test_a_busy_server_is_asked_again(watch, page, media):
    watch.refusals_expected = True
    problem = {"error": {"code": "busy", "message": "all places are taken", "request_id": "1"}}
    refuse = {"status": 503, "headers": {"Retry-After": "1"}, "json": problem}
    page.route("**/predict", lambda route: route.fulfill(**refuse), times=1)
    choose(page, media / "voice.wav")
    predict(page)


def test_several_files_one_broken_and_one_tried_again(watch, page, media, tmp_path):
    watch.refusals_expected = True
    lost = []

    def lose_the_last(route):
        if b"film.mp4" in route.request.post_data_buffer and not lost:
            lost.append(route)
            return route.fulfill(status=502, body="a gateway's page")
        return route.continue_()

    page.route("**/predict", lose_the_last)
    choose(page, media / "voice.wav", media / "broken.mp3", media / "film.mp4")
    rows = page.locator("#files-list > li")
    _expect(rows).to_have_count(3)
    page.get_by_role("button", name="PREDICT 3 FILES").click()
    _expect(page.locator("#status")).to_have_text("1 of 3 files analysed")
    _expect(rows.nth(0)).to_have_text(re.compile(r"voice\.wav.*\d+ %"))
    _expect(rows.nth(1)).to_contain_text("This is no audio or video file")
    _expect(rows.nth(2)).to_contain_text("The server gave no answer")
    rows.nth(2).get_by_role("button", name="Try again: film.mp4").click()
    _expect(page.locator("#files-title")).to_have_text("3 files, 2 done")
    _expect(rows.nth(2)).to_have_text(re.compile(r"film\.mp4.*\d+ %"))
    rows.nth(0).get_by_role("button").first.click()
    _expect(page.locator("#source")).to_have_text("voice.wav")

    table = list(csv.DictReader(_download(page, "#files-csv", tmp_path).splitlines()))
    assert [row["file"] for row in table] == ["voice.wav", "broken.mp3", "film.mp4"]
    assert table[0]["emotion"]
    assert not table[1]["emotion"]
    assert "no audio" in table[1]["error"]
    answers = json.loads(_download(page, "#files-json", tmp_path))
    assert abs(sum(answers[2]["probabilities"].values()) - 1) < 1e-6


def test_a_file_name_is_no_formula_in_the_csv(page, media, tmp_path):
    odd = tmp_path / '=1+2,"x".wav'
    shutil.copy(media / "voice.wav", odd)
    choose(page, odd)
    predict(page)
    (row,) = csv.DictReader(_download(page, "#history-csv", tmp_path).splitlines())
    assert row["file"] == "'" + odd.name


def test_the_history_stays_in_the_tab(page, media, chromium, watch):
    for name in ("voice.wav", "film.mp4"):
        choose(page, media / name)
        predict(page)
    entries = page.locator("#history > li")
    _expect(entries).to_have_count(2)
    _expect(entries.nth(0)).to_contain_text("film.mp4")
    entries.nth(1).get_by_role("button").click()
    _expect(page.locator("#source")).to_have_text("voice.wav")
    _expect(page.locator("#wave")).to_be_visible()
    _expect(page.locator("#privacy")).to_contain_text(
        "The server analyses your audio and keeps no copy"
    )

    page.reload()
    entries.nth(1).get_by_role("button").click()
    _expect(page.locator("#source")).to_have_text("voice.wav")
    _expect(page.locator("#no-preview")).to_contain_text("Only the result is left")
    _expect(watch.open(chromium).locator("#session")).to_be_hidden()
    page.locator("#history-clear").click()
    _expect(page.locator("#session")).to_be_hidden()


@pytest.mark.parametrize("name", ["voice.wav", 'it\'s a "clip"; 1,2.wav'])
def test_the_curl_command_does_what_the_page_did(page, media, tmp_path, name):
    shutil.copy(media / "voice.wav", tmp_path / name)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    choose(page, tmp_path / name)
    predict(page)
    page.get_by_role("button", name="Copy as curl").click()
    _expect(page.locator("#curl")).to_have_text("Copied")
    command = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    assert command[0] == "curl"
    if shutil.which("curl"):
        done = subprocess.run(
            [*command, "--silent"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        _expect(page.locator("#bars .bar-label").first).to_contain_text(
            json.loads(done.stdout)["emotion"]
        )


def _network(page, **conditions):
    """Make the page's network slow, until the session that is returned is detached."""
    session = page.context.new_cdp_session(page)
    fast = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", fast | conditions)
    return session


def _download(page, button, tmp_path) -> str:
    with page.expect_download() as waiting:
        page.locator(button).click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path.read_text()


def _painted(page) -> int:
    return page.locator("#canvas").evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter(x => x).length"
    )
