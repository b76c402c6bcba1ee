// The points of the map, from a small file: codings as bytes, and places on the map.

import { file } from "../shared/file.js";

/** Read the file. @param {URL} address */
export async function read(address) {
  return new Points(await (await file(address)).json());
}

export class Points {
  #codings;
  #places;

  constructor({ model, version, classes, labels, low, high, codings, places }) {
    Object.assign(this, { model, version, classes, labels, low, high });
    this.#codings = bytes(codings);
    this.#places = bytes(places);
    this.count = labels.length;
  }

  /** Return the coding of a point. */
  coding(index) {
    const { low, high } = this;
    return Float32Array.from(low, (least, number) => {
      return least + ((high[number] - least) * this.#codings[index * low.length + number]) / 255;
    });
  }

  /** Return where a point is, x and y from 0 to 1. */
  place(index) {
    return [this.#places[2 * index] / 255, this.#places[2 * index + 1] / 255];
  }

  /** Return the point nearest to a place on the screen, -1 if none is near. */
  nearest(x, y, place, near) {
    let [found, least] = [-1, near];
    for (let index = 0; index < this.count; index++) {
      const [px, py] = place(index);
      const distance = Math.hypot(px - x, py - y);
      if (distance < least) [found, least] = [index, distance];
    }
    return found;
  }

  /** Return the nearest point in a direction, the same if there is none. */
  next(from, [dx, dy], place) {
    const [x, y] = place(from);
    let [found, least] = [from, Infinity];
    for (let index = 0; index < this.count; index++) {
      const [px, py] = place(index);
      const along = (px - x) * dx + (py - y) * dy;
      const aside = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
      if (along > 1 && aside <= along && along + 2 * aside < least) [found, least] = [index, along + 2 * aside];
    }
    return found;
  }
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
