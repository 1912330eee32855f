// "Try one": clips of actors, loaded when one is wanted, with the emotion that was played.

import { $, emojiOf, glyph, showError } from "./dom.js";

const buttons = [...document.querySelectorAll("#examples button")];

/** @param {(file: File, played: string) => void} onExample */
export function setUpExamples(onExample) {
  for (const button of buttons) button.addEventListener("click", () => load(button.dataset));

  async function load({ src, played }) {
    showError("");
    try {
      const response = await fetch(src);
      if (!response.ok) throw new Error(response.statusText);
      onExample(new File([await response.blob()], src.split("/").at(-1), { type: "audio/ogg" }), played);
    } catch {
      showError("The example could not be loaded. Try again.");
    }
  }
}

export function allowExamples(may) {
  for (const button of buttons) button.disabled = !may;
}

/** Say which emotion the actor of an example played. */
export function showPlayed(emotion) {
  $("played").hidden = !emotion;
  if (emotion) $("played-emotion").replaceChildren(glyph(emojiOf(emotion)), ` ${emotion}`);
}
