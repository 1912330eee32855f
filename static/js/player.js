// Plays the clip: waveform, play and pause, and a moving cursor.

import { $, clock, fitCanvas, reducedMotion, themeColour } from "./dom.js";

const BAR = 3; // pixels, with the gap
const PEAK_RATE = 8000; // samples per second: enough for a picture
// Decoding holds the clip in memory at full rate: 5 minutes take about 100 MB.
const LONGEST_DRAWN_S = 320;
const LARGEST_OF_UNKNOWN_LENGTH = 4e6; // bytes
const SHAPE = 0.6; // below 1 makes soft parts taller
const STEP_S = 1;
const DIFFERENT = 1e-3; // of the energy: one sound that was coded twice differs by less

export class Player {
  /** @param {{onTime: (seconds: number) => void, onDuration: (seconds: number) => void, onChannels: () => void}} page */
  constructor({ onTime, onDuration, onChannels }) {
    this.audio = $("player");
    this.onTime = onTime;
    this.onDuration = onDuration;
    this.onChannels = onChannels;
    this.turn = 0; // a clip that loads after the next one was chosen is dropped
    this.clear();
    this.listen();
  }

  clear() {
    this.turn += 1;
    this.audio.pause();
    if (this.audio.src) URL.revokeObjectURL(this.audio.src);
    this.audio.removeAttribute("src");
    this.peaks = null;
    this.duration = 0;
    this.mayDiffer = false; // whether the channels may hold different sounds
    this.playable = false;
    $("no-preview").hidden = true;
    this.showControls();
  }

  /** Show a file; null if only the answer is left. */
  async load(file) {
    this.clear();
    const { turn } = this;
    if (!file) return this.refuse("Only the result is left. The page no longer has the audio.");
    this.playable = await this.open(file);
    if (turn !== this.turn) return undefined;
    if (!this.playable) {
      this.setMayDiffer(true);
      return this.refuse("No preview: this browser cannot play the file. The server may still read it.");
    }
    this.setDuration(this.audio.duration);
    this.showControls();
    this.draw();
    const known = Number.isFinite(this.audio.duration);
    const small = known ? this.duration <= LONGEST_DRAWN_S : file.size <= LARGEST_OF_UNKNOWN_LENGTH;
    const peaks = small ? await findPeaks(file) : null;
    if (turn !== this.turn) return undefined;
    this.peaks = peaks?.peaks ?? null;
    this.setMayDiffer(peaks?.differ ?? true);
    if (!known && peaks) this.setDuration(peaks.duration);
    return this.draw();
  }

  open(file) {
    this.audio.src = URL.createObjectURL(file);
    return new Promise((resolve) => {
      this.audio.onloadedmetadata = () => resolve(true);
      this.audio.onerror = () => resolve(false);
    });
  }

  refuse(text) {
    $("no-preview").textContent = text;
    $("no-preview").hidden = false;
    this.showControls();
  }

  setMayDiffer(may) {
    this.mayDiffer = may;
    this.onChannels();
  }

  setDuration(seconds) {
    this.duration = Number.isFinite(seconds) ? seconds : 0;
    $("wave").setAttribute("aria-valuemax", this.duration.toFixed(1));
    this.onDuration(this.duration);
    this.showTime();
  }

  showControls() {
    $("stage").classList.toggle("mute", !this.playable);
    $("play").hidden = $("wave").hidden = $("cursor").hidden = !this.playable;
    this.showPlaying();
  }

