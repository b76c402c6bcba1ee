// A coding as bars, or as small maps where it is a stack of them.

const GAP = 1.5;

export class Bars {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(index: number, value: number | null) => void} changed called with the number that is
   *   pointed at, and its new value where it is dragged
   */
  constructor(canvas, changed) {
    this.canvas = canvas;
    /** @type {Float32Array} */
    this.values = new Float32Array();
    this.shape = [0];
    this.chosen = 0;
    [this.low, this.high] = [-1, 1];
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#point(event, changed);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.#point(event, changed);
    });
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Show another coding, and choose what its bars are measured by. */
  show(values, shape, isNew) {
    this.values = values;
    this.shape = shape;
    if (isNew) {
      const most = 1.25 * values.reduce((top, each) => Math.max(top, Math.abs(each)), 0.1);
      this.low = values.some((each) => each < 0) ? -most : 0;
      this.high = most;
    }
    this.draw();
  }

  get #hasMaps() {
    return this.shape.length === 3;
  }

  draw() {
    const { canvas, values } = this;
    const ratio = devicePixelRatio;
    [canvas.width, canvas.height] = [canvas.clientWidth, canvas.clientHeight].map((each) => Math.round(each * ratio));
    if (!canvas.width || !values.length) return;
    const style = getComputedStyle(canvas);
    const { color: ink, borderTopColor: above, borderLeftColor: below } = style;
    const context = canvas.getContext("2d");
    for (let index = 0; index < values.length; index++) {
      const box = this.#box(index);
      const value = values[index];
      context.globalAlpha = 1;
      context.fillStyle = value < 0 ? below : above;
      if (this.#hasMaps) {
        context.globalAlpha = 0.06 + 0.94 * Math.min(1, Math.abs(value) / this.high);
        context.fillRect(box.x, box.y, box.width, box.height);
      } else {
        const [zero, end] = [0, value].map((each) => this.#height(each));
        context.fillRect(box.x, Math.min(zero, end), box.width, Math.max(1, Math.abs(end - zero)));
      }
      if (index !== this.chosen) continue;
      context.globalAlpha = 1;
      context.strokeStyle = ink;
      context.lineWidth = ratio;
      context.strokeRect(box.x - 1, box.y + 1, box.width + 2, box.height - 2);
    }
  }

  /** Return how far from the top a value is. */
  #height(value) {
    return ((this.high - value) / (this.high - this.low)) * this.canvas.height;
  }

  /** Return where a number is drawn. */
  #box(index) {
    const { width, height } = this.canvas;
    if (!this.#hasMaps) {
      const each = width / this.values.length;
      const gap = Math.min(GAP, each / 4);
      return { x: index * each + gap / 2, y: 0, width: each - gap, height };
    }
    const [rows, columns, maps] = this.shape;
    const { across, side } = fitting(maps, width, height);
    const [map, place] = [index % maps, Math.floor(index / maps)];
    const cell = (side - 4) / Math.max(rows, columns);
    return {
      x: (map % across) * side + (place % columns) * cell,
      y: Math.floor(map / across) * side + Math.floor(place / columns) * cell,
      width: cell - 1,
      height: cell - 1,
    };
  }

  #point(event, changed) {
    const box = this.canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * this.canvas.width;
    const y = ((event.clientY - box.top) / box.height) * this.canvas.height;
    const hit = (each) => x >= each.x - 1 && x < each.x + each.width + 1 && y >= each.y - 1 && y <= each.y + each.height + 1;
    const index = this.values.findIndex((_, number) => hit(this.#box(number)));
    if (index < 0) return;
    const value = this.high - (y / this.canvas.height) * (this.high - this.low);
    changed(index, this.#hasMaps ? null : Math.min(this.high, Math.max(this.low, value)));
  }
}

/** Return how many squares lie beside each other, and how large they are, where so many fill a space. */
function fitting(count, width, height) {
  let best = { across: 1, side: 0 };
  for (let across = 1; across <= count; across++) {
    const side = Math.min(width / across, height / Math.ceil(count / across));
    if (side > best.side) best = { across, side };
  }
  return best;
}
