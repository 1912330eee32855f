// The page: which clip is chosen, which is analysed, and which is shown.

import { $, announce, clock, facts, megabytes, showError } from "./dom.js";
import { setUpAbout } from "./about.js";
import { arousalWords, confidenceWords, headline, hideAnswer, showAnswer } from "./answer.js";
import { pairUp, showCues, whyLeft } from "./captions.js";
import { partsOf, setUpChannels, showChannels } from "./channels.js";
import { setUpDownloads, setUpExport, showDownloads } from "./export.js";
import { allowExamples, setUpExamples, showPlayed } from "./examples.js";
import { showFiles, showProgress } from "./files.js";
import { setUpHistory } from "./history.js";
import { setUpIntake } from "./intake.js";
import { setUpLive } from "./live.js";
import { Player } from "./player.js";
import { isCancelled, predict } from "./predict.js";
import { setUpRecorder } from "./recorder.js";
import { Timeline } from "./timeline.js";
import { setUpVoice } from "./voice.js";

// {name, file, captions, played, size, state, progress, answer, fields, error}, and the answer with
// channels: `channels` once it is there, `apart` while it is shown.
let items = [];
let selected = null;
let running = null; // the AbortController of the running analysis
let listening = false; // whether the microphone is open

const timeline = new Timeline((seconds) => player.playFrom(seconds));
const player = new Player({
  onTime: (seconds) => timeline.follow(seconds),
  onDuration: () => showClip(),
  onChannels: () => showChannels(selected, player.mayDiffer),
});
const history = setUpHistory(openEntry);

const NEW = { state: "ready", progress: 0, answer: null, fields: null, channels: null, apart: null, error: "" };

function newItem(file, captions) {
  return { ...NEW, name: file.name, file, captions, size: file.size };
}

function take(files) {
  if (!files.length || running || listening) return;
  const known = items.flatMap(({ file }) => file ?? []);
  const { clips, captions, left } = pairUp([...files], known);
  showError(left.length ? whyLeft(left[0], clips.length + known.length) : "");
  if (!clips.length) return addCaptions(captions);
  items = clips.map((file) => newItem(file, captions.get(file)));
  $("live-panel").hidden = true;
  select(items[0]);
  announce(items.length > 1 ? `${items.length} files chosen` : `${items[0].name} chosen`);
}

/** Take captions that come after their clips. */
function addCaptions(captions) {
  const changed = items.filter(({ file }) => captions.has(file));
  for (const item of changed) Object.assign(item, NEW, { captions: captions.get(item.file) });
  if (!changed.length) return;
  select(changed.includes(selected) ? selected : changed[0]);
  announce(`${changed.map((item) => item.captions.name).join(", ")} chosen`);
}

function openEntry(entry) {
  if (running || listening) return;
  const known = items.find((item) => item.answer?.request_id === entry.answer.request_id);
  if (!known) items = [{ ...NEW, ...entry, size: entry.file?.size, state: "done" }];
  showError("");
  select(known ?? items[0]);
  $("emotion").focus();
}

function select(item) {
  selected = item;
  if (item) player.load(item.file);
  else player.clear();
  render();
  showItem();
}

function remove(item) {
  if (running) return;
  const index = items.indexOf(item);
  items = items.filter((other) => other !== item);
  if (item === selected) select(items[Math.min(index, items.length - 1)] ?? null);
  else render();
  ($("clip").hidden ? $("record") : $("remove")).focus();
}

/** Show the answer of the selected clip, or the placeholder. */
function showItem() {
  if (selected?.answer) showAnswer(selected.answer, selected.name);
  else hideAnswer();
  showPlayed(selected?.played);
  showDownloads(selected);
  showClip();
}

function showClip() {
  if (!selected) return;
  const seconds = player.duration || selected.answer?.duration;
  const { answer, captions, size } = selected;
  const meta = [seconds && clock(Math.round(seconds)), size && megabytes(size), captions && `with ${captions.name}`];
  $("clip-name").textContent = $("clip-name").title = selected.name;
  $("clip-meta").textContent = meta.filter(Boolean).join(" · ");
  const parts = partsOf(selected);
  timeline.show(parts, answer?.duration ?? 0, player.duration);
  showCues(parts, (cue) => timeline.play(cue));
  showChannels(selected, player.mayDiffer);
}

