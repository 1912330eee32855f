// Live: while the microphone is open, predicts the emotion of the last seconds every second.

import { $, announce, el, emojiOf, glyph, percent, showError } from "./dom.js";
import { headline } from "./answer.js";
import { Meter } from "./meter.js";
import { Microphone, Ring, level, opened, wavFile } from "./microphone.js";
import { predict } from "./predict.js";
import { showShares } from "./shares.js";

const WINDOW_S = 3;
const EVERY_MS = 1000;
const CELLS = 60; // in the strip: about a minute
const MAX_FAILURES = 5; // in a row; then Live stops
// Errors of the audio, not of the connection.
const QUIET = { silent: "silence", too_short: "listening …" };

/**
 * @param {{mayStart: () => boolean, onStart: () => void, onAnswer: (answer: object) => void, onEnd: () => void}} page
 */
export function setUpLive({ mayStart, onStart, onAnswer, onEnd }) {
  const meter = new Meter($("live-level"));
  let microphone = null;
  let ring = null;
  let timer = 0;
  let abort = null; // of the running request, if there is one
  let failures = 0;
  let predicted = []; // a label or "silence" for each second

  async function start() {
    if (microphone || !mayStart()) return;
    showError("");
    microphone = new Microphone();
    predicted = [];
    failures = 0;
    meter.clear();
    $("strip").replaceChildren();
    $("live-shares").hidden = true;
    if (!(await opened(microphone, take, stop, mayStart))) {
      microphone = null;
      return;
    }
    onStart();
    ring = new Ring(WINDOW_S * microphone.rate);
    $("live-state").textContent = "listening …";
    $("live-panel").hidden = false;
    $("live-stop").hidden = false;
    $("live-panel").classList.add("on");
    $("live-stop").focus();
    timer = setInterval(ask, EVERY_MS);
    announce("Live, listening");
  }

  function take(chunk) {
    if (!ring) return;
    ring.push(chunk);
    meter.push(level(chunk));
  }

  async function ask() {
    if (abort || ring.length < microphone.rate) return; // one request at a time; the first after a second
    const ours = (abort = new AbortController());
    try {
      const file = wavFile([ring.samples()], microphone.rate, "live.wav");
      const { answer } = await predict({ file: [file] }, { signal: ours.signal, retries: 0 });
      if (ours.signal.aborted) return;
      failures = 0;
      show(answer);
    } catch (error) {
      if (!ours.signal.aborted) miss(error);
    } finally {
      if (abort === ours) abort = null;
    }
  }

  function show(answer) {
    const { name } = headline(answer);
    if (name !== predicted.at(-1)) announce(name);
    $("live-state").textContent = `${name}, ${percent(answer.confidence)}`;
    add(name, answer.confidence);
    onAnswer(answer);
  }

  function miss(error) {
    if (error.code in QUIET) {
      failures = 0;
      $("live-state").textContent = QUIET[error.code];
      if (error.code === "silent") add("silence", 0);
      return;
    }
    failures += 1;
    $("live-state").textContent = "waiting for the server …";
    if (failures < MAX_FAILURES) return;
    stop();
    showError(error.message);
  }

  function add(name, confidence) {
    predicted.push(name);
    const bar = el("span", { className: "strip-bar" });
    bar.style.height = `${Math.max(8, 100 * confidence)}%`;
    const cell = el(
      "li",
      { dataset: { emotion: name }, title: `${name} ${confidence ? percent(confidence) : ""}` },
      el("span", { className: "strip-track" }, bar),
      glyph(emojiOf(name)),
      el("span", { className: "hidden-text" }, `${name} ${confidence ? percent(confidence) : ""}`),
    );
    const strip = $("strip");
    strip.append(cell);
    if (strip.children.length > CELLS) strip.firstChild.remove();
    strip.scrollLeft = strip.scrollWidth;
  }

  function stop() {
    if (!microphone) return;
    clearInterval(timer);
    abort?.abort();
    abort = null;
    microphone.close();
    microphone = ring = null;
    $("live-panel").classList.remove("on");
    $("live-stop").hidden = true;
    $("live-state").textContent = predicted.length ? "stopped" : "stopped before the first answer";
    showShares($("live-shares"), predicted.map((name) => ({ name, seconds: EVERY_MS / 1000 })));
    announce("Live stopped");
    onEnd();
  }

  $("live").addEventListener("click", start);
  $("live-stop").addEventListener("click", stop);
}
