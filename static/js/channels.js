// "Each channel apart", such as the two sides of a call; and the rows of the timeline, with it and without.

import { $, announce, el, emojiOf, glyph, showError } from "./dom.js";
import { confidenceWords, headline } from "./answer.js";
import { ask } from "./predict.js";
import { showShares } from "./shares.js";
import { nameOf } from "./timeline.js";

const nameOfChannel = ({ channel }) => ["Left", "Right"][channel - 1] ?? `Channel ${channel}`;
const byStart = (cues) => [...cues].sort((a, b) => a.start - b.start);

/** The rows of the timeline: the segments of a clip and its cues, or those of each of its channels. */
export function partsOf({ answer, apart }) {
  if (apart) return apart.channels.flatMap((channel) => channelParts(channel, apart.duration));
  if (!answer) return [];
  return [
    ...(answer.segments.length > 1 ? [{ name: "", spans: answer.segments }] : []),
    ...(answer.cues ? [{ name: "Captions", spans: byStart(answer.cues) }] : []),
  ];
}

function channelParts(channel, duration) {
  const name = nameOfChannel(channel);
  if (channel.silent) return [{ name: `${name}: silent`, spans: [{ start: 0, end: duration, silent: true }] }];
  return [
    { name, spans: channel.segments },
    ...(channel.cues ? [{ name: `${name}, captions`, spans: byStart(channel.cues) }] : []),
  ];
}

/**
 * Show the shares of the clip, or the summary of each channel.
 * @param {boolean} mayDiffer whether the channels of the clip may hold different sounds
 */
export function showChannels({ answer, apart, fields } = {}, mayDiffer = false) {
  const segments = apart ? [] : (answer?.segments ?? []);
  showShares($("shares"), segments.length > 1 ? partsOfTime(segments) : []);
  $("apart").hidden = !fields || !(mayDiffer || apart);
  $("apart").setAttribute("aria-pressed", String(Boolean(apart)));
  $("channels").hidden = !apart;
  $("channels").replaceChildren(...(apart?.channels ?? []).map(summary));
}

const partsOfTime = (segments) => segments.map((s) => ({ name: nameOf(s), seconds: s.end - s.start }));

function summary(channel) {
  const name = nameOfChannel(channel);
  if (channel.silent) return el("li", {}, el("strong", {}, name), " ", glyph(emojiOf("silence")), " silent: no voice");
  const head = headline(channel);
  const list = el("ul", { className: "shares", aria: { label: `${name}: how much of the time each emotion takes` } });
  showShares(list, partsOfTime(channel.segments));
  return el(
    "li",
    {},
    el("p", {}, el("strong", {}, name), " ", glyph(head.symbol), ` ${head.name} · ${confidenceWords(channel)}`),
    list,
  );
}

/** @param {{shown: () => object, onChange: () => void}} page */
export function setUpChannels({ shown, onChange }) {
  $("apart").addEventListener("click", async () => {
    const item = shown();
    $("apart").disabled = true;
    showError("");
    try {
      if (item.apart) item.apart = null;
      else await takeApart(item);
      announce(item.apart ? `${item.apart.channels.length} channels apart` : "All channels together");
    } catch (error) {
      showError(error.message);
    }
    $("apart").disabled = false;
    if (item === shown()) onChange();
  });
}

async function takeApart(item) {
  const { fields } = item;
  const channels = item.channels ?? (await channelsOf(item));
  // Meanwhile the clip may have a new answer, or none.
  if (item.fields === fields) item.apart = item.channels = channels;
}

async function channelsOf({ fields }) {
  announce("Analysing each channel …");
  const answer = await ask({ ...fields, channels: ["separate"] });
  if (answer.channels.length > 1) return answer;
  throw new Error("The file has one channel.");
}
