// Shows the answer as a point on the plane of valence (across) and arousal (up), each -1 to 1.

import { $ } from "./dom.js";

const signed = (x) => (x < 0 ? "−" : "+") + Math.abs(x).toFixed(2);

/** "arousal +0.42, valence −0.30", or "" if the model does not give them. */
export function planeWords({ arousal, valence }) {
  return Number.isFinite(arousal) ? `arousal\u00a0${signed(arousal)}, valence\u00a0${signed(valence)}` : "";
}

export function showPlane(answer) {
  const words = planeWords(answer);
  $("plane").hidden = !words;
  if (!words) return;
  $("plane-point").setAttribute("cx", 100 * answer.valence);
  $("plane-point").setAttribute("cy", -100 * answer.arousal);
  $("plane-caption").textContent = words.charAt(0).toUpperCase() + words.slice(1);
}
