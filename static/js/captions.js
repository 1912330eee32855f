// Captions: a subtitle file beside a clip, and the emotion of each of its cues.

import { $, el, emojiOf, glyph, percent, preciseClock } from "./dom.js";
import { nameOf } from "./timeline.js";

const stem = (file) => file.name.replace(/\.\w+$/, "").toLowerCase();

/**
 * Find the clip of each subtitle file: the one of its name, or the only one.
 * @param {File[]} files
 * @param {File[]} known clips that were there before; captions may belong to them if no clip comes with them
 * @returns {{clips: File[], captions: Map<File, File>, left: File[]}} the clips that came, the captions of each clip,
 *   and those that belong to no clip
 */
export function pairUp(files, known) {
  const isCaptions = ({ name }) => /\.(srt|vtt)$/i.test(name);
  const clips = files.filter((file) => !isCaptions(file));
  const captions = new Map();
  const left = files.filter(isCaptions).filter((file) => {
    const clip = clipOf(file, clips.length ? clips : known);
    if (!clip || captions.has(clip)) return true;
    captions.set(clip, file);
    return false;
  });
  return { clips, captions, left };
}

function clipOf(captions, clips) {
  // "talk.en.srt" is of "talk.mp4", too, unless there is a "talk.en.mp4".
  const named = clips.filter((clip) => `${stem(captions)}.`.startsWith(`${stem(clip)}.`));
  const [nearest] = named.sort((a, b) => stem(b).length - stem(a).length);
  return nearest ?? (clips.length === 1 ? clips[0] : null);
}

/** Say why captions belong to no clip, and the way out. */
export function whyLeft({ name }, nClips) {
  if (!nClips) return `Choose the file that ${name} belongs to, too.`;
  return `${name} belongs to none of the files. Give it the name of its file.`;
}

/**
 * List the cues among the rows of a timeline.
 * @param {{name: string, spans: object[]}[]} parts
 * @param {(cue: object) => void} onPlay
 */
export function showCues(parts, onPlay) {
  const rows = parts.filter(({ spans }) => spans[0]?.text !== undefined);
  $("cues").hidden = rows.length === 0;
  $("cues-list").replaceChildren(
    ...rows.flatMap(({ name, spans }) => spans.map((cue) => row(cue, rows.length > 1 ? `${name.split(",")[0]} ` : "", onPlay))),
  );
}

function row(cue, channel, onPlay) {
  const name = nameOf(cue);
  const open = el(
    "button",
    { type: "button", className: "entry" },
    el("span", { className: "quiet" }, channel + preciseClock(cue.start)),
    el("span", { className: "entry-name" }, cue.text),
    el("span", { className: "entry-result" }, glyph(emojiOf(name)), ` ${name} ${cue.emotion ? percent(cue.confidence) : ""}`),
  );
  open.addEventListener("click", () => onPlay(cue));
  return el("li", {}, open);
}
