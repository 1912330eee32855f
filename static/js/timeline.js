// Shows what is known of a clip over time, below its waveform: rows of spans, one lane for each emotion.

import { $, clock, el, emojiOf, facts, glyph, percent, preciseClock } from "./dom.js";
import { bars } from "./answer.js";
import { planeWords } from "./plane.js";

const MARKS = 5; // at most, on the time axis, after the first
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800];
const SILENCE = "silence";
// Why a cue has no emotion, by the note of the server.
const NOTES = { silent: SILENCE, short: "too short", outside: "not analysed" };
const has = (span) => Boolean(span.emotion) && !span.silent;

/** The emotion of a segment or a cue, or why it has none. */
export const nameOf = (span) => (has(span) ? span.emotion : (NOTES[span.note] ?? SILENCE));
const colourOf = (span) => (has(span) ? span.emotion : SILENCE);

export class Timeline {
  /** @param {(seconds: number) => void} onPlay called with the start of the chosen span */
  constructor(onPlay) {
    this.onPlay = onPlay;
    this.clear();
  }

  clear() {
    this.rows = [];
    this.active = null; // the row of the span that is shown in detail
    for (const id of ["timelines", "lanes"]) $(id).replaceChildren();
    $("timelines").hidden = $("lanes").hidden = $("detail").hidden = true;
  }

  /**
   * @param {{name: string, spans: object[]}[]} parts a row each: segments, or cues by their starts
   * @param {number} answered seconds that the answer covers; less than `duration` if it is truncated
   * @param {number} duration of the clip in seconds
   */
  show(parts, answered, duration) {
    this.clear();
    this.total = Math.max(answered, duration);
    this.axis();
    this.rows = parts
      .map(({ name, spans }) => ({ name, spans: spans.filter((span) => span.start < this.total) }))
      .filter(({ spans }) => spans.length)
      .map((part, i) => new Row(this, part, i + 1));
    if (!this.rows.length) return;
    $("lanes").append(...this.rows.flatMap((row) => row.lanes));
    $("timelines").append(...this.rows.flatMap((row) => row.nodes));
    $("timelines").hidden = $("lanes").hidden = $("detail").hidden = false;
    this.rows[0].point(0);
  }

  axis() {
    const { total } = this;
    const step = STEPS_S.find((seconds) => total / seconds <= MARKS) ?? STEPS_S.at(-1);
    const marks = [];
    // Half of a mark at the very end would be outside.
    for (let at = 0; total && at <= total; at += step) {
      const mark = el("span", { className: at / total > 0.97 ? "last" : "" }, clock(at));
      mark.style.left = `${(100 * at) / total}%`;
      marks.push(mark);
    }
    $("axis").replaceChildren(...marks);
  }

  /** Show the probabilities of a span. */
  detail(row, span) {
    this.active = row;
    $("detail-title").replaceChildren(
      el("span", { className: "quiet" }, `${row.title}${preciseClock(span.start)} – ${preciseClock(span.end)} `),
      glyph(emojiOf(nameOf(span))),
      el("strong", {}, ` ${nameOf(span)} `),
      has(span) ? percent(span.confidence) : span.silent ? "does not count" : "",
      el("span", { className: "quiet" }, has(span) ? ` ${planeWords(span)}` : ""),
    );
    $("detail-text").textContent = span.text ?? "";
    $("detail-bars").replaceChildren(...(span.probabilities ? [bars(span.probabilities, { sorted: false })] : []));
  }

  follow(seconds) {
    for (const row of this.rows) row.follow(seconds);
  }

  /** Play a span, a segment or a cue, and show it. */
  play(span) {
    for (const row of this.rows) if (row.spans.includes(span)) row.choose(row.spans.indexOf(span));
    this.onPlay(span.start);
  }
}

