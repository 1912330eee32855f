"""Watch Live in a browser for some minutes, and print how fast and how steady it is.

The microphone hears a clip in words of a second with pauses between them. A word is in the strip
when the first answer is shown that was asked for after the end of the word.
"""

import argparse
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ser.audio import SAMPLE_RATE, load_audio
from ser.cli import run
from tests import synth
from tests.browser import CHROMIUM, microphone_flags
from tests.server import Server
from tests.waiting import wait_until

WORD_S, PAUSE_S = 1.0, 1.3  # not a multiple of the time between two answers
LOST_S = 10
SETTLED_S = 4  # until Live hears three seconds
QUANTILES = {"median": 50, "95 %": 95, "most": 100}

# Written into the page before its own code: when sounds end, requests start, answers are shown.
WATCH = """
(() => {
  const seen = (window.seen = { ends: [], asked: [], shown: [], errors: 0 });
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open(wanted);
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 512;
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let loud = false;
    let lastLoud = 0;
    setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const now = performance.now();
      if (samples.some((s) => Math.abs(s) > 0.02)) [loud, lastLoud] = [true, now];
      else if (loud && now - lastLoud > 500) {
        seen.ends.push(lastLoud);
        loud = false;
      }
    }, 5);
    return stream;
  };
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (body) {
    const asked = performance.now();
    this.addEventListener("load", () => {
      seen.asked.push(asked);
      seen.errors += this.status !== 200 && this.status !== 422;
    });
    return send.call(this, body);
  };
  addEventListener("DOMContentLoaded", () => {
    new MutationObserver((changes) => {
      if (changes.some(({ addedNodes }) => addedNodes.length))
        requestAnimationFrame(() => seen.shown.push([seen.asked.at(-1), performance.now()]));
    }).observe(document.getElementById("strip"), { childList: true });
  });
})();
"""


@dataclass(frozen=True)
class Seen:
    """What was seen of Live; all times in milliseconds.

    Attributes:
        delays: of each word, from its end to the first answer that was asked for after it.
        gaps: between answers.
        errors: requests that were answered neither by an emotion nor by a fault of the sound.
        heap_mb: memory of the page's objects at the start and at the end.
        back: from the return of the connection to the next answer.
    """

    delays: np.ndarray
    gaps: np.ndarray
    errors: int
    heap_mb: tuple[float, float]
    back: float


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("clip", type=Path, help="speech of some seconds")
    parser.add_argument("--minutes", type=float, default=10, help="how long Live listens")
    options = parser.parse_args()
    seen = watch(options.clip, options.minutes)
    delays = {name: np.percentile(seen.delays, q) for name, q in QUANTILES.items()}
    print(
        f"{len(seen.delays)} words in {options.minutes:g} minutes: "
        + ", ".join(f"{name} {delay:.0f} ms" for name, delay in delays.items()),
        f"{len(seen.gaps) + 1} answers, {np.median(seen.gaps):.0f} ms apart in the median, at most "
        f"{seen.gaps.max():.0f} ms; {seen.errors} errors",
        f"objects of the page: {seen.heap_mb[0]:.1f} MB, at the end {seen.heap_mb[1]:.1f} MB",
        f"after {LOST_S} s offline: the next answer {seen.back:.0f} ms after the return",
        sep="\n",
    )
    return 0


def watch(clip: Path, minutes: float) -> Seen:
    """Start the app and a browser, and watch Live."""
    from playwright.sync_api import sync_playwright

    server = Server().wait_ready()
    try:
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            sound = Path(folder, "words.wav")
            sound.write_bytes(synth.wav(_words(clip), SAMPLE_RATE))
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=[*microphone_flags(sound), "--enable-precise-memory-info"],
            )
            page = browser.new_page()
            page.add_init_script(WATCH)
            page.goto(server.url)
            page.get_by_role("button", name="Live").click()
            page.wait_for_timeout(1000 * SETTLED_S)
            return _seen(page, minutes)
    finally:
        server.stop()


def _seen(page: Any, minutes: float) -> Seen:
    first_heap, start = _heap_mb(page), page.evaluate("performance.now()")
    page.wait_for_timeout(60_000 * minutes)
    end, heap = page.evaluate("performance.now()"), _heap_mb(page)
    found = page.evaluate("seen")
    shown = [(asked, at) for asked, at in found["shown"] if start <= at <= end]
    delays = [
        min(at for asked, at in shown if asked > word) - word
        for word in found["ends"]
        if start <= word <= shown[-1][0]
    ]
    page.context.set_offline(True)
    page.wait_for_timeout(1000 * LOST_S)
    before = page.evaluate("seen.shown.length")
    page.context.set_offline(False)
    returned = page.evaluate("performance.now()")
    wait_until(lambda: page.evaluate("seen.shown.length") > before)
    back = page.evaluate("seen.shown.at(-1)[1]") - returned
    gaps = np.array([later - sooner for (_, sooner), (_, later) in pairwise(shown)])
    return Seen(np.array(delays), gaps, found["errors"], (first_heap, heap), back)


def _heap_mb(page: Any) -> float:
    page.request_gc()
    return float(page.evaluate("performance.memory.usedJSHeapSize")) / 1e6


def _words(clip: Path) -> np.ndarray:
    """Return words of `WORD_S` of the clip, each at full level to its end, with pauses."""
    samples = load_audio(clip).samples
    size, pause = round(WORD_S * SAMPLE_RATE), np.zeros(round(PAUSE_S * SAMPLE_RATE))
    starts = range(0, len(samples) - size + 1, size)
    words = [part for start in starts for part in (samples[start : start + size], pause)]
    if not words:
        raise ValueError(f"{clip} is shorter than {WORD_S} s")
    return np.concatenate(words)


if __name__ == "__main__":
    run(main)
