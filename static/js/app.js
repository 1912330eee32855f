// The page: which clip is chosen, which is analysed, and which is shown.

import { $, announce, clock, facts, megabytes, percent, showError } from "./dom.js";
import { setUpAbout } from "./about.js";
import { arousalWords, confidenceWords, headline, hideAnswer, showAnswer } from "./answer.js";
import { copyCurl, setUpDownloads, setUpExport, showDownloads } from "./export.js";
import { showFiles } from "./files.js";
import { setUpHistory } from "./history.js";
import { setUpLive } from "./live.js";
import { Player } from "./player.js";
import { isCancelled, predict } from "./predict.js";
import { setUpRecorder } from "./recorder.js";
import { Timeline } from "./timeline.js";
import { setUpVoice } from "./voice.js";

let items = []; // {name, file, size, state, progress, answer, fields, error}
let selected = null;
let running = null; // the AbortController of the running analysis
let listening = false; // whether the microphone is open

const timeline = new Timeline((seconds) => player.playFrom(seconds));
const player = new Player({
  onTime: (seconds) => timeline.follow(seconds),
  onDuration: () => showClip(),
});
const history = setUpHistory(openEntry);

function newItem(file) {
  return { name: file.name, file, size: file.size, state: "ready", progress: 0, answer: null, fields: null, error: "" };
}

function take(files) {
  if (!files.length || running || listening) return;
  items = [...files].map(newItem);
  showError("");
  $("live-panel").hidden = true;
  select(items[0]);
  announce(items.length > 1 ? `${items.length} files chosen` : `${items[0].name} chosen`);
}

function openEntry({ name, file, answer, fields }) {
  if (running || listening) return;
  const known = items.find((item) => item.answer?.request_id === answer.request_id);
  if (!known) items = [{ name, file, size: file?.size, state: "done", progress: 1, answer, fields, error: "" }];
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
  showDownloads(selected);
  showClip();
}

function showClip() {
  if (!selected) return;
  const seconds = player.duration || selected.answer?.duration;
  const parts = [seconds && clock(Math.round(seconds)), selected.size && megabytes(selected.size)];
  $("clip-name").textContent = $("clip-name").title = selected.name;
  $("clip-meta").textContent = parts.filter(Boolean).join(" · ");
  timeline.show(selected.answer, player.duration);
}

function render() {
  const busy = Boolean(running);
  $("ways").hidden = listening;
  $("ways").classList.toggle("compact", items.length > 0);
  for (const id of ["record", "live", "file"]) $(id).disabled = busy;
  voice.allow(!busy && !listening);
  $("drop").classList.toggle("disabled", busy);
  $("clip").hidden = !selected || listening;
  $("remove").hidden = items.length > 1;
  $("remove").disabled = busy;
  $("predict").hidden = listening || (items.length > 0 && queue().length === 0);
  $("predict").disabled = busy;
  $("predict").textContent = queue().length > 1 ? `PREDICT ${queue().length} FILES` : "PREDICT";
  $("progress").hidden = !busy;
  showFiles(items, selected, { onSelect: select, onRetry: retry, onRemove: remove }, busy);
  if (listening) $("files").hidden = true;
}

/** The items that PREDICT analyses: those without an answer, or all if none is left. */
function queue() {
  const present = items.filter((item) => item.file);
  const open = present.filter((item) => item.state !== "done");
  return open.length ? open : present;
}

function showProgress(item) {
  const words = { uploading: `Uploading ${percent(item.progress)}`, analysing: "Analysing …" }[item.state];
  const place = items.length > 1 ? `${items.indexOf(item) + 1} of ${items.length}: ` : "";
  $("progress-text").textContent = place + words;
  if (item.state === "uploading") $("progress-bar").value = item.progress;
  else $("progress-bar").removeAttribute("value");
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
    showProgress(item);
    showFiles(items, selected, {}, true);
  };
  step("uploading", 0);
  try {
    if (item.size > facts.maxBytes) {
      throw new Error(`The file has ${megabytes(item.size)}; the limit is ${facts.maxBytes / 1e6} MB.`);
    }
    const onUpload = (fraction) => step(fraction < 1 ? "uploading" : "analysing", fraction);
    Object.assign(item, await predict({ file: [item.file] }, { signal, onUpload }));
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

function retry(item) {
  run([item]);
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
$("curl").addEventListener("click", () => copyCurl(selected));

const input = $("file");
input.multiple = true;
input.required = false; // a recording is enough; the page itself asks for one or the other
input.addEventListener("change", () => {
  take(input.files);
  input.value = ""; // choosing the same file again is then a change, too
});

// Files may be dropped anywhere.
for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    const leaving = type === "drop" || (type === "dragleave" && !event.relatedTarget);
    document.body.classList.toggle("dropping", !leaving);
    if (type === "drop") take(event.dataTransfer.files);
  });
}

if (input.files.length) take(input.files); // a reload may keep the chosen files
