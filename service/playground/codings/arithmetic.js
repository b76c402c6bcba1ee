// One coding less another plus a third.

import { element } from "../shared/dom.js";
import { latest } from "../shared/latest.js";
import { paint } from "./pictures.js";

const TERMS = [["", "pullover"], ["−", "T-shirt"], ["+", "dress"]];

/**
 * @param {Record<string, any>} parts of the view
 * @param {import("./choices.js").Choices} choices
 * @param {() => import("./coder.js").Coder} coder returns the one of the model that is chosen
 * @param {(error: Error | null) => void} told called with what went wrong
 * @returns {() => void} which computes it anew
 */
export function arithmetic(parts, choices, coder, told) {
  const result = element("canvas", { role: "img", width: 28, height: 28, "aria-label": "What the sum stands for" });
  const terms = TERMS.map(([sign, name], index) => {
    const select = element("select", { "aria-label": ["first", "less", "plus"][index] });
    choices.offer(select, name);
    const canvas = element("canvas", { width: 28, height: 28, "aria-hidden": "true" }); // the select names it
    select.addEventListener("change", () => draw());
    parts.terms.append(term(sign, canvas, select));
    return { select, canvas };
  });
  parts.terms.append(term("=", result, element("figcaption", {}, "painted from the sum")));

  const draw = latest(async () => {
    try {
      const codes = coder();
      const encoded = async ({ select, canvas }) => {
        const gray = await choices.pixels(select.value);
        paint(canvas, gray);
        return codes.encode(gray);
      };
      const [a, b, c] = await Promise.all(terms.map(encoded));
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
