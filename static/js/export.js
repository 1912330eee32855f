// Exports results as CSV and JSON, and the request as a curl command.

import { $, announce, el, facts, showError } from "./dom.js";
import { ask } from "./predict.js";
import { storedVoice } from "./stored_voice.js";

/** @param {{name: string, answer?: object, error?: string}[]} results */
function toJson(results) {
  return JSON.stringify(
    results.map(({ name, answer, error }) =>
      answer ? { file: name, ...answer } : { file: name, error: error || "not analysed" },
    ),
    null,
    2,
  );
}

function toCsv(results) {
  const header = ["file", "emotion", "confidence", "arousal", "valence", "duration", "truncated", "warnings", ...facts.labels, "error"];
  const rows = results.map(({ name, answer, error }) =>
    answer
      ? [name, answer.emotion, answer.confidence, answer.arousal, answer.valence, answer.duration,
         answer.truncated, answer.warnings.join(" "), ...facts.labels.map((label) => answer.probabilities[label]), ""]
      : [name, "", "", "", "", "", "", "", ...facts.labels.map(() => ""), error || "not analysed"],
  );
  return [header, ...rows].map((row) => row.map(cell).join(",") + "\r\n").join("");
}

function cell(value) {
  let text = String(value ?? "");
  // File names are untrusted input: a spreadsheet would run these as formulas.
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function download(text, name, type) {
  const link = el("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Let the buttons `${id}-csv` and `${id}-json` download the results that `results` returns. */
export function setUpExport(id, results) {
  $(`${id}-csv`).addEventListener("click", () =>
    download(toCsv(results()), "emotions.csv", "text/csv;charset=utf-8"),
  );
  $(`${id}-json`).addEventListener("click", () =>
    download(toJson(results()), "emotions.json", "application/json"),
  );
}

/**
 * "Copy as curl", and "Download as": each button saves the shown clip in its form, the answer at hand as JSON. The other
 * forms come from the server, which hears the same file again: it keeps none.
 * @param {() => object} shown the item that is shown
 */
export function setUpDownloads(shown) {
  const buttons = [...$("forms").children];
  for (const button of buttons) button.addEventListener("click", () => save(button.dataset));
  $("curl").addEventListener("click", () => copyCurl(shown()));

  async function save({ form, suffix, type }) {
    const item = shown();
    const apart = item.apart && { channels: ["separate"] };
    for (const button of buttons) button.disabled = true;
    showError("");
    announce("The file is being made …");
    try {
      const text = form === "json" ? toJson([{ ...item, answer: item.apart ?? item.answer }]) : await ask({ ...item.fields, ...apart, format: [form] }, { type });
      download(text, item.name.replace(/\.\w+$/, "") + suffix, `${type};charset=utf-8`);
      announce("Downloaded");
    } catch (error) {
      showError(error.message);
    } finally {
      showDownloads(shown());
    }
  }
}

/** Offer what can be had of a clip: without its audio only the answer. */
export function showDownloads(item) {
  for (const button of $("forms").children) button.disabled = !item?.fields && button.dataset.form !== "json";
  $("forms-hint").hidden = Boolean(item?.fields);
}

/** The command that sends the same file from a shell, with the normal voice if the answer has it. */
function curl({ name, answer, apart, fields }) {
  // curl interprets ; and , and quotes in a file name; the shell interprets the rest.
  const quoted = (path) => (/[;,"\\]/.test(path) ? `"${path.replace(/["\\]/g, "\\$&")}"` : path);
  const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const voice = fields ? fields.reference?.[0] : answer.reference && storedVoice()?.text;
  const cues = fields?.cues ? ` -F ${shell(`cues=@${quoted(fields.cues[0].name)}`)}` : "";
  const channels = apart ? " -F channels=separate" : "";
  const reference = voice ? ` -F ${shell(`reference=${voice}`)}` : "";
  return `curl -F ${shell(`file=@${quoted(name)}`)}${cues}${channels}${reference} ${shell(`${location.origin}/predict`)}`;
}

async function copyCurl(item) {
  const command = curl(item);
  try {
    await navigator.clipboard.writeText(command);
    $("curl").textContent = "Copied";
    announce("Copied");
    setTimeout(() => ($("curl").textContent = "Copy as curl"), 2000);
  } catch {
    // The page is not secure, or the browser refuses: show the command to copy it by hand.
    $("curl-by-hand").hidden = false;
    $("curl-text").value = command;
    $("curl-text").select();
  }
}
