// Keeps the text of the normal voice in this browser, and tells who listens when it changes.

import { facts } from "./dom.js";

const KEY = "normal-voice";
export const OUTDATED = "The model has changed since. Make your normal voice anew.";

let kept = null; // for a browser that stores nothing: until the page is closed
const listeners = [];

/** The normal voice, {text, seconds, version}; null if there is none, or if the model takes none. */
export function storedVoice() {
  if (!facts.minReferenceSeconds) return null;
  try {
    const stored = JSON.parse(localStorage.getItem(KEY));
    return typeof stored?.text === "string" ? stored : kept;
  } catch {
    return kept;
  }
}

export function keepVoice(voice) {
  change(voice, "");
}

/** @param {string} reason shown to the user */
export function dropVoice(reason = "") {
  change(null, reason);
}

function change(voice, reason) {
  kept = voice;
  try {
    if (voice) localStorage.setItem(KEY, JSON.stringify(voice));
    else localStorage.removeItem(KEY);
  } catch {
    // The browser stores nothing.
  }
  tell(reason);
}

/** Call `listener` with a reason, or "", after each change, also one in another tab. */
export function onVoiceChange(listener) {
  listeners.push(listener);
}

function tell(reason) {
  for (const listener of listeners) listener(reason);
}

addEventListener("storage", ({ key }) => {
  if (key !== KEY && key !== null) return;
  kept = null; // another tab has changed it, or taken it off
  tell("");
});
