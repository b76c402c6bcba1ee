// The pictures of the map whose codings are nearest to the one that is shown.

import { NpyArray } from "../client.js";
import { element } from "../shared/dom.js";
import { latest } from "../shared/latest.js";
import { SIDE, paint } from "./pictures.js";

const SHOWN = 8;
const ID = /^test\/(\d+)$/; // the map and the index have the same images, in the same order

/**
 * Return a function that shows what is nearest to what a lab shows.
 * @param {Record<string, any>} parts of the view
 * @param {import("./points.js").Points} points
 * @param {import("./coder.js").Coder} coder of the model of the map
 * @param {{ ringed: (indices: number[]) => void, point: (index: number) => void, take: (index: number) => void }} map
 * @param {(error: Error | null) => void} told called with what went wrong
 */
export function nearest(parts, points, coder, map, told) {
  let shown = "";

  async function find(lab, taken) {
    const { name, clean } = lab;
    const own = clean ? -1 : taken; // what comes from the map is not a neighbour of itself
    const isOwn = lab.painter.model.model === coder.model.model && lab.painter.model.version === coder.model.version;
    if (!isOwn && !clean) return;
    const asked = isOwn
      ? new NpyArray(Float32Array.from(lab.coding), [1, ...coder.shape])
      : new NpyArray(Uint8Array.from(clean), [1, clean.length / SIDE, SIDE]);
    const options = { ...coder.model, k: SHOWN + 1, ...(isOwn && { of: "codings" }) };
    const { ids, distances } = await coder.client.neighbours(asked, options);
    const found = ids[0]
      .map((id, rank) => ({ index: Number(ID.exec(id)?.[1] ?? -1), distance: distances[0][rank] }))
      .filter(({ index }) => index >= 0 && index < points.count && index !== own)
      .slice(0, SHOWN);
    const order = `${name}${found.map(({ index, distance }) => `${index} ${distance}`)}`;
    if (order === shown) return;
    const pictures = found.length ? await coder.decode(found.map(({ index }) => points.coding(index))) : [];
    shown = order;
    parts.nearestTitle.textContent = `Nearest to ${name}`;
    parts.neighbours.replaceChildren(...found.map((each, rank) => item(each, pictures[rank])));
    parts.nearest.hidden = !found.length; // an index of other images
    map.ringed(found.map(({ index }) => index));
  }

  function item({ index, distance }, gray) {
    const canvas = element("canvas", { "aria-hidden": "true" });
    paint(canvas, gray);
    const told = element("span", {}, points.classes[points.labels[index]]);
    const far = element("span", { className: "hint" }, `distance ${distance.toFixed(2)}`);
    const button = element("button", { type: "button" }, canvas, told, far);
    button.addEventListener("click", () => map.take(index));
    for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => map.point(index));
    for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => map.point(-1));
    return element("li", {}, button);
  }

  return latest((lab, taken) => find(lab, taken).then(() => told(null), told));
}
