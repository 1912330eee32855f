// Exports results as CSV and JSON, and the request as a curl command.

import { $, announce, el, facts } from "./dom.js";
import { storedVoice } from "./stored_voice.js";

/** @param {{name: string, answer?: object, error?: string}[]} results */
export function toJson(results) {
  return JSON.stringify(
    results.map(({ name, answer, error }) =>
      answer ? { file: name, ...answer } : { file: name, error: error || "not analysed" },
    ),
    null,
    2,
  );
}

export function toCsv(results) {
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

export function download(text, name, type) {
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

/** The command that sends the same file from a shell, with the normal voice if the answer has it. */
export function curl({ name, answer }) {
  // curl interprets ; and , and quotes in a file name; the shell interprets the rest.
  const path = /[;,"\\]/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name;
  const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const voice = answer?.reference && storedVoice();
  const reference = voice ? ` -F ${shell(`reference=${voice.text}`)}` : "";
  return `curl -F ${shell(`file=@${path}`)}${reference} ${shell(`${location.origin}/predict`)}`;
}

export async function copyCurl(item) {
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
