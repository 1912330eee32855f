// Gives the microphone's samples, and writes samples as a WAV file. Recorder and Live use it.

import { showError } from "./dom.js";

const REFUSALS = {
  NotAllowedError:
    "The microphone is blocked for this page. Allow it in the browser's site settings and try again.",
  NotFoundError: "No microphone was found. Connect one and try again.",
  NotReadableError: "The microphone is in use by another program.",
};
const INSECURE = "Recording needs a secure page: https or localhost.";

export class Microphone {
  /**
   * Ask for the microphone and start to listen. Safari requires that a click calls it.
   * @param {(samples: Float32Array) => void} onSamples
   * @param {() => void} onEnd called when the device is disconnected
   */
  async open(onSamples, onEnd) {
    if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) throw new Error(INSECURE);
    this.context = new AudioContext();
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        // No processing: the model is trained on unprocessed voices.
        audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      });
      await this.context.audioWorklet.addModule(new URL("capture.js", import.meta.url));
      await this.context.resume();
      const source = this.context.createMediaStreamSource(this.stream);
      const capture = new AudioWorkletNode(this.context, "capture");
      capture.port.onmessage = ({ data }) => onSamples(data);
      // Browsers may skip a node without a destination. The output of this one is silence.
      source.connect(capture).connect(this.context.destination);
      this.stream.getAudioTracks()[0].onended = onEnd;
    } catch (error) {
      this.close();
      throw new Error(REFUSALS[error.name] ?? `The microphone could not be opened: ${error.message}`);
    }
  }

  get rate() {
    return this.context.sampleRate;
  }

  close() {
    this.stream?.getTracks().forEach((track) => track.stop());
    if (this.context?.state !== "closed") this.context?.close();
  }
}

/** Open a microphone; return whether it may be used. The page shows the error, if any. */
export async function opened(microphone, onSamples, onEnd, mayStart) {
  try {
    await microphone.open(onSamples, onEnd);
  } catch (error) {
    showError(error.message);
    return false;
  }
  if (mayStart()) return true;
  microphone.close(); // something else started while the browser asked for permission
  return false;
}

/** A ring buffer of the latest `capacity` samples. */
export class Ring {
  constructor(capacity) {
    this.buffer = new Float32Array(capacity);
    this.total = 0;
  }

  push(samples) {
    const { buffer } = this;
    for (const sample of samples) buffer[this.total++ % buffer.length] = sample;
  }

  get length() {
    return Math.min(this.total, this.buffer.length);
  }

  /** The samples, oldest first. */
  samples() {
    const start = this.total % this.buffer.length;
    if (this.total <= this.buffer.length) return this.buffer.slice(0, this.total);
    const ordered = new Float32Array(this.buffer.length);
    ordered.set(this.buffer.subarray(start));
    ordered.set(this.buffer.subarray(0, start), this.buffer.length - start);
    return ordered;
  }
}

/** Write chunks of samples from -1 to 1 as a 16-bit mono WAV file. */
export function wavFile(chunks, rate, name) {
  const count = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * count));
  const text = (offset, word) => [...word].forEach((c, i) => view.setUint8(offset + i, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * count, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes of the format
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true); // bytes per second
  view.setUint16(32, 2, true); // bytes per frame
  view.setUint16(34, 16, true); // bits
  text(36, "data");
  view.setUint32(40, 2 * count, true);
  let offset = 44;
  for (const chunk of chunks) {
    for (const sample of chunk) {
      view.setInt16(offset, Math.max(-1, Math.min(1, sample)) * 0x7fff, true);
      offset += 2;
    }
  }
  return new File([view], name, { type: "audio/wav" });
}

/** The level for a meter: 0 at -60 dB or less, 1 at full scale. */
export function level(samples) {
  const power = samples.reduce((sum, s) => sum + s * s, 0) / samples.length;
  return Math.min(1, Math.max(0, 1 + (10 * Math.log10(power + 1e-12)) / 60));
}
