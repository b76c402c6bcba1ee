// A model in a few lines: what it does, what was measured, where it runs.

import { element } from "../shared/dom.js";
import { size } from "../shared/quantities.js";

const STATES = { ready: "ready", failed: "could not be loaded", unloaded: "unloaded" };
const DOES = {
  denoise: "removes noise",
  encode: "encodes",
  decode: "decodes",
  estimate: "estimates noise",
  reconstruct: "reconstructs, scores anomalies",
  neighbours: "finds neighbours",
};
const DOING = {
  denoise: "removing noise",
  encode: "encoding",
  decode: "decoding",
  estimate: "estimating noise",
  reconstruct: "reconstructing",
};
const MOST = 4; // figures
const NAMED = 6; // columns, at most

/**
 * Return the element of a model.
 * @param {import("../client.js").Model} model
 */
export function card(model) {
  const { name, version, state, fault, manifest } = model;
  const made = element("article", { className: "card" });
  made.append(
    element(
      "header",
      {},
      element("h2", {}, name),
      element("span", { className: `state ${state}` }, STATES[state]),
    ),
    element("p", {}, manifest ? `${manifest.summary}.` : "Its manifest cannot be read."),
  );
  if (fault) made.append(element("p", { className: "fault" }, fault));
  made.append(facts(model));
  if (manifest?.measurements.length) made.append(figures(manifest.measurements));
  const at = `models/${encodeURIComponent(name)}/${version}/card`;
  made.append(element("p", {}, element("a", { href: at, "data-card": "" }, `Card of ${name} ${version}`)));
  return made;
}

function facts({ version, operations, execution_provider: provider, size: bytes, default_for: arrays, default_for_pictures: pictures, manifest }) {
  const list = element("dl", { className: "facts" });
  const add = (term, text) => {
    if (text) list.append(element("div", {}, element("dt", {}, term), element("dd", {}, text)));
  };
  add("Version", String(version));
  add("Does", operations.map((each) => DOES[each] ?? each).join(", "));
  add("Takes", manifest && shape(manifest));
  add("Coding", manifest?.operations.encode && manifest.operations.encode.output.shape.slice(1).join(" × "));
  add("Default for", [...new Set([...arrays, ...pictures])].map((each) => DOING[each] ?? each).join(", "));
  add("Runs on", provider?.replace("ExecutionProvider", ""));
  add("Size", bytes ? size(bytes) : "");
  return list;
}

/** Return in words what a model takes. */
function shape({ operations, rows, pixels }) {
  const [first] = ["denoise", "encode"].map((name) => operations[name]).filter(Boolean);
  if (!first) return "";
  if (first.tiles) return "photographs of any size";
  const [, height, width] = first.input.shape;
  if (rows) return `${many(first.input.shape, rows)} of ${columns(rows)}`;
  const colour = pixels.mode === "L" ? "gray" : "colour";
  if (typeof height === "number") return `pictures of ${width} × ${height}, ${colour}`;
  return `${width} ${colour} pixels a row, any number of rows`;
}

function many([, steps, features], { window }) {
  if (features === undefined) return "rows";
  if (window) return `windows of ${steps} rows`;
  return typeof steps === "number" ? `sequences of ${steps} rows` : "sequences of any number of rows";
}

function columns({ columns: all }) {
  const names = all.slice(0, NAMED).map(({ name }) => name);
  const more = all.length - names.length;
  return names.join(", ") + (more ? ` and ${more} more columns` : "");
}

/** Return a table of the figures of the model itself. */
function figures(measurements) {
  const own = measurements.filter(
    ({ method, quantity }) => method === "model" && ["psnr", "ssim", "mse"].includes(quantity),
  );
  // The hardest conditions say more than clean images, where there are any.
  const wanted = own.filter(({ condition, quantity }) => condition !== "clean" && quantity === "psnr");
  const shown = (wanted.length ? wanted : own).slice(0, MOST);
  const body = element("tbody");
  for (const { quantity, condition, data, value, unit } of shown) {
    const where = condition === "clean" ? data : condition.replace(/^gaussian\b/, "Gaussian");
    const what = `${quantity.toUpperCase()}, ${where}`;
    const digits = unit === "dB" ? 1 : quantity === "mse" ? 4 : 3;
    body.append(
      element(
        "tr",
        { title: data },
        element("th", { scope: "row" }, what),
        element("td", {}, `${value.toFixed(digits)} ${unit}`.trim()),
      ),
    );
  }
  return element("table", { className: "figures" }, element("caption", { className: "unseen" }, "Measured"), body);
}
