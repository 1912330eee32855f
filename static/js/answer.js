// Shows the answer and a bar for every emotion.

import { $, barOf, el, emojiOf, facts, glyph, percent } from "./dom.js";
import { showPlane } from "./plane.js";

const isUnsure = (answer) => answer.warnings.includes("uncertain") || answer.uncertain === true;

/** The emoji and the name of an answer. */
export function headline(answer) {
  const name = isUnsure(answer) ? "not sure" : answer.emotion;
  return { symbol: emojiOf(name), name };
}

/** The emoji and the name of an answer where there is little room: "sad?" if it is not sure. */
export function brief(answer) {
  return { symbol: emojiOf(answer.emotion), name: answer.emotion + (isUnsure(answer) ? "?" : "") };
}

/** "83 % confidence", after the best guess if the answer is "not sure". */
export function confidenceWords(answer) {
  const guess = isUnsure(answer) ? `Best guess: ${answer.emotion}, ` : "";
  return `${guess}${percent(answer.confidence)} confidence`;
}

/** "Lively, but not clear which emotion" if only the arousal of an answer is clear, else "". */
export function arousalWords(answer) {
  const { lively, calm } = facts.arousal;
  const level = answer.arousal >= lively ? "Lively" : answer.arousal <= calm ? "Calm" : "";
  return isUnsure(answer) && level ? `${level}, but not clear which emotion` : "";
}

/** Bars of probabilities: sorted, or in the model's order if the bars change while shown. */
export function bars(probabilities, { sorted = true } = {}) {
  const rows = Object.entries(probabilities);
  if (sorted) rows.sort((a, b) => b[1] - a[1]);
  return el("ul", { className: "bars" }, ...rows.map(([label, p]) => bar(label, p)));
}

function bar(label, p) {
  return el(
    "li",
    { dataset: { emotion: label } },
    el("span", { className: "bar-label" }, glyph(emojiOf(label)), ` ${label}`),
    barOf(p),
    el("span", { className: "bar-value" }, percent(p)),
  );
}

function warnings(answer) {
  const codes = answer.warnings.filter((code) => code !== "uncertain" || facts.warnings[code]);
  const words = codes.map((code) => facts.warnings[code] ?? code);
  if (answer.truncated) words.push(`Only the first ${Math.round(answer.duration)} s were analysed.`);
  return words;
}

/** @param {string} source the name of the file, or a description of other audio */
export function showAnswer(answer, source, { actions = true } = {}) {
  const { symbol, name } = headline(answer);
  $("source").textContent = source;
  $("played").hidden = true;
  $("emoji").textContent = symbol;
  $("emotion").textContent = name;
  $("arousal-words").textContent = arousalWords(answer);
  $("confidence").textContent = confidenceWords(answer);
  $("warnings").replaceChildren(...warnings(answer).map((text) => el("li", {}, text)));
  $("bars").replaceChildren(bars(answer.probabilities));
  showPlane(answer);
  const compared = answer.reference?.used ? " · with your normal voice" : "";
  $("details").textContent =
    `${answer.duration.toFixed(1)} s of audio${compared} · ${answer.model.name} ${answer.model.version}`;
  document.querySelector(".segments")?.remove(); // the page without JavaScript has it
  $("answer-actions").hidden = !actions;
  $("curl-by-hand").hidden = true;
  $("placeholder").hidden = true;
  $("result").hidden = false;
}

export function hideAnswer() {
  $("result").hidden = true;
  $("placeholder").hidden = false;
}
