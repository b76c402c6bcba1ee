// What is shown denoised: the parts of the photograph that came, and all of it in the end.

import { key } from "./settings.js";

export class Shown {
  /** @param {import("./stage.js").Stage} stage on which it is laid */
  constructor(stage) {
    this.stage = stage;
    /** All of it: its bitmap, the result it came in, what is said of it. */
    this.whole = null;
  }

  #key = "";

  get isAny() {
    return this.stage.after.length > 0;
  }

  /** Whether it is of these options of a run. */
  fits(options) {
    return this.#key === key(options);
  }

  /** A part came. */
  add(part, options) {
    this.#lay([...(this.fits(options) ? this.stage.after : []), part], options);
  }

  /** All of it came. */
  finish(whole, options) {
    this.#lay([{ bitmap: whole.bitmap, x: 0, y: 0 }], options);
    this.whole = whole;
  }

  clear() {
    this.#lay([], null);
  }

  /** Whether one of its parts covers a place. */
  covers({ x, y, width, height }) {
    return this.stage.after.some(
      ({ bitmap, x: left, y: top }) =>
        x >= left && y >= top && x + width <= left + bitmap.width && y + height <= top + bitmap.height,
    );
  }

  /** The memory of what goes is freed at once. */
  #lay(after, options) {
    for (const { bitmap } of this.stage.after) if (!after.some((each) => each.bitmap === bitmap)) bitmap.close();
    this.stage.after = after;
    this.whole = null;
    this.#key = key(options);
  }
}
