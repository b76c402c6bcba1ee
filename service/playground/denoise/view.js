// The view that denoises photographs: its controls, and what each of them sets in motion.

import { copies } from "../shared/copy.js";
import { parts as partsOf, settled } from "../shared/dom.js";
import { newest, takesPhotographs } from "../shared/service.js";
import { sliders } from "../shared/sliders.js";
import { compare } from "./compare.js";
import { Desk } from "./desk.js";
import { Download } from "./download.js";
import { Experiment } from "./experiment.js";
import { isLossy, written } from "./format.js";
import { restore } from "./restore.js";
import { tell } from "./report.js";
import { fileName } from "./save.js";
import { sources } from "./sources.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";

/**
 * @param {HTMLElement} view
 * @param {{ client: import("../client.js").Client, models: () => Promise<object[]> }} service
 */
export function mount(view, { client, models }) {
  const parts = partsOf(view);
  const stage = new Stage(parts.canvas);
  const desk = new Desk(client, parts, stage);
  const file = new Download(desk);
  const experiment = new Experiment(desk);
  const strip = new Strip(desk, openFile);
  const again = settled(250, () => desk.start());
  let known; // asked for once somebody has a photograph

  sliders(view);
  copies(view);
  compare(view, parts, desk);
  const failed = (error) => tell(error, { fault: parts.startFault, faultText: parts.startFaultText, faultDetail: parts.startFaultDetail });
  sources(parts, view, (files) => {
    if (!files.length) return;
    strip.list(files);
    openFile(files[0]);
  }, failed);

  desk.changed = () => {
    file.changed();
    experiment.changed();
    strip.changed();
    show(parts, desk, file, strip.files);
  };
  for (const name of ["automatic", "sigma", "effort", "model"]) {
    parts[name].addEventListener("input", () => {
      desk.levels.changed(name);
      desk.show();
      if (desk.needsRun) again();
    });
  }
  for (const name of ["strength", "luma", "chroma"]) parts[name].addEventListener("input", () => desk.blend());
  for (const name of ["strength", "luma", "chroma", "format", "quality"]) {
    parts[name].addEventListener("input", () => desk.changed());
  }
  parts.panel.addEventListener("submit", (event) => event.preventDefault());
  parts.reset.addEventListener("click", () => restore(parts));
  parts.again.addEventListener("click", () => desk.start());
  parts.cancel.addEventListener("click", () => desk.work.cancel());
  parts.back.addEventListener("click", () => {
    desk.close();
    begin();
    parts.samples.querySelector("button").focus();
  });
  addEventListener("pagehide", () => {
    desk.work.cancel();
    strip.work.cancel();
  });

  /** Show where photographs are chosen, not the desk. */
  function begin() {
    parts.work.hidden = true;
    parts.start.hidden = false;
  }

  async function ready() {
    known ??= models().then((all) => desk.levels.offer(newest(all, takesPhotographs)));
    await known.catch((error) => {
      known = undefined; // to be asked again
      throw error;
    });
  }

  async function openFile(chosen) {
    const before = document.activeElement;
    const isFirst = parts.work.hidden;
    parts.startFault.hidden = true;
    parts.start.hidden = true;
    parts.work.hidden = false;
    stage.resize();
    if (isFirst) parts.frame.focus({ preventScroll: true });
    const { end, error } = await desk.open(chosen, ready);
    if (end === "done" || end === "replaced" || desk.picture || strip.files.length > 1 || parts.work.hidden) return;
    begin(); // there is nothing else to see
    (parts.start.contains(before) ? before : parts.file).focus();
    if (end === "failed") failed(error);
  }
}

/** Show what follows from the settings: the programs, and whether quality means anything. */
async function show(parts, { client, picture, settings }, file, files) {
  if (!picture) return;
  const types = settings.format ? [settings.format] : [picture.written, ...files.map(({ type }) => written(type))];
  parts.qualityField.hidden = !types.some(isLossy);
  const output = fileName(picture.file.name, file.type);
  const access = { needsKey: Boolean(client.apiKey) };
  const { name } = picture.file;
  const { options } = file;
  const { programs } = await import("./programs.js"); // nobody reads them in the first view
  const texts = programs(client.baseUrl, name, output, options, access);
  for (const [language, text] of Object.entries(texts)) {
    parts.programs.querySelector(`#program-${language}`).textContent = text;
  }
}