function render() {
  const busy = Boolean(running);
  $("ways").hidden = listening;
  $("ways").classList.toggle("compact", items.length > 0);
  for (const id of ["record", "live", "file"]) $(id).disabled = busy;
  voice.allow(!busy && !listening);
  allowExamples(!busy && !listening);
  $("drop").classList.toggle("disabled", busy);
  $("clip").hidden = !selected || listening;
  $("remove").hidden = items.length > 1;
  $("remove").disabled = busy;
  $("predict").hidden = listening || (items.length > 0 && queue().length === 0);
  $("predict").disabled = busy;
  $("predict").textContent = queue().length > 1 ? `PREDICT ${queue().length} FILES` : "PREDICT";
  $("progress").hidden = !busy;
  showFiles(items, selected, { onSelect: select, onRetry: (item) => run([item]), onRemove: remove }, busy);
  if (listening) $("files").hidden = true;
}

/** The items that PREDICT analyses: those without an answer, or all if none is left. */
function queue() {
  const present = items.filter((item) => item.file);
  const open = present.filter((item) => item.state !== "done");
  return open.length ? open : present;
}

/** Analyse items one after another. */
async function run(work) {
  if (running || !work.length) return;
  running = new AbortController();
  const { signal } = running;
  showError("");
  for (const item of work) Object.assign(item, { state: "waiting", error: "", progress: 0 });
  render();
  $("cancel").focus();
  for (const item of work) if (!signal.aborted) await analyse(item, signal);
  for (const item of work) if (item.state === "waiting") item.state = "ready";
  running = null;
  render();
  finish(work, signal.aborted);
}

async function analyse(item, signal) {
  const step = (state, progress) => {
    if (item.state !== state) announce(state === "uploading" ? `Uploading ${item.name}` : "Analysing");
    Object.assign(item, { state, progress });
    showProgress(item, items);
    showFiles(items, selected, {}, true);
  };
  step("uploading", 0);
  try {
    if (item.size > facts.maxBytes) {
      throw new Error(`The file has ${megabytes(item.size)}; the limit is ${facts.maxBytes / 1e6} MB.`);
    }
    const onUpload = (fraction) => step(fraction < 1 ? "uploading" : "analysing", fraction);
    const fields = { file: [item.file], ...(item.captions && { cues: [item.captions] }) };
    Object.assign(item, { channels: null, apart: null }, await predict(fields, { signal, onUpload, withVoice: !item.played }));
    item.state = "done";
    history.add(item);
  } catch (error) {
    item.state = isCancelled(error) ? "ready" : "failed";
    item.error = isCancelled(error) ? "" : error.message;
  }
  showFiles(items, selected, {}, true);
  if (item === selected) showItem();
}

/** Announce the outcome, and move the focus to the next step. */
function finish(work, cancelled) {
  const failed = work.filter((item) => item.state === "failed");
  if (cancelled) {
    announce("Cancelled");
    $("predict").focus();
  } else if (items.length > 1) {
    announce(`${work.length - failed.length} of ${work.length} files analysed`);
    if (work.length === 1 && work[0].answer) select(work[0]);
  } else if (failed.length) {
    showError(failed[0].error);
    $("predict").focus();
  } else {
    const { answer } = work[0];
    const words = [headline(answer).name, arousalWords(answer), confidenceWords(answer)];
    announce(words.filter(Boolean).join(". "));
    $("emotion").focus({ preventScroll: true });
    const { top, bottom } = $("confidence").getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) $("source").scrollIntoView();
  }
}

const microphoneUser = {
  mayStart: () => !listening && !running,
  onStart() {
    listening = true;
    player.audio.pause();
    $("live-panel").hidden = true;
    hideAnswer();
    render();
  },
  onEnd() {
    listening = false;
    render();
    if (selected) showItem();
  },
};

setUpRecorder("record", {
  ...microphoneUser,
  onRecording: (file) => (take([file]), $("predict").focus()),
});
const voice = setUpVoice(microphoneUser);
setUpLive({
  ...microphoneUser,
  onAnswer: (answer) => showAnswer(answer, "Live: the last 3 seconds", { actions: false }),
});
setUpExport("files", () => items);
setUpDownloads(() => selected);
setUpChannels({ shown: () => selected, onChange: showClip });
setUpExamples((file, played) => {
  if (running || listening) return;
  take([file]);
  selected.played = played;
  run(items);
});
setUpAbout();

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (items.length) run(queue());
  else showError("First record a voice or choose a file.");
});
$("cancel").addEventListener("click", () => running?.abort());
$("remove").addEventListener("click", () => remove(selected));
$("files-clear").addEventListener("click", () => {
  items = [];
  select(null);
  $("record").focus();
});
setUpIntake(take);
