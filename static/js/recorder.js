// Records with the microphone: start, stop, elapsed time, level.

import { $, announce, clock, facts, showError } from "./dom.js";
import { Meter } from "./meter.js";
import { Microphone, level, opened, wavFile } from "./microphone.js";

const LONGEST_S = 120;
const HEADER = 10_000; // bytes: the WAV header and the parts of the form

/**
 * @param {string} id of the button that starts; those of the panel and what is in it begin with it
 * @param {{longestS?: number, mayStart: () => boolean, onStart: () => void, onRecording: (file: File) => void, onEnd: () => void}} page
 */
export function setUpRecorder(id, { longestS = LONGEST_S, mayStart, onStart, onRecording, onEnd }) {
  const part = (name) => $(`${id}-${name}`);
  const meter = new Meter(part("level"));
  let microphone = null;
  let chunks = [];
  let samples = 0;
  let number = 0;
  let longest = longestS;

  if (part("hint")) part("hint").textContent = `up to ${longestS / 60} minutes`;

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
    longest = Math.min(longestS, Math.floor((facts.maxBytes - HEADER) / (2 * microphone.rate)));
    part("longest").textContent = clock(longest);
    part("elapsed").textContent = "0:00";
    part("panel").hidden = false;
    part("stop").focus();
    announce("Recording");
  }

  function take(chunk) {
    if (!microphone) return;
    chunks.push(chunk);
    samples += chunk.length;
    meter.push(level(chunk));
    const seconds = samples / microphone.rate;
    part("elapsed").textContent = clock(seconds);
    if (seconds >= longest) stop();
  }

  function stop() {
    if (!microphone) return;
    const { rate } = microphone;
    microphone.close();
    microphone = null;
    part("panel").hidden = true;
    onEnd();
    if (!samples) {
      $(id).focus();
      showError("Nothing was recorded. Is the microphone switched on?");
      return;
    }
    number += 1;
    announce("Recording stopped");
    onRecording(wavFile(chunks, rate, `recording-${number}.wav`));
    chunks = [];
  }

  $(id).addEventListener("click", start);
  part("stop").addEventListener("click", stop);
}
