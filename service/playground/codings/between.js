// The way from one picture to another, through the codings between theirs.

import { element } from "../shared/dom.js";
import { latest } from "../shared/latest.js";
import { paint } from "./pictures.js";

const STATIONS = 9;

/**
 * @param {Record<string, any>} parts of the view
 * @param {import("./choices.js").Choices} choices
 * @param {() => import("./coder.js").Coder} coder returns the one of the model that is chosen
 * @param {(error: Error | null) => void} told called with what went wrong
 * @returns {() => void} which draws it anew
 */
export function between(parts, choices, coder, told) {
  choices.offer(parts.from, "sneaker");
  choices.offer(parts.to, "pullover");
  const canvases = Array.from({ length: STATIONS }, () => element("canvas", { role: "img", width: 28, height: 28 }));
  const chosen = element("canvas", { role: "img", width: 28, height: 28, "aria-label": "What lies there" });
  canvases.forEach((canvas, index) => {
    canvas.setAttribute("aria-label", `${Math.round((100 * index) / (STATIONS - 1))} % of the way`);
  });
  parts.way.append(element("div", { className: "stations" }, ...canvases), element("figure", {}, chosen));
  let ends = null; // two codings, and the coder that they are of

  const draw = latest(async () => {
    try {
      const codes = coder();
      const [from, to] = await Promise.all(
        [parts.from, parts.to].map(async ({ value }) => codes.encode(await choices.pixels(value))),
      );
      ends = { codes, from, to };
      const ways = canvases.map((_, index) => mixed(from, to, index / (STATIONS - 1)));
      (await codes.decode(ways)).forEach((gray, index) => paint(canvases[index], gray));
      told(null);
      await one();
    } catch (error) {
      told(error);
    }
  });
  const one = latest(async () => {
    if (!ends) return;
    const { codes, from, to } = ends;
    const [gray] = await codes.decode([mixed(from, to, Number(parts.share.value) / 100)]);
    paint(chosen, gray);
  });
  parts.share.addEventListener("input", () => one().catch(told));
  for (const select of [parts.from, parts.to]) select.addEventListener("change", draw);
  return draw;
}

/** Return the coding at a share of the way from one to another. */
export function mixed(from, to, share) {
  return from.map((each, index) => each + share * (to[index] - each));
}
