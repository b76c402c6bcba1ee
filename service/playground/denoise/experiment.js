// An experiment: noise is added to a clean picture, and how much of it is gone is measured.

import { settled } from "../shared/dom.js";
import { level } from "../shared/quantities.js";
import { corrupted, scores } from "./in_worker.js";
import { key } from "./settings.js";

const MOST = 12_000_000; // pixels to which noise can be added: several copies of them are in memory

export class Experiment {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this.desk = desk;
    const soon = settled(250, () => this.#corrupt());
    for (const name of ["kind", "amount"]) desk.parts[name].addEventListener("input", soon);
    this.#soon = settled(150, () => this.#measure());
  }

  #soon;
  #picture = null;
  #measuring = new AbortController();
  #measured = ""; // of which shares

  /** Something on the desk, or of the settings, is another. */
  changed() {
    const { picture, whole, parts } = this.desk;
    if (picture !== this.#picture) this.#opened(picture);
    if (!whole || !picture.hasAddedNoise) {
      this.#measuring.abort();
      this.#measured = "";
      parts.scores.hidden = true;
    } else this.#soon();
  }

  #opened(picture) {
    this.#picture = picture;
    const { kind, amount, refusal } = this.desk.parts;
    const isTooLarge = picture !== null && picture.width * picture.height > MOST;
    kind.value = ""; // noise was meant for the photograph before
    kind.disabled = amount.disabled = isTooLarge;
    refusal.hidden = !isTooLarge;
    refusal.textContent = isTooLarge ? `Noise can be added to photographs of up to ${MOST / 1e6} megapixels.` : "";
  }

  #corrupt() {
    const { picture, opening, parts } = this.desk;
    const kind = parts.kind.value;
    if (!picture || opening || (!kind && !picture.hasAddedNoise)) return;
    const amount = Number(parts.amount.value);
    this.desk.corrupt(async (signal) => (kind ? corrupted(picture, kind, amount, signal) : null));
  }

  async #measure() {
    const { parts, picture, whole, stage: { luma, chroma } } = this.desk;
    if (!whole || !picture.hasAddedNoise || this.#measured === key({ luma, chroma })) return;
    this.#measured = key({ luma, chroma });
    this.#measuring.abort();
    const { signal } = (this.#measuring = new AbortController());
    try {
      const { before, after } = await scores(picture, whole.bitmap, { luma, chroma }, signal);
      parts.psnrBefore.textContent = level(before.psnr);
      parts.psnrAfter.textContent = level(after.psnr);
      parts.ssimBefore.textContent = before.ssim.toFixed(3);
      parts.ssimAfter.textContent = after.ssim.toFixed(3);
      parts.scores.hidden = false;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
