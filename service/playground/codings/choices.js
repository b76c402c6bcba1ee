// The pictures that selects offer: garments, and what people drew or brought.

import { GARMENTS, garment } from "./pictures.js";

export class Choices {
  #own = new Map();
  #selects = [];

  /**
   * Let a select offer every picture, those of one's own as soon as there are any.
   * @param {HTMLSelectElement} select
   * @param {string} name of the garment that is chosen at first
   */
  offer(select, name) {
    this.#selects.push(select);
    for (const each of [...GARMENTS, ...this.#own.keys()]) {
      select.add(new Option(each, each, each === name, each === name));
    }
  }

  /** Keep a picture of one's own, in place of the last of its name; who has chosen that chooses it anew. */
  keep(name, gray) {
    const isNew = !this.#own.has(name);
    this.#own.set(name, gray);
    for (const select of this.#selects) {
      if (isNew) select.add(new Option(name, name));
      if (select.value === name) select.dispatchEvent(new Event("change"));
    }
  }

  /** Return the pixels of a picture; throws where it cannot be loaded. @returns {Promise<Uint8Array>} */
  async pixels(name) {
    return this.#own.get(name) ?? garment(name);
  }
}
