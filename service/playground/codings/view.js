// The view that shows what codings are.

import { element, parts as partsOf, settled } from "../shared/dom.js";
import { telling } from "../shared/fault.js";
import { latest } from "../shared/latest.js";
import { newest } from "../shared/service.js";
import { sliders } from "../shared/sliders.js";
import { open } from "../denoise/picture.js";
import { arithmetic } from "./arithmetic.js";
import { atlas } from "./atlas.js";
import { between } from "./between.js";
import { Choices } from "./choices.js";
import { Coder } from "./coder.js";
import { Lab } from "./lab.js";
import { GARMENTS, SIDE, address, fitted, garment } from "./pictures.js";
import { sketch } from "./sketch.js";

/**
 * @param {HTMLElement} view
 * @param {{ client: import("../client.js").Client, models: () => Promise<object[]> }} service
 */
export async function mount(view, { client, models }) {
  const parts = partsOf(view);
  const told = telling(parts.fault);
  const lab = new Lab(parts, telling(parts.pictureFault), telling(parts.codingFault));
  const choices = new Choices();
  let coder;
  const draws = [
    between(parts, choices, () => coder, telling(parts.wayFault)),
    arithmetic(parts, choices, () => coder, telling(parts.sumFault)),
  ];
  sliders(view);
  let known;
  try {
    known = await models();
  } catch (error) {
    return told(error);
  }
  const able = newest(known, suits);
  if (!able.size) {
    parts.fault.textContent = "This service has no model that encodes and decodes gray pictures of 28 × 28 pixels.";
    parts.fault.hidden = false;
    return;
  }
  for (const { name, manifest, default_for: defaults } of able.values()) {
    const size = manifest.operations.encode.output.shape.slice(1).join(" × ");
    const isDefault = defaults.includes("encode");
    parts.model.append(new Option(`${name} (${size})`, name, isDefault, isDefault));
  }

  /** Use the model that is chosen. */
  function choose() {
    coder = new Coder(client, able.get(parts.model.value));
    parts.noise.hidden = !coder.denoises;
    parts.length.hidden = !coder.hasLength;
    lab.use(coder);
    for (const draw of draws) draw();
  }
  parts.model.addEventListener("change", choose);
  pictures(parts, lab, choices, client, telling(parts.pictureFault));
  choose();
  const mapFault = telling(parts.mapFault);
  const taken = (model, coding, name) => {
    if (parts.model.value !== model) {
      parts.model.value = model;
      choose();
    }
    for (const each of parts.garments.querySelectorAll("button")) each.setAttribute("aria-pressed", "false");
    lab.take(coding, name);
    parts.output.scrollIntoView({ block: "center", behavior: isCalm() ? "instant" : "smooth" });
  };
  try {
    lab.painted = await atlas(parts, client, known, taken, mapFault);
    if (lab.painter) lab.painted(lab);
  } catch (error) {
    mapFault(error);
  }
}

/** Whether a model encodes and decodes the pictures of this view. */
function suits({ operations, manifest }) {
  if (!["encode", "decode"].every((each) => operations.includes(each))) return false;
  const [, rows, columns, more] = manifest.operations.encode.input.shape;
  const isThumbnail = columns === SIDE && more === undefined && (rows === SIDE || typeof rows === "string");
  return isThumbnail && manifest.pixels?.mode === "L";
}

/** Whether somebody wants nothing to move. */
function isCalm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Let people choose a garment, draw one, or bring a picture of their own. */
function pictures(parts, lab, choices, client, told) {
  const press = (pressed) => {
    for (const each of parts.garments.querySelectorAll("button")) {
      each.setAttribute("aria-pressed", String(each === pressed));
    }
  };
  const take = latest(async (name, button) => {
    try {
      const gray = await garment(name);
      press(button);
      lab.open(gray, name);
    } catch (error) {
      told(error);
    }
  });
  for (const name of GARMENTS) {
    const image = element("img", { src: address(name), alt: name, width: 28, height: 28 });
    const button = element("button", { type: "button", "aria-pressed": "false" }, image);
    button.addEventListener("click", () => take(name, button));
    parts.garments.append(element("li", {}, button));
  }
  const bring = (gray, name) => {
    lab.open(gray, name);
    choices.keep(name, gray);
  };
  let own = null;
  const show = () => {
    if (!own) return;
    press(null);
    bring(parts.negative.checked ? own.map((each) => 255 - each) : own, "your picture");
  };
  parts.file.addEventListener("change", async () => {
    const [file] = parts.file.files;
    if (!file) return;
    try {
      const picture = await open(file, client, {});
      own = fitted(picture.bitmap);
      picture.close();
      told(null);
      show();
    } catch (error) {
      told(error);
    }
    parts.file.value = "";
  });
  parts.negative.addEventListener("change", show);
  const drawn = settled(60, (gray) => bring(gray, "your drawing"));
  sketch(parts.sketch, parts.clear, (gray) => {
    press(null);
    drawn(gray);
  });
  parts.garments.querySelector("button").click();
}
