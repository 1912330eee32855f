"""A real browser before the real app, and what it is shown."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from tests import synth

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
PATIENCE_MS = 60_000  # a busy machine is slow, not wrong

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
]
_REFUSAL = re.compile(
    r"Failed to load resource: (the server responded with a status of [45]\d\d|net::ERR_\w+)"
)


def microphone_flags(sound: Path) -> list[str]:
    """Return the options of a Chromium whose microphone hears a WAV again and again."""
    heard = f"--use-file-for-fake-audio-capture={sound}"
    return [*_FLAGS, "--use-fake-ui-for-media-stream", heard]


@pytest.fixture(scope="session")
def media(tmp_path_factory) -> Path:
    """Return a folder of files to choose: good, odd, long and broken ones."""
    folder = tmp_path_factory.mktemp("media")
    (folder / "voice.wav").write_bytes(synth.wav(synth.voice(3)))
    # Two minutes that change their voice every ten seconds.
    parts = [synth.voice(10, pitch=90 + 20 * i, seed=i) * (0.3 + i % 4) for i in range(12)]
    long = np.clip(np.concatenate(parts), -1, 1)
    (folder / "two minutes.wav").write_bytes(synth.wav(long))
    (folder / "half a minute.wav").write_bytes(synth.wav(long[: 30 * 22_050]))
    picture = ["-f", "lavfi", "-i", "color=c=navy:s=64x64:d=3", "-shortest"]
    synth.encoded(synth.voice(3), 22_050, folder / "film.mp4", *picture, "-pix_fmt", "yuv420p")
    (folder / "film.source.wav").unlink()
    (folder / "no-preview.aiff").write_bytes(synth.wav(synth.voice(3), container="AIFF"))
    (folder / "broken.mp3").write_bytes(b"this is no sound at all")
    return folder


def pytest_runtest_setup(item) -> None:
    """Without Chromium, skip a browser test, or fail it if SER_REQUIRE_BROWSER is set.

    For a skip in this hook, unlike in a fixture, pytest reports one line for all tests.
    """
    if item.get_closest_marker("browser") and not CHROMIUM.exists():
        if os.environ.get("SER_REQUIRE_BROWSER"):
            pytest.fail(f"no Chromium at {CHROMIUM}, and SER_REQUIRE_BROWSER is set")
        pytest.skip(f"no Chromium at {CHROMIUM}")


@pytest.fixture(scope="session")
def playwright():
    """Return Playwright."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright, media):
    """Return Chromium whose microphone hears the long clip, and is allowed."""
    flags = microphone_flags(media / "two minutes.wav")
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def stern_chromium(playwright):
    """Return Chromium that refuses the microphone, as one whose user said no."""
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*_FLAGS, "--deny-permission-prompts"]
    )
    yield browser
    browser.close()


class Watch:
    """Opens pages and remembers what no page of ours may do."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.refusals_expected = False
        self.complaints: list[str] = []
        self._contexts: list = []

    def open(self, browser, **options):
        """Return the page in a context of its own, loaded."""
        options = {"viewport": {"width": 1280, "height": 900}, **options}
        context = browser.new_context(**options)
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        context.on("request", self._on_request)
        page = context.new_page()
        page.goto(self.url)
        if options.get("java_script_enabled", True):
            page.locator("#about dl").wait_for()  # the last thing that it loads
        return page

    def _on_console(self, message) -> None:
        refusal = self.refusals_expected and _REFUSAL.match(message.text)
        if message.type in ("error", "warning") and not refusal:
            self.complaints.append(f"console: {message.text}")

    def _on_request(self, request) -> None:
        if not request.url.startswith((f"{self.url}/", "blob:", "data:")):
            self.complaints.append(f"request to elsewhere: {request.url}")

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def watch(server):
    """Return a `Watch`; at the end nothing may have been complained about."""
    watch = Watch(server.url)
    yield watch
    watch.close()
    assert watch.complaints == []


@pytest.fixture
def page(watch, chromium):
    """Return the page, wide and light."""
    return watch.open(chromium)


def choose(page, *files: Path) -> None:
    """Choose files as a user does, and wait until the page shows them."""
    page.locator("#file").set_input_files(list(files))
    page.locator("#clip-name").get_by_text(files[0].name).wait_for()


def predict(page) -> None:
    """Press PREDICT and wait for the answer."""
    page.locator("#predict").click()
    page.locator("#progress").wait_for(state="hidden")
    page.locator("#result").wait_for()
