// Where photographs come from: chosen, dropped, pasted, or one of the samples.

import { element } from "../shared/dom.js";
import { file } from "../shared/file.js";

const FOLDER = new URL("../samples/photographs/", import.meta.url);
const SAMPLES = [
  ["night.jpg", "Night", "a city at dusk, high ISO"],
  ["indoor.jpg", "Indoors", "a staircase without a flash"],
  ["scan.jpg", "Scan", "a notebook from a scanner"],
  ["film.jpg", "Film", "a kitten on grainy film"],
  ["clean.webp", "Clean", "a photograph to add noise to"],
];

/**
 * Let people choose photographs.
 * @param {Record<string, HTMLElement>} parts of the view
 * @param {HTMLElement} view
 * @param {(files: File[]) => void} chosen
 * @param {(error: Error) => void} failed called where a sample cannot be fetched
 */
export function sources(parts, view, chosen, failed) {
  for (const input of [parts.file, parts.another]) {
    input.addEventListener("change", () => {
      chosen([...input.files]);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  for (const sample of SAMPLES) parts.samples.append(element("li", {}, tile(sample, chosen, failed)));
  dropped(view, parts.drop, chosen);
  document.addEventListener("paste", (event) => {
    if (view.hidden) return;
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    chosen(files);
  });
}

function tile([name, title, what], chosen, failed) {
  const small = new URL(`${name.replace(/\..*/, "")}-small.webp`, FOLDER);
  const image = element("img", { src: small.href, alt: "", width: 144, height: 96 });
  const button = element("button", { type: "button", className: "sample" }, image);
  button.append(element("strong", {}, title), element("span", {}, what));
  button.addEventListener("click", async () => {
    button.setAttribute("aria-busy", "true");
    try {
      const blob = await (await file(new URL(name, FOLDER))).blob();
      chosen([new File([blob], name, { type: blob.type })]);
    } catch (error) {
      failed(error);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
  return button;
}

/** Files may be dropped anywhere on the view; a veil says so. */
function dropped(view, veil, chosen) {
  const hasFiles = (event) => !view.hidden && event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    chosen([...event.dataTransfer.files]);
  });
}
