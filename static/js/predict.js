// Sends one request to the server, reports the progress, returns the answer or an error.

const RETRIES = 3;

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
 * Upload a file and return the answer.
 * @param {Blob} file
 * @param {{signal: AbortSignal, onUpload?: (fraction: number) => void, retries?: number}} options
 */
export async function predict(file, { signal, onUpload = () => {}, retries = RETRIES }) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await send(file, signal, onUpload);
    } catch (error) {
      // The server sends Retry-After while it is busy or its model is loading.
      if (!error.retryAfter || attempt >= retries) throw error;
      await pause(error.retryAfter * 1000, signal);
    }
  }
}

function send(file, signal, onUpload) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(cancelled());
    const request = new XMLHttpRequest(); // fetch does not report the progress of an upload
    request.open("POST", "/predict");
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = ({ loaded, total }) => onUpload(total ? loaded / total : 0);
    request.upload.onload = () => onUpload(1);
    request.onerror = () => reject(new Failure("The server could not be reached. Try again."));
    request.onabort = () => reject(cancelled());
    request.onload = () => settle(request, resolve, reject);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    const body = new FormData();
    body.append("file", file, file.name || "audio");
    request.send(body);
  });
}

function settle(request, resolve, reject) {
  let body = null;
  try {
    body = JSON.parse(request.responseText);
  } catch {
    // A proxy answered instead of the server; its page is of no use here.
  }
  if (request.status === 200 && body?.probabilities) return resolve(body);
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
