// Summarises how much of the time each emotion takes.

import { el, emojiOf, glyph, percent } from "./dom.js";

/** @param {{name: string, seconds: number}[]} parts */
export function shares(parts) {
  const total = parts.reduce((sum, part) => sum + part.seconds, 0);
  const seconds = {};
  for (const part of parts) seconds[part.name] = (seconds[part.name] ?? 0) + part.seconds;
  return Object.entries(seconds)
    .map(([name, value]) => ({ name, fraction: value / total }))
    .sort((a, b) => b.fraction - a.fraction);
}

export function showShares(list, parts) {
  list.hidden = parts.length === 0;
  list.replaceChildren(
    ...shares(parts).map(({ name, fraction }) =>
      el(
        "li",
        { dataset: { emotion: name } },
        el("span", { className: "swatch", aria: { hidden: "true" } }),
        glyph(emojiOf(name)),
        ` ${name} `,
        el("strong", {}, percent(fraction)),
      ),
    ),
  );
}
