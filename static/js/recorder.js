// Records with the microphone: start, stop, elapsed time, level.

import { $, announce, clock, facts, showError } from "./dom.js";
import { Meter } from "./meter.js";
import { Microphone, level, opened, wavFile } from "./microphone.js";

const LONGEST_S = 120;
const HEADER = 10_000; // bytes: the WAV header and the parts of the form

/**
 * @param {{mayStart: () => boolean, onStart: () => void, onRecording: (file: File) => void, onEnd: () => void}} page
 */
export function setUpRecorder({ mayStart, onStart, onRecording, onEnd }) {
  const meter = new Meter($("record-level"));
  let microphone = null;
  let chunks = [];
  let samples = 0;
  let number = 0;
  let longest = LONGEST_S;

  $("record-hint").textContent = `up to ${LONGEST_S / 60} minutes`;

  async function start() {
    if (microphone || !mayStart()) return;
    showError("");
    microphone = new Microphone();
    chunks = [];
    samples = 0;
    meter.clear();
    if (!(await opened(microphone, take, stop, mayStart))) {
      microphone = null;
      return;
    }
    onStart();
    // The recording must fit into one upload.
    longest = Math.min(LONGEST_S, Math.floor((facts.maxBytes - HEADER) / (2 * microphone.rate)));
    $("longest").textContent = clock(longest);
    $("elapsed").textContent = "0:00";
    $("recorder").hidden = false;
    $("record-stop").focus();
    announce("Recording");
  }

  function take(chunk) {
    if (!microphone) return;
    chunks.push(chunk);
    samples += chunk.length;
    meter.push(level(chunk));
    const seconds = samples / microphone.rate;
    $("elapsed").textContent = clock(seconds);
    if (seconds >= longest) stop();
  }

  function stop() {
    if (!microphone) return;
    const { rate } = microphone;
    microphone.close();
    microphone = null;
    $("recorder").hidden = true;
    onEnd();
    if (!samples) {
      $("record").focus();
      showError("Nothing was recorded. Is the microphone switched on?");
      return;
    }
    number += 1;
    announce("Recording stopped");
    onRecording(wavFile(chunks, rate, `recording-${number}.wav`));
    chunks = [];
  }

  $("record").addEventListener("click", start);
  $("record-stop").addEventListener("click", stop);
}
