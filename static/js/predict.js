// One request to the server: progress out, an answer or a failure in plain words back.

const RETRIES = 3;

/** A failure whose message may be shown as it is. */
export class Failure extends Error {
  constructor(message, code = "", retryAfter = 0) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

export const isCancelled = (error) => error.name === "AbortError";

/**
 * Upload a file and give the answer.
 * @param {Blob} file
 * @param {{signal: AbortSignal, onUpload?: (share: number) => void, retries?: number}} options
 */
export async function predict(file, { signal, onUpload = () => {}, retries = RETRIES }) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await send(file, signal, onUpload);
    } catch (error) {
      // The server asks for patience while it is busy or its model is loading.
      if (!error.retryAfter || attempt >= retries) throw error;
      await pause(error.retryAfter * 1000, signal);
    }
  }
}

function send(file, signal, onUpload) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(cancelled());
    const request = new XMLHttpRequest(); // fetch tells nothing of an upload's progress
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
    // Something between us and the server answered; its page is of no use here.
  }
  if (request.status === 200 && body?.probabilities) return resolve(body);
  const wait = request.status === 503 ? Number(request.getResponseHeader("Retry-After")) || 2 : 0;
  const words = body?.error?.message ?? "the server gave no answer; try again";
  return reject(new Failure(sentence(words), body?.error?.code ?? "", wait));
}

function sentence(words) {
  return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?…]$/.test(words) ? "" : ".");
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(cancelled())), { once: true });
  });
}

const cancelled = () => new DOMException("cancelled", "AbortError");
