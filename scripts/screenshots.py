"""Take the docs' screenshots from the running app."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ser.cli import run
from ser.cli.options import note
from tests.browser import CHROMIUM, microphone_flags

SCREENS = {"desktop": {"width": 1280, "height": 860}, "phone": {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")
PATIENCE_MS = 60_000
LIVE_ANSWERS = 20


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("clip", type=Path, help="a WAV, also the sound of the microphone")
    parser.add_argument("--url", default="http://127.0.0.1:5000", help="where the app runs")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder for the PNG files")
    parser.add_argument("--chromium", default=CHROMIUM, help="the browser")
    parser.add_argument("--states", nargs="+", choices=STATES, default=["answer", "live"])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for path in _take(options):
        print(path)
    return 0


def _take(options: argparse.Namespace) -> Iterator[Path]:
    from playwright.sync_api import sync_playwright

    flags = microphone_flags(options.clip.resolve())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=flags)
        for screen, viewport in SCREENS.items():
            for scheme in SCHEMES:
                for state in options.states:
                    path = options.out / f"{state}-{screen}-{scheme}.png"
                    note(f"{path} …")
                    context = browser.new_context(viewport=viewport, color_scheme=scheme)
                    context.set_default_timeout(PATIENCE_MS)
                    page = context.new_page()
                    page.goto(options.url)
                    page.locator("#about dl").wait_for()
                    STATES[state](page, options.clip)
                    page.mouse.move(0, 0)
                    page.wait_for_timeout(400)  # until the animations have ended
                    page.screenshot(path=path)
                    context.close()
                    yield path


def _start(_page: Any, _clip: Path) -> None:
    """Show the page as it opens."""


def _answer(page: Any, clip: Path) -> None:
    """Show an answer with its timeline."""
    page.locator("#file").set_input_files(clip)
    page.locator("#predict").click()
    page.locator("#timeline").wait_for()
    page.evaluate("scrollTo(0, 0)")


def _live(page: Any, _clip: Path) -> None:
    """Show the live strip after some seconds."""
    page.get_by_role("button", name="Live").click()
    page.locator(f"#strip > li:nth-child({LIVE_ANSWERS})").wait_for()


STATES: dict[str, Callable[[Any, Path], None]] = {
    "start": _start,
    "answer": _answer,
    "live": _live,
}


if __name__ == "__main__":
    run(main)
