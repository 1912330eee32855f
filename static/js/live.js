// Live: while the microphone is open, predicts the emotion of the last seconds, again and again.

import { $, announce, el, emojiOf, glyph, percent, showError } from "./dom.js";
import { brief, headline } from "./answer.js";
import { Meter } from "./meter.js";
import { Microphone, Ring, level, opened, wavFile } from "./microphone.js";
import { isCancelled, predict } from "./predict.js";
import { showShares } from "./shares.js";

const WINDOW_S = 3;
const EVERY_MS = 500; // a word is in the strip at most so long after its end, and the time of an answer
const CELLS = 120; // in the strip: about a minute
const LATE_MS = 5000; // a request on a lost connection may never end
const MAX_ERRORS = 5; // of the server, in a row; then Live stops
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
  let errors = 0;
  let askFrom = 0; // milliseconds since 1970
  let predicted = []; // a name or "silence" for each answer

  async function start() {
    if (microphone || !mayStart()) return;
    showError("");
    microphone = new Microphone();
    predicted = [];
    errors = askFrom = 0;
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
    // One request at a time; the first after a second.
    if (abort || ring.length < microphone.rate || Date.now() < askFrom) return;
    const ours = (abort = new AbortController());
    const late = setTimeout(() => ours.abort(), LATE_MS);
    try {
      const file = wavFile([ring.samples()], microphone.rate, "live.wav");
      const { answer } = await predict({ file: [file] }, { signal: ours.signal, retries: 0 });
      if (abort === ours) show(answer);
    } catch (error) {
      if (abort === ours) miss(error);
    } finally {
      clearTimeout(late);
      if (abort === ours) abort = null;
    }
  }

  function show(answer) {
    const { name } = headline(answer);
    errors = 0;
    if (name !== predicted.at(-1)) announce(name);
    $("live-state").textContent = `${brief(answer).name}, ${percent(answer.confidence)}`;
    predicted.push(name);
    add(answer.emotion, answer.confidence, name !== answer.emotion);
    onAnswer(answer);
  }

  function miss(error) {
    if (error.code in QUIET) {
      errors = 0;
      $("live-state").textContent = QUIET[error.code];
      if (error.code !== "silent") return;
      predicted.push("silence");
      add("silence");
      return;
    }
    $("live-state").textContent = "waiting for the server …";
    askFrom = Date.now() + 1000 * (error.retryAfter ?? 0);
    // A late request was cancelled, or the server may be back at any moment.
    if (isCancelled(error) || !error.code || error.retryAfter) return;
    errors += 1;
    if (errors < MAX_ERRORS) return;
    stop();
    showError(error.message);
  }

  function add(emotion, confidence = 0, unsure = false) {
    const words = `${emotion}${unsure ? "?" : ""} ${confidence ? percent(confidence) : ""}`;
    const bar = el("span", { className: "strip-bar" });
    bar.style.height = `${Math.max(8, 100 * confidence)}%`;
    const cell = el(
      "li",
      { dataset: { emotion }, title: words, className: unsure ? "unsure" : "" },
      el("span", { className: "strip-track" }, bar),
      glyph(emojiOf(emotion)),
      el("span", { className: "hidden-text" }, words),
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