  showPlaying() {
    const playing = !this.audio.paused;
    $("play").classList.toggle("playing", playing);
    $("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  seek(seconds) {
    if (!this.playable) return;
    this.audio.currentTime = Math.min(Math.max(0, seconds), this.duration || Infinity);
    this.showTime();
  }

  playFrom(seconds) {
    if (!this.playable) return;
    this.seek(seconds);
    this.audio.play();
  }

  toggle() {
    if (this.audio.paused) this.audio.play();
    else this.audio.pause();
  }

  showTime() {
    const { currentTime } = this.audio;
    const fraction = this.duration ? Math.min(1, currentTime / this.duration) : 0;
    $("cursor").style.left = `${100 * fraction}%`;
    $("wave").setAttribute("aria-valuenow", currentTime.toFixed(1));
    $("wave").setAttribute("aria-valuetext", `${clock(currentTime)} of ${clock(this.duration)}`);
    this.draw();
    this.onTime(currentTime);
  }

  run = () => {
    this.showTime();
    if (!this.audio.paused && !reducedMotion.matches) requestAnimationFrame(this.run);
  };

  draw() {
    const canvas = $("canvas");
    if (!this.playable || !canvas.clientWidth) return;
    const { context, width, height } = fitCanvas(canvas);
    const played = this.duration ? (width * this.audio.currentTime) / this.duration : 0;
    const [ahead, behind] = [themeColour("--wave"), themeColour("--accent")];
    const count = Math.floor(width / BAR);
    for (let i = 0; i < count; i += 1) {
      const bar = Math.max(2, this.peakAt(i, count) * (height - 4));
      context.fillStyle = i * BAR < played ? behind : ahead;
      context.beginPath();
      context.roundRect(i * BAR, (height - bar) / 2, BAR - 1, bar, 1);
      context.fill();
    }
  }

  peakAt(bar, count) {
    if (!this.peaks) return 0; // too long to draw: a plain line that can still be clicked
    const start = Math.floor((bar * this.peaks.length) / count);
    const stop = Math.max(start + 1, Math.floor(((bar + 1) * this.peaks.length) / count));
    return this.peaks.subarray(start, stop).reduce((a, b) => Math.max(a, b), 0);
  }

  listen() {
    const { audio } = this;
    audio.addEventListener("play", () => (this.showPlaying(), this.run()));
    audio.addEventListener("pause", () => this.showPlaying());
    audio.addEventListener("timeupdate", () => this.showTime());
    audio.addEventListener("durationchange", () => {
      if (Number.isFinite(audio.duration) && this.playable) this.setDuration(audio.duration);
    });
    $("play").addEventListener("click", () => this.toggle());
    $("wave").addEventListener("pointerdown", (event) => {
      const { left, width } = $("wave").getBoundingClientRect();
      this.seek(((event.clientX - left) / width) * this.duration);
    });
    $("wave").addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.draw()).observe($("canvas"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  onKey(event) {
    const now = this.audio.currentTime;
    const target = {
      ArrowLeft: now - STEP_S,
      ArrowDown: now - STEP_S,
      ArrowRight: now + STEP_S,
      ArrowUp: now + STEP_S,
      PageUp: now + 10 * STEP_S,
      PageDown: now - 10 * STEP_S,
      Home: 0,
      End: this.duration,
    }[event.key];
    if (target !== undefined) this.seek(target);
    else if (event.key === " " || event.key === "Enter") this.toggle();
    else return;
    event.preventDefault();
  }
}

/** The peak of each hundredth of a second, 0 to 1; null if the file cannot be decoded. */
async function findPeaks(file) {
  try {
    const context = new OfflineAudioContext(1, 1, PEAK_RATE);
    const decoded = await context.decodeAudioData(await file.arrayBuffer());
    const channels = Array.from({ length: decoded.numberOfChannels }, (_, i) => decoded.getChannelData(i));
    const step = PEAK_RATE / 100;
    const peaks = new Float32Array(Math.ceil(decoded.length / step));
    for (const samples of channels) {
      samples.forEach((sample, i) => {
        const at = Math.floor(i / step);
        peaks[at] = Math.max(peaks[at], Math.abs(sample));
      });
    }
    // A quiet clip is drawn as tall as a loud one: the waveform serves to find a place.
    const highest = peaks.reduce((a, b) => Math.max(a, b), 1e-3);
    const shape = peaks.map((peak) => (peak / highest) ** SHAPE);
    return { peaks: shape, duration: decoded.duration, differ: differ(channels) };
  } catch {
    return null;
  }
}

function differ([first, ...others]) {
  const energy = (samples) => samples.reduce((sum, x) => sum + x * x, 0);
  return others.some((other) => {
    const loudest = Math.max(energy(first), energy(other));
    return energy(first.map((x, i) => x - other[i])) > DIFFERENT * loudest;
  });
}
