// Draws the noisy and the denoised picture: with a divider, side by side, or their difference.

import { blend, difference } from "../shared/blend.js";
import { Viewport } from "./viewport.js";

const GAIN = 4; // by which differences are enlarged
const GAP = 2; // pixels between the two sides
const CHECK = 10; // pixels of a square below what is transparent

export class Stage {
  /** @param {HTMLCanvasElement} canvas which fills its frame */
  constructor(canvas) {
    this.canvas = canvas;
    this.viewport = new Viewport();
    /** "divider", "sides" or "difference" */
    this.mode = "divider";
    /** Where the divider is, from 0 to 1. */
    this.cut = 0.5;
    /** Shares of the noise to remove. */
    [this.luma, this.chroma] = [1, 1];
    /** The noisy picture. @type {ImageBitmap | null} */
    this.before = null;
    /** Denoised parts of it, each with the place of its corner; later ones lie above. */
    this.after = [];
    this.ratio = 1;
    this.drawn = () => {}; // called after each drawing
    this.#pending = 0;
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  #pending;
  #checks;

  resize() {
    this.ratio = devicePixelRatio;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (!width || !height) return; // not shown
    [this.canvas.width, this.canvas.height] = [width, height].map((each) => Math.round(each * this.ratio));
    this.viewport.resize(this.#width(), this.canvas.height);
    this.#paint();
  }

  /** Draw in the next frame. */
  draw() {
    this.#pending ||= requestAnimationFrame(() => this.#paint());
  }

  /** Choose how to compare. */
  compare(mode) {
    this.mode = mode;
    this.viewport.resize(this.#width(), this.canvas.height);
    this.draw();
  }

  /** Pixels of the screen, in breadth, in which one picture is shown. */
  #width() {
    return this.mode === "sides" ? Math.floor((this.canvas.width - GAP) / 2) : this.canvas.width;
  }

  #paint() {
    cancelAnimationFrame(this.#pending);
    this.#pending = 0;
    if (!this.canvas.width) return;
    const context = this.canvas.getContext("2d");
    context.resetTransform();
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.before) return;
    const place = this.#place();
    const cut = this.mode === "divider" ? Math.round(this.cut * this.canvas.width) : 0;
    const noisy = this.#layer(place, [[this.before, 0, 0]]);
    const after = this.after.length ? this.#denoised(place) : noisy;
    const x = this.mode === "sides" ? this.#width() + GAP : 0;
    this.#put(context, noisy, place, 0, x || cut);
    this.#put(context, after, place, x, this.canvas.width, cut);
    this.drawn();
  }

  /** Put a picture into the window, of which a part from left to right shows, on checks. */
  #put(context, layer, place, x, right, left = x) {
    context.save();
    context.beginPath();
    context.rect(left, 0, right - left, this.canvas.height);
    context.clip();
    context.fillStyle = this.#checks ??= checks(context);
    context.fillRect(x + place.x, place.y, place.width, place.height);
    context.drawImage(layer, x + place.x, place.y);
    context.restore();
  }

  /** Return where in the window the picture is. */
  #place() {
    const { x, y, scale, image, frame } = this.viewport;
    const [left, top] = [-x * scale, -y * scale].map((each) => Math.max(0, Math.round(each)));
    const right = Math.min(frame.width, Math.round((image.width - x) * scale));
    const bottom = Math.min(frame.height, Math.round((image.height - y) * scale));
    return { x: left, y: top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) };
  }

  /** Return a canvas of what is visible, the pictures above each other. */
  #layer(place, pictures) {
    const { x, y, scale } = this.viewport;
    const canvas = new OffscreenCanvas(place.width, place.height);
    const context = canvas.getContext("2d", { willReadFrequently: this.#isMixed() });
    context.imageSmoothingEnabled = scale < 2;
    context.imageSmoothingQuality = "high";
    context.setTransform(scale, 0, 0, scale, -x * scale - place.x, -y * scale - place.y);
    for (const [bitmap, left, top] of pictures) {
      context.clearRect(left, top, bitmap.width, bitmap.height);
      context.drawImage(bitmap, left, top);
    }
    return canvas;
  }

  #isMixed() {
    return this.luma !== 1 || this.chroma !== 1 || this.mode === "difference";
  }

  /** Return what is visible of the denoised picture, blended with the noisy one, or their difference. */
  #denoised(place) {
    const noisy = [this.before, 0, 0];
    const layer = this.#layer(place, [noisy, ...this.after.map((each) => [each.bitmap, each.x, each.y])]);
    if (!this.#isMixed()) return layer;
    const context = layer.getContext("2d");
    const pixels = context.getImageData(0, 0, place.width, place.height);
    const before = this.#layer(place, [noisy]).getContext("2d").getImageData(0, 0, place.width, place.height);
    blend(before.data, pixels.data, this.luma, this.chroma);
    if (this.mode === "difference") difference(pixels.data, before.data, GAIN);
    context.putImageData(pixels, 0, 0);
    return layer;
  }
}

/** Return the pattern on which transparent pictures lie. */
function checks(context) {
  const tile = new OffscreenCanvas(2 * CHECK, 2 * CHECK);
  const paint = tile.getContext("2d");
  for (const [x, y] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
    paint.fillStyle = x === y ? "#d9d9d9" : "#a8a8a8";
    paint.fillRect(x * CHECK, y * CHECK, CHECK, CHECK);
  }
  return context.createPattern(tile, "repeat");
}
