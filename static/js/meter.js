// The level meter: the latest level is at the right.

import { fitCanvas, reducedMotion, themeColour } from "./dom.js";

const BAR = 4; // pixels, with the gap
const PER_SECOND = 20;

export class Meter {
  constructor(canvas) {
    this.canvas = canvas;
    this.clear();
  }

  clear() {
    this.levels = [];
    this.loudest = 0;
    this.last = 0;
  }

  push(level) {
    this.loudest = Math.max(this.loudest, level);
    const now = performance.now();
    if (now - this.last < 1000 / PER_SECOND) return;
    this.last = now;
    this.levels.push(this.loudest);
    this.loudest = 0;
    this.draw();
  }

  draw() {
    const { context, width, height } = fitCanvas(this.canvas);
    context.fillStyle = themeColour("--accent");
    if (reducedMotion.matches) {
      // One bar that grows and shrinks, instead of a moving picture.
      context.fillRect(0, height / 2 - 6, width * this.levels.at(-1), 12);
      return;
    }
    const count = Math.floor(width / BAR);
    this.levels.splice(0, this.levels.length - count);
    this.levels.forEach((level, i) => {
      const bar = Math.max(2, level * height);
      const x = width - (this.levels.length - i) * BAR;
      context.beginPath();
      context.roundRect(x, (height - bar) / 2, BAR - 1.5, bar, 1.5);
      context.fill();
    });
  }
}
