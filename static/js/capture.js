// Runs in the audio thread: sends the microphone's samples to the page in short chunks.

const CHUNK = 2048; // samples

class Capture extends AudioWorkletProcessor {
  chunk = new Float32Array(CHUNK);
  filled = 0;

  process([input]) {
    const samples = input[0]; // the first channel; undefined before the microphone is connected
    for (let i = 0; samples && i < samples.length; i += 1) {
      this.chunk[this.filled++] = samples[i];
      if (this.filled === CHUNK) {
        this.port.postMessage(this.chunk.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("capture", Capture);
