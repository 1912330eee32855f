// The results of this session. Only this tab keeps them, until it is closed.

import { $, el, glyph, percent } from "./dom.js";
import { brief } from "./answer.js";
import { setUpExport } from "./export.js";

const KEY = "results";
const MAX = 30;
const MAX_WITH_AUDIO = 10; // audio takes memory

/** @param {(entry: object) => void} onOpen called with the chosen entry; `file` is null after a reload */
export function setUpHistory(onOpen) {
  let entries = restore();

  function add({ name, file, captions, played, answer, fields }) {
    entries.unshift({ name, file, captions, played, answer, fields, when: Date.now() });
    entries.length = Math.min(entries.length, MAX);
    for (const old of entries.slice(MAX_WITH_AUDIO)) old.file = old.captions = old.fields = null;
    keep();
    show();
  }

  function keep() {
    try {
      const results = entries.map(({ name, played, answer, when }) => ({ name, played, answer, when }));
      sessionStorage.setItem(KEY, JSON.stringify(results));
    } catch {
      // There is no storage, or it is full: the list lasts as long as the page.
    }
  }

  function show() {
    $("history").replaceChildren(...entries.map(row));
    $("session").hidden = entries.length === 0;
  }

  function row(entry) {
    const { symbol, name } = brief(entry.answer);
    const time = new Date(entry.when).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const open = el(
      "button",
      { type: "button", className: "entry" },
      glyph(symbol),
      el("span", { className: "entry-name" }, entry.name),
      el("span", { className: "entry-result" }, `${name} ${percent(entry.answer.confidence)}`),
      el("span", { className: "quiet" }, time),
    );
    open.addEventListener("click", () => onOpen(entry));
    return el("li", {}, open);
  }

  $("history-clear").addEventListener("click", () => {
    entries = [];
    keep();
    show();
    $("about-title").focus({ preventScroll: true });
  });
  setUpExport("history", () => entries);
  show();
  return { add };
}

function restore() {
  try {
    const stored = JSON.parse(sessionStorage.getItem(KEY)) ?? [];
    return stored.map((entry) => ({ ...entry, file: null }));
  } catch {
    return [];
  }
}
