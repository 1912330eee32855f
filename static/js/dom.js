// Small helpers that every part of the page uses.

export const $ = (id) => document.getElementById(id);

/** Facts that the server sends with the page: emoji, warning texts, labels, limits. */
export const facts = JSON.parse(document.body.dataset.facts);

const SYMBOLS = { ...facts.emoji, silence: "🔇", "not sure": "🤔", "too short": "–", "not analysed": "–" };
export const emojiOf = (name) => SYMBOLS[name] ?? "🙂";
export const percent = (fraction) => `${Math.round(fraction * 100)} %`;
export const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** Make an element: `el("li", { className: "x", dataset: { y: 1 } }, "text", child)`. */
export function el(tag, { dataset = {}, aria = {}, ...properties } = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  Object.assign(node.dataset, dataset);
  for (const [name, value] of Object.entries(aria)) node.setAttribute(`aria-${name}`, value);
  node.append(...children);
  return node;
}

/** An emoji that screen readers skip, because its name always stands beside it. */
export const glyph = (text) => el("span", { className: "glyph", aria: { hidden: "true" } }, text);

/** A bar for a fraction of 1; screen readers skip it, because the number stands beside it. */
export function barOf(fraction) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const rect = document.createElementNS(svg.namespaceURI, "rect");
  const set = (node, attributes) =>
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
  set(svg, { class: "bar", viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" });
  set(rect, { width: (100 * fraction).toFixed(2), height: 1 });
  svg.append(rect);
  return svg;
}

/** Format 65 seconds as "1:05". */
export function clock(seconds) {
  const whole = Math.floor(Math.max(0, seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Format 65.5 seconds as "1:05.5"; a segment may start within a second. */
export function preciseClock(seconds) {
  const tenths = Math.round(seconds * 10);
  const rest = tenths % 10 ? `.${tenths % 10}` : "";
  return clock(tenths / 10) + rest;
}

export function megabytes(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Let screen readers read a text when they are idle. */
export function announce(text) {
  $("status").textContent = text;
}

export function showError(message) {
  $("error").textContent = message;
  $("error").hidden = !message;
}

/** Fit a canvas to its box at the screen's resolution; return its context and size. */
export function fitCanvas(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  return { context, width, height };
}

export const themeColour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
