// Which part of a picture is shown, and how large: zoom and pan, without a screen.

const [SMALLEST, LARGEST] = [0.02, 32];
const VISIBLE = 64; // pixels of the screen to which even the smallest pictures are enlarged

/** A window onto a picture; lengths are pixels of the screen, positions pixels of the picture. */
export class Viewport {
  constructor() {
    this.image = { width: 1, height: 1 };
    this.frame = { width: 1, height: 1 };
    /** Pixels of the screen for a pixel of the picture. */
    this.scale = 1;
    /** The picture's position at the window's upper left corner. */
    [this.x, this.y] = [0, 0];
    /** Whether all of the picture is shown, as large as it can be. */
    this.isFit = true;
  }

  /** Show another picture, all of it. */
  open(width, height) {
    this.image = { width, height };
    this.fit();
  }

  /** The window has another size. */
  resize(width, height) {
    const [x, y] = this.middle();
    this.frame = { width: Math.max(1, width), height: Math.max(1, height) };
    if (this.isFit) this.fit();
    else this.#place(x, y, this.frame.width / 2, this.frame.height / 2);
  }

  fit() {
    this.isFit = true;
    this.scale = this.fitting();
    this.#clamp();
  }

  /** Return the scale at which the whole picture is just visible; small ones are enlarged twofold, icons more. */
  fitting() {
    const { image, frame } = this;
    const most = Math.min(LARGEST, Math.max(2, VISIBLE / Math.max(image.width, image.height)));
    return Math.min(frame.width / image.width, frame.height / image.height, most);
  }

  /**
   * Zoom about a point of the window, which keeps its place.
   * @param {number} scale
   * @param {number} [px] from the window's left edge; its middle if left out
   * @param {number} [py] from its upper edge
   */
  zoom(scale, px = this.frame.width / 2, py = this.frame.height / 2) {
    const [x, y] = [this.x + px / this.scale, this.y + py / this.scale];
    this.scale = Math.min(LARGEST, Math.max(Math.min(SMALLEST, this.fitting()), scale));
    this.isFit = false;
    this.#place(x, y, px, py);
  }

  /** Move the picture by pixels of the screen. */
  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.#clamp();
  }

  /** Return the position of the picture that is in the middle of the window. */
  middle() {
    return [this.x + this.frame.width / 2 / this.scale, this.y + this.frame.height / 2 / this.scale];
  }

  /**
   * Return the part of the picture that is shown, in whole pixels, at most so many of them: what is
   * more is left out around the middle.
   * @param {number} [most]
   */
  visible(most = Infinity) {
    const { image, frame, scale } = this;
    const left = Math.max(0, Math.floor(this.x));
    const top = Math.max(0, Math.floor(this.y));
    const right = Math.min(image.width, Math.ceil(this.x + frame.width / scale));
    const bottom = Math.min(image.height, Math.ceil(this.y + frame.height / scale));
    let [width, height] = [Math.max(1, right - left), Math.max(1, bottom - top)];
    const share = Math.min(1, Math.sqrt(most / (width * height)));
    const [x, y] = [left + (width * (1 - share)) / 2, top + (height * (1 - share)) / 2].map(Math.floor);
    [width, height] = [width * share, height * share].map((each) => Math.max(1, Math.floor(each)));
    return { x, y, width, height };
  }

  #place(x, y, px, py) {
    this.x = x - px / this.scale;
    this.y = y - py / this.scale;
    this.#clamp();
  }

  /** Keep the picture in the window, in the middle if it is the smaller one. */
  #clamp() {
    for (const [side, at] of [["width", "x"], ["height", "y"]]) {
      const shown = this.frame[side] / this.scale;
      const spare = this.image[side] - shown;
      this[at] = spare <= 0 ? spare / 2 : Math.min(spare, Math.max(0, this[at]));
    }
  }
}
