// One coding less another plus a third.

import { element } from "../shared/dom.js";
import { latest } from "../shared/latest.js";
import { address, choices, garment, paint } from "./pictures.js";

const TERMS = [["", "pullover"], ["−", "dress"], ["+", "trousers"]];

/**
 * @param {Record<string, any>} parts of the view
 * @param {() => import("./coder.js").Coder} coder returns the one of the model that is chosen
 * @param {(error: Error | null) => void} told called with what went wrong
 * @returns {() => void} which computes it anew
 */
export function arithmetic(parts, coder, told) {
  const result = element("canvas", { role: "img", width: 28, height: 28, "aria-label": "What the sum stands for" });
  const selects = TERMS.map(([sign, name], index) => {
    const words = ["first", "less", "plus"][index];
    const select = element("select", { "aria-label": words }, ...choices(name));
    const picture = element("img", { src: address(name), alt: "", width: 28, height: 28 });
    select.addEventListener("change", () => {
      picture.src = address(select.value);
      draw();
    });
    parts.terms.append(term(sign, picture, select));
    return select;
  });
  parts.terms.append(term("=", result, element("figcaption", {}, "painted from the sum")));

  const draw = latest(async () => {
    try {
      const codes = coder();
      const [a, b, c] = await Promise.all(selects.map(async ({ value }) => codes.encode(await garment(value))));
      const [gray] = await codes.decode([summed(a, b, c)]);
      paint(result, gray);
      told(null);
    } catch (error) {
      told(error);
    }
  });
  return draw;
}

function term(sign, ...shown) {
  const figure = element("figure", {}, ...shown);
  return element("div", { className: "term" }, element("span", { className: "sign", "aria-hidden": "true" }, sign), figure);
}

/** Return a - b + c, number by number. */
export function summed(a, b, c) {
  return a.map((each, index) => each - b[index] + c[index]);
}