class Row {
  constructor(timeline, { name, spans }, number) {
    this.timeline = timeline;
    this.title = name && `${name}, `;
    this.spans = spans;
    this.current = -1; // the span whose probabilities are shown
    this.followed = -1; // the span that plays
    this.chosen = 0; // the span last chosen by pointer, keyboard or player
    const names = [...facts.labels, ...Object.values(NOTES)].filter((known) => this.spans.some((s) => nameOf(s) === known));
    const lanes = names.map((lane) =>
      el("li", { title: lane }, glyph(emojiOf(lane)), el("span", { className: "lane-name" }, ` ${lane}`)),
    );
    const box = el("div", {
      id: number > 1 ? `timeline-${number}` : "timeline",
      className: "timeline",
      tabIndex: 0,
      role: "listbox",
      aria: { label: `${this.title}emotions over time: arrow keys choose a part, Enter plays from it` },
    });
    box.style.setProperty("--lanes", names.length);
    box.append(...this.spans.map((span, i) => option(span, `${box.id}-${i}`, timeline.total, names)));
    this.box = box;
    this.lanes = [...(name ? [el("li", { className: "row-name" })] : []), ...lanes];
    this.nodes = [...(name ? [el("p", { className: "row-name" }, name)] : []), box];
    this.listen();
  }

  /** Show a span in detail. */
  point(index) {
    if (index === this.current && this.timeline.active === this) return;
    this.mark(index);
    this.timeline.detail(this, this.spans[index]);
  }

  mark(index) {
    if (index === this.current) return;
    this.box.children[this.current]?.setAttribute("aria-selected", "false");
    this.current = index;
    const marked = this.box.children[index];
    marked.setAttribute("aria-selected", "true");
    this.box.setAttribute("aria-activedescendant", marked.id);
  }

  choose(index) {
    this.chosen = Math.min(Math.max(0, index), this.spans.length - 1);
    this.point(this.chosen);
  }

  at(seconds) {
    return Math.max(0, this.spans.findLastIndex((span) => span.start <= seconds));
  }

  /** Follow the player into the next span, unless the pointer is on a span. */
  follow(seconds) {
    const index = this.at(seconds);
    if (index === this.followed) return;
    this.followed = this.chosen = index;
    if (this.box.matches(":hover")) return;
    this.mark(index);
    if (this.timeline.active === this) this.point(index);
  }

  listen() {
    const { box } = this;
    const under = (event) => {
      const { left, width } = box.getBoundingClientRect();
      return this.at(((event.clientX - left) / width) * this.timeline.total);
    };
    box.addEventListener("pointermove", (event) => this.point(under(event)));
    box.addEventListener("pointerleave", () => this.point(this.chosen));
    box.addEventListener("focus", () => this.point(this.chosen));
    box.addEventListener("click", (event) => this.timeline.play(this.spans[under(event)]));
    box.addEventListener("keydown", (event) => {
      const target = {
        ArrowLeft: this.chosen - 1,
        ArrowUp: this.chosen - 1,
        ArrowRight: this.chosen + 1,
        ArrowDown: this.chosen + 1,
        Home: 0,
        End: this.spans.length - 1,
      }[event.key];
      if (target !== undefined) this.choose(target);
      else if (event.key === "Enter" || event.key === " ") this.timeline.play(this.spans[this.chosen]);
      else return;
      event.preventDefault();
    });
  }
}

function option(span, id, total, lanes) {
  const name = nameOf(span);
  const text = [has(span) ? `${name}, ${percent(span.confidence)}` : name, span.text].filter(Boolean).join(": ");
  const node = el("div", {
    id,
    className: "segment",
    role: "option",
    dataset: { emotion: colourOf(span) },
    aria: { selected: "false", label: `${preciseClock(span.start)} to ${preciseClock(span.end)}: ${text}` },
  });
  node.style.left = `${(100 * span.start) / total}%`;
  node.style.width = `${(100 * (Math.min(span.end, total) - span.start)) / total}%`;
  node.style.setProperty("--lane-number", lanes.indexOf(name));
  return node;
}
