// The map of codings: t-SNE puts those that are alike beside each other.

import { element } from "../shared/dom.js";
import { explained } from "../shared/words.js";
import { Coder } from "./coder.js";
import { mark, ring, stamp } from "./marks.js";
import { nearest } from "./nearest.js";
import { paint } from "./pictures.js";
import { read } from "./points.js";

const NEAR = 24; // pixels of the screen within which a point is meant
const EDGE = 14;

/**
 * Show the map where the model that it was made with is served.
 * @param {Record<string, any>} parts of the view
 * @param {import("../client.js").Client} client
 * @param {import("../client.js").Model[]} models
 * @param {(model: string, coding: Float32Array, name: string) => void} chosen
 * @param {(error: Error | null) => void} told called with what went wrong
 * @returns {Promise<(lab: import("./lab.js").Lab) => void>} shows what is nearest to what a lab shows
 */
export async function atlas(parts, client, models, chosen, told) {
  const points = await read(new URL("map.json", import.meta.url));
  const model = models.find(({ name, version, state }) => name === points.model && version === points.version && state === "ready");
  parts.atlas.hidden = !model;
  if (!model) return () => {};
  const coder = new Coder(client, model);
  let pictures = null;
  let current = -1;
  let taken = -1;
  let rings = [];
  parts.mapHint.textContent =
    `${points.count} test pictures, as ${points.model} encodes them: what is alike lies close together. ` +
    "Point at one to see what its coding stands for; click to take it.";
  points.classes.forEach((name, label) => {
    parts.legend.append(element("li", { className: `class-${label}` }, mark(label), name));
  });
  new ResizeObserver(draw).observe(parts.map);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  function place(index) {
    const { clientWidth: width, clientHeight: height } = parts.map;
    const [x, y] = points.place(index);
    return [EDGE + x * (width - 2 * EDGE), EDGE + y * (height - 2 * EDGE)];
  }

  function draw() {
    const canvas = parts.points;
    const ratio = devicePixelRatio;
    [canvas.width, canvas.height] = [parts.map.clientWidth * ratio, parts.map.clientHeight * ratio];
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const colours = [...parts.legend.children].map((each) => getComputedStyle(each.firstChild).fill);
    const scale = Math.max(1, parts.map.clientWidth / 1000);
    for (let index = 0; index < points.count; index++) {
      context.fillStyle = colours[points.labels[index]];
      stamp(context, points.labels[index], place(index), index === current ? 2 * scale : scale);
    }
    context.strokeStyle = getComputedStyle(parts.map).color;
    for (const index of rings) ring(context, place(index), scale);
  }

  async function show(index) {
    if (index === current) return;
    current = index;
    draw();
    parts.point.hidden = index < 0;
    if (index < 0) return;
    const name = points.classes[points.labels[index]];
    const [x, y] = place(index);
    parts.pointName.textContent = name;
    parts.mapStatus.textContent = `${name}, number ${index + 1} of ${points.count}`;
    parts.point.style.left = `${Math.min(x + 12, parts.map.clientWidth - 130)}px`;
    parts.point.style.top = `${Math.max(0, Math.min(y - 60, parts.map.clientHeight - 150))}px`;
    try {
      pictures ??= coder.decode(Array.from({ length: points.count }, (_, each) => points.coding(each)));
      const gray = (await pictures)[index];
      if (index === current) paint(parts.pointPicture, gray);
    } catch (error) {
      pictures = null;
      parts.mapStatus.textContent = explained(error).sentence;
    }
  }

  function take(index = current) {
    if (index < 0) return;
    taken = index;
    chosen(points.model, points.coding(index), points.classes[points.labels[index]]);
  }

  parts.map.addEventListener("pointermove", (event) => {
    const box = parts.map.getBoundingClientRect();
    show(points.nearest(event.clientX - box.left, event.clientY - box.top, place, NEAR));
  });
  parts.map.addEventListener("pointerleave", () => show(-1));
  parts.map.addEventListener("click", (event) => {
    const box = parts.map.getBoundingClientRect();
    show(points.nearest(event.clientX - box.left, event.clientY - box.top, place, NEAR));
    take();
  });
  parts.map.addEventListener("focus", () => current < 0 && parts.map.matches(":focus-visible") && show(0));
  parts.map.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) show(points.next(Math.max(0, current), way, place));
    else if (event.key === "Enter" || event.key === " ") take();
    else return;
    event.preventDefault();
  });
  draw();
  if (!model.manifest.index) return () => {};
  const ringed = (indices) => {
    rings = indices;
    draw();
  };
  const near = nearest(parts, points, coder, { ringed, point: show, take }, told);
  return (lab) => near(lab, taken);
}
