// Lists several files: one row each, with its state and its result; and shows the progress of one.

import { $, el, glyph, percent } from "./dom.js";
import { brief } from "./answer.js";

/**
 * @param {object[]} items
 * @param {object} selected the item that is shown in full
 * @param {{onSelect: Function, onRetry: Function, onRemove: Function}} actions
 * @param {boolean} whether an analysis runs; rows cannot be removed then
 */
export function showFiles(items, selected, actions, running) {
  $("files").hidden = items.length < 2;
  if (items.length < 2) {
    $("files-list").replaceChildren();
    return;
  }
  const done = items.filter((item) => item.state === "done").length;
  $("files-title").textContent = `${items.length} files${done ? `, ${done} done` : ""}`;
  $("files-clear").disabled = running;
  $("files-csv").disabled = $("files-json").disabled = !items.some((item) => item.state in ENDED);
  // Rows are kept so that the focus stays where it is.
  const list = $("files-list");
  if (list.children.length !== items.length || items.some((item, i) => list.children[i].item !== item)) {
    list.replaceChildren(...items.map((item) => row(item, actions)));
  }
  for (const li of list.children) update(li, li.item === selected, running);
}

const ENDED = { done: true, failed: true };

function row(item, { onSelect, onRetry, onRemove }) {
  const button = (className, text, action, label = text) => {
    const node = el("button", { type: "button", className, aria: { label: `${label}: ${item.name}` } }, text);
    node.addEventListener("click", () => action(item));
    return node;
  };
  const open = el(
    "button",
    { type: "button", className: "entry" },
    el("span", { className: "entry-name" }, item.name),
    el("span", { className: "entry-result" }),
  );
  open.addEventListener("click", () => onSelect(item));
  const li = el(
    "li",
    {},
    open,
    button("small retry", "Try again", onRetry),
    button("round remove", "×", onRemove, "Remove"),
  );
  return Object.assign(li, { item });
}

function update(li, isSelected, running) {
  const { item } = li;
  li.dataset.state = item.state;
  li.querySelector(".entry").setAttribute("aria-current", String(isSelected));
  li.querySelector(".entry-result").replaceChildren(...stateOf(item));
  li.querySelector(".retry").hidden = item.state !== "failed";
  li.querySelector(".retry").disabled = running;
  li.querySelector(".remove").disabled = running;
}

function stateOf(item) {
  if (item.state === "done") {
    const { symbol, name } = brief(item.answer);
    return [glyph(symbol), ` ${name} ${percent(item.answer.confidence)}`];
  }
  return {
    ready: () => [""],
    waiting: () => ["waiting"],
    uploading: () => [`uploading ${percent(item.progress)}`],
    analysing: () => ["analysing …"],
    failed: () => [item.error],
  }[item.state]();
}

/** Show how far the analysis of an item is. */
export function showProgress(item, items) {
  const words = { uploading: `Uploading ${percent(item.progress)}`, analysing: "Analysing …" }[item.state];
  const place = items.length > 1 ? `${items.indexOf(item) + 1} of ${items.length}: ` : "";
  $("progress-text").textContent = place + words;
  if (item.state === "uploading") $("progress-bar").value = item.progress;
  else $("progress-bar").removeAttribute("value");
}
