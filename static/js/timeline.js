// Shows the segments of a clip below its waveform: one lane for each emotion.

import { $, clock, el, emojiOf, facts, glyph, percent, preciseClock } from "./dom.js";
import { bars } from "./answer.js";
import { planeWords } from "./plane.js";
import { showShares } from "./shares.js";

const MARKS = 5; // at most, on the time axis, after the first
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800];
const SILENCE = "silence";
const nameOf = (segment) => (segment.silent ? SILENCE : segment.emotion);

export class Timeline {
  /** @param {(seconds: number) => void} onPlay called with the start of the chosen segment */
  constructor(onPlay) {
    this.onPlay = onPlay;
    this.box = $("timeline");
    this.clear();
    this.listen();
  }

  clear() {
    this.segments = [];
    this.current = -1; // the segment whose probabilities are shown
    this.followed = -1; // the segment that plays
    this.chosen = 0; // the segment last chosen by pointer, keyboard or player
    this.box.replaceChildren();
    $("lanes").replaceChildren();
    this.box.hidden = $("lanes").hidden = $("detail").hidden = $("shares").hidden = true;
  }

  /**
   * @param {object} answer
   * @param {number} duration of the clip in seconds; the answer covers less if it is truncated
   */
  show(answer, duration) {
    this.clear();
    this.axis(answer && Math.max(duration, answer.duration), duration);
    if (!answer || answer.segments.length < 2) return;
    this.segments = answer.segments;
    this.total = Math.max(duration, answer.duration);
    const found = new Set(this.segments.map(nameOf));
    const lanes = [...facts.labels, SILENCE].filter((name) => found.has(name));
    $("lanes").replaceChildren(
      ...lanes.map((name) =>
        el("li", { title: name }, glyph(emojiOf(name)), el("span", { className: "lane-name" }, ` ${name}`)),
      ),
    );
    this.box.style.setProperty("--lanes", lanes.length);
    this.box.replaceChildren(...this.segments.map((segment, i) => this.option(segment, i, lanes)));
    this.box.hidden = $("lanes").hidden = $("detail").hidden = false;
    showShares($("shares"), this.segments.map((s) => ({ name: nameOf(s), seconds: s.end - s.start })));
    this.point(0);
  }

  option(segment, index, lanes) {
    const name = nameOf(segment);
    const text = segment.silent ? name : `${name}, ${percent(segment.confidence)}`;
    const option = el("div", {
      id: `segment-${index}`,
      className: "segment",
      role: "option",
      dataset: { emotion: name },
      aria: {
        selected: "false",
        label: `${preciseClock(segment.start)} to ${preciseClock(segment.end)}: ${text}`,
      },
    });
    option.style.left = `${(100 * segment.start) / this.total}%`;
    option.style.width = `${(100 * (segment.end - segment.start)) / this.total}%`;
    option.style.setProperty("--lane-number", lanes.indexOf(name));
    return option;
  }

  axis(answered, duration) {
    const total = answered || duration;
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

  /** Show the probabilities of a segment. */
  point(index) {
    if (index === this.current || !this.segments[index]) return;
    this.box.children[this.current]?.setAttribute("aria-selected", "false");
    this.current = index;
    const option = this.box.children[index];
    option.setAttribute("aria-selected", "true");
    this.box.setAttribute("aria-activedescendant", option.id);
    const segment = this.segments[index];
    const name = nameOf(segment);
    $("detail-title").replaceChildren(
      el("span", { className: "quiet" }, `${preciseClock(segment.start)} – ${preciseClock(segment.end)} `),
      glyph(emojiOf(name)),
      el("strong", {}, ` ${name} `),
      segment.silent ? "does not count" : percent(segment.confidence),
      el("span", { className: "quiet" }, segment.silent ? "" : ` ${planeWords(segment)}`),
    );
    $("detail-bars").replaceChildren(bars(segment.probabilities, { sorted: false }));
  }

  choose(index) {
    this.chosen = Math.min(Math.max(0, index), this.segments.length - 1);
    this.point(this.chosen);
  }

  at(seconds) {
    const index = this.segments.findIndex((segment) => seconds < segment.end);
    return index < 0 ? this.segments.length - 1 : index;
  }

  /** Follow the player into the next segment, unless the pointer is on a segment. */
  follow(seconds) {
    const index = this.segments.length ? this.at(seconds) : -1;
    if (index === this.followed) return;
    this.followed = this.chosen = index;
    if (!this.box.matches(":hover")) this.point(index);
  }

  listen() {
    const under = (event) => {
      const { left, width } = this.box.getBoundingClientRect();
      return this.at(((event.clientX - left) / width) * this.total);
    };
    this.box.addEventListener("pointermove", (event) => this.point(under(event)));
    this.box.addEventListener("pointerleave", () => this.point(this.chosen));
    this.box.addEventListener("click", (event) => this.play(under(event)));
    this.box.addEventListener("keydown", (event) => {
      const target = {
        ArrowLeft: this.chosen - 1,
        ArrowUp: this.chosen - 1,
        ArrowRight: this.chosen + 1,
        ArrowDown: this.chosen + 1,
        Home: 0,
        End: this.segments.length - 1,
      }[event.key];
      if (target !== undefined) this.choose(target);
      else if (event.key === "Enter" || event.key === " ") this.play(this.chosen);
      else return;
      event.preventDefault();
    });
  }

  play(index) {
    this.choose(index);
    this.onPlay(this.segments[index].start);
  }
}
