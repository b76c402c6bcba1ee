// A picture, its coding, what is painted from it, and the numbers that people change.

import { latest } from "../shared/latest.js";
import { noisy } from "../shared/noise.js";
import { move } from "../shared/sliders.js";
import { Bars } from "./bars.js";
import { SIDE, image, meanSquare, paint, paintError } from "./pictures.js";

export class Lab {
  /**
   * @param {Record<string, any>} parts of the view
   * @param {(error: Error | null) => void} encoded called with why a picture is not encoded
   * @param {(error: Error | null) => void} decoded called with why a coding is not decoded
   */
  constructor(parts, encoded, decoded) {
    this.parts = parts;
    /** Of the model that is chosen; the one of the coding until there is one of this model. */
    this.coder = null;
    this.painter = null;
    /** The picture without noise; null where only a coding is known. @type {Uint8Array | null} */
    this.clean = null;
    this.name = "";
    this.coding = new Float32Array();
    this.encoded = new Float32Array(); // as it was before anybody changed it
    /** Called whenever another coding is painted. @type {(lab: Lab) => void} */
    this.painted = () => {};
    this.bars = new Bars(parts.bars, (index, value) => {
      this.#choose(index);
      if (value !== null) this.#set(value);
    });
    const safely = (task, told) => latest(() => task().then(() => told(null), told));
    this.decode = safely(() => this.#decode(), decoded);
    this.encode = safely(() => this.#encode(), encoded);
    parts.which.addEventListener("input", () => this.#choose(Number(parts.which.value) - 1));
    parts.value.addEventListener("input", () => this.#set(Number(parts.value.value)));
    parts.zero.addEventListener("click", () => this.#replace(new Float32Array(this.coding.length)));
    parts.reset.addEventListener("click", () => this.#replace(this.encoded.slice()));
    for (const each of [parts.kind, parts.amount]) each.addEventListener("input", () => this.encode());
    parts.steps.addEventListener("input", () => this.decode());
  }

  /** Use another model. */
  use(coder) {
    this.coder = coder;
    if (!this.clean && this.shown) {
      this.clean = this.shown; // a coding is of one model only: its picture is encoded by the next
      this.name = `${this.name}, as painted`;
    }
    this.parts.status.textContent = `${coder.model.model}: ${coder.summary}.`;
    if (this.clean) this.encode();
  }

  /** Show a picture. @param {Uint8Array} gray */
  open(gray, name) {
    this.clean = gray;
    this.name = name;
    this.encode();
  }

  /** Show a coding of which the picture is not known. */
  take(coding, name) {
    this.clean = null;
    this.name = name;
    this.#encoded(coding, this.coder);
    this.decode();
  }

  async #encode() {
    const { clean, coder, parts } = this;
    if (!clean || !coder) return;
    const kind = coder.denoises ? parts.kind.value : "";
    const amount = Number(parts.amount.value);
    const pixels = kind && noisy(image(clean), kind, kind === "white" ? 2.55 * amount : amount).data;
    const input = kind ? clean.map((_, index) => pixels[4 * index]) : clean;
    paint(parts.input, input);
    parts.inputCaption.textContent = kind ? `${this.name}, with noise` : this.name;
    const coding = await coder.encode(input);
    if (coder !== this.coder || clean !== this.clean) return;
    this.#encoded(coding, coder);
    await this.decode();
  }

  #encoded(coding, coder) {
    const { parts } = this;
    this.painter = coder;
    this.encoded = coding;
    this.coding = coding.slice();
    this.bars.show(this.coding, coder.shape, true);
    const whose = this.clean ? "its coding" : `coding of ${this.name}, from the map`;
    parts.count.textContent = `${whose}: ${coder.shape.join(" × ")} numbers`;
    const by = coder.shape.length === 3 ? "Choose a square" : "Drag the bars";
    parts.numbersHint.textContent = `${by}, or choose a number and move its slider: the picture follows.`;
    parts.bars.setAttribute("aria-label", `The coding: ${coder.size} numbers`);
    parts.which.max = String(coder.size);
    this.#choose(Math.min(this.bars.chosen, coder.size - 1));
  }

  async #decode() {
    const { parts, painter, clean } = this;
    if (!painter) return;
    const [gray] = await painter.decode([this.coding], Number(parts.steps.value));
    if (painter !== this.painter) return;
    this.shown = Uint8Array.from(gray.subarray(0, SIDE * SIDE));
    paint(parts.output, gray);
    this.painted(this);
    const isComparable = clean !== null && gray.length === clean.length;
    for (const each of [parts.input, parts.error]) each.closest("figure").hidden = clean === null;
    parts.error.closest("figure").hidden = !isComparable;
    if (!isComparable) return;
    paintError(parts.error, clean, gray);
    parts.errorCaption.textContent = `error, mean square ${meanSquare(clean, gray).toFixed(4)}`;
  }

  /** Choose the number that the slider changes. */
  #choose(index) {
    const { parts, bars } = this;
    if (!(index >= 0 && index < this.coding.length)) return;
    bars.chosen = index;
    parts.which.value = String(index + 1);
    parts.value.min = String(Math.min(bars.low, this.coding[index]));
    parts.value.max = String(Math.max(bars.high, this.coding[index]));
    move(parts.value, this.coding[index]);
    bars.draw();
  }

  #set(value) {
    const { parts, bars } = this;
    this.coding[bars.chosen] = value;
    move(parts.value, value);
    bars.draw();
    this.decode();
  }

  #replace(coding) {
    this.coding = coding;
    this.bars.show(coding, this.painter.shape, false);
    this.#choose(this.bars.chosen);
    this.decode();
  }
}
