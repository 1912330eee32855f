// Sends one request to the server, reports the progress, returns the answer or an error.

import { OUTDATED, dropVoice, storedVoice } from "./stored_voice.js";

const RETRIES = 3;
const NEVER = new AbortController().signal;

/** An error whose message the page can show. */
export class Failure extends Error {
  constructor(message, code = "", retryAfter = 0) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

export const isCancelled = (error) => error.name === "AbortError";

/**
 * Upload a file, with the normal voice if there is one.
 * @param {Fields} fields
 * @param {Options} options
 * @returns {Promise<{answer: object, fields: Fields}>} the answer, and all that was sent for it
 * @typedef {Object<string, (Blob | string)[]>} Fields
 * @typedef {{signal?: AbortSignal, onUpload?: (fraction: number) => void, retries?: number, type?: string, withVoice?: boolean}} Options
 */
export async function predict(fields, { withVoice = true, ...options }) {
  const voice = withVoice && storedVoice();
  const sent = voice ? { ...fields, reference: [voice.text] } : fields;
  try {
    return { answer: await ask(sent, options), fields: sent };
  } catch (error) {
    // The model has changed since the page was loaded.
    if (!voice || error.code !== "bad_request" || !error.message.includes("'reference'")) throw error;
    dropVoice(OUTDATED);
    return { answer: await ask(fields, options), fields };
  }
}

/**
 * Send the fields of `/predict`; return the answer, or its text if a `type` of text is expected.
 * @param {Fields} fields
 * @param {Options} options
 */
export const ask = (fields, options = {}) => post("/predict", form(fields), options);

/**
 * Upload files of a normal voice, and return what the server makes of them.
 * @param {Blob[]} files
 * @param {Options} options
 */
export function makeReference(files, options = {}) {
  return post("/reference", form({ reference: files }), options);
}

function form(fields) {
  const body = new FormData();
  for (const [name, values] of Object.entries(fields)) {
    for (const value of values) {
      if (value instanceof Blob) body.append(name, value, value.name || "audio");
      else body.append(name, value);
    }
  }
  return body;
}

async function post(path, body, { signal = NEVER, onUpload = () => {}, retries = RETRIES, type = "" }) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await send(path, body, { signal, onUpload, type });
    } catch (error) {
      // The server sends Retry-After while it is busy or its model is loading.
      if (!error.retryAfter || attempt >= retries) throw error;
      await pause(error.retryAfter * 1000, signal);
    }
  }
}

function send(path, body, { signal, onUpload, type }) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(cancelled());
    const request = new XMLHttpRequest(); // fetch does not report the progress of an upload
    request.open("POST", path);
    request.setRequestHeader("Accept", "application/json"); // the field `format` counts more
    request.upload.onprogress = ({ loaded, total }) => onUpload(total ? loaded / total : 0);
    request.upload.onload = () => onUpload(1);
    request.onerror = () => reject(new Failure("The server could not be reached. Try again."));
    request.onabort = () => reject(cancelled());
    request.onload = () => settle(request, type, resolve, reject);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

function settle(request, type, resolve, reject) {
  // A proxy's page is of another type.
  const text = type && request.getResponseHeader("Content-Type")?.startsWith(type);
  if (request.status === 200 && text) return resolve(request.responseText);
  let body = null;
  try {
    body = JSON.parse(request.responseText);
  } catch {
    // A proxy answered instead of the server; its page is of no use here.
  }
  if (request.status === 200 && body?.model) return resolve(body);
  const wait = request.status === 503 ? Number(request.getResponseHeader("Retry-After")) || 2 : 0;
  const message = body?.error?.message ?? "the server gave no answer; try again";
  return reject(new Failure(sentence(message), body?.error?.code ?? "", wait));
}

function sentence(message) {
  return message.charAt(0).toUpperCase() + message.slice(1) + (/[.!?…]$/.test(message) ? "" : ".");
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(cancelled())), { once: true });
  });
}

const cancelled = () => new DOMException("cancelled", "AbortError");
