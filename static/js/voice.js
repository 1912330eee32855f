// "Use my normal voice": makes it of a recording or of files, shows that it is in use, takes it off.

import { $, announce, facts, megabytes, showError } from "./dom.js";
import { makeReference } from "./predict.js";
import { setUpRecorder } from "./recorder.js";
import { OUTDATED, dropVoice, keepVoice, onVoiceChange, storedVoice } from "./stored_voice.js";

const SECONDS = 5;
const HINT = "Speak as you do every day, with the microphone that you use for your recordings.";

/** @param {{mayStart: () => boolean, onStart: () => void, onEnd: () => void}} page */
export function setUpVoice({ mayStart, onStart, onEnd }) {
  if (!$("voice")) return { allow() {} }; // the model takes no reference
  let allowed = true;
  let making = false;

  function render(reason = "") {
    const voice = storedVoice();
    $("voice-badge").hidden = $("voice-remove").hidden = !voice;
    $("voice-record").disabled = making || !allowed;
    $("voice-file").disabled = $("voice-remove").disabled = making;
    $("voice-state").textContent =
      reason || (voice ? `In use for Record, Files and Live: ${voice.seconds.toFixed(1)} s of your voice.` : HINT);
    $("voice-state").classList.toggle("notice", Boolean(reason));
    if (!reason) return;
    $("voice").open = true;
    announce(reason);
  }

  async function make(files) {
    showError("");
    making = true;
    render();
    $("voice-state").textContent = "Analysing …";
    $("voice-title").focus();
    try {
      const size = files.reduce((sum, file) => sum + file.size, 0);
      if (size > facts.maxBytes) {
        throw new Error(`That is ${megabytes(size)}; the limit is ${facts.maxBytes / 1e6} MB.`);
      }
      const { reference, seconds, model } = await makeReference(files);
      if (seconds < facts.minReferenceSeconds) {
        throw new Error(`That is ${seconds} s of your voice; at least ${facts.minReferenceSeconds} s is needed.`);
      }
      keepVoice({ text: reference, seconds, version: model.version });
      announce("Your normal voice is in use");
    } catch (error) {
      showError(error.message);
    } finally {
      making = false;
      render();
    }
  }

  setUpRecorder("voice-record", {
    longestS: SECONDS,
    mayStart: () => mayStart() && !making,
    onStart() {
      onStart();
      $("form").hidden = $("voice-actions").hidden = $("voice-state").hidden = true;
    },
    onEnd() {
      $("form").hidden = $("voice-actions").hidden = $("voice-state").hidden = false;
      onEnd();
    },
    onRecording: (file) => make([file]),
  });
  $("voice-file").addEventListener("change", ({ target }) => {
    const files = [...target.files];
    target.value = ""; // choosing the same file again is then a change, too
    if (files.length) make(files);
  });
  $("voice-remove").addEventListener("click", () => {
    dropVoice();
    announce("Your normal voice is taken off");
    $("voice-title").focus();
  });
  onVoiceChange(render);
  const stored = storedVoice();
  if (stored && stored.version !== facts.version) dropVoice(OUTDATED);
  else render();

  return {
    /** @param {boolean} may whether a recording may start */
    allow(may) {
      allowed = may;
      $("voice-record").disabled = making || !may;
    },
  };
}
