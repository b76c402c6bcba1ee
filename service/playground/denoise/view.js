// The view that denoises photographs: its controls, and what each of them sets in motion.

import { copies } from "../shared/copy.js";
import { parts as partsOf, settled } from "../shared/dom.js";
import { newest, takesPhotographs } from "../shared/service.js";
import { sliders } from "../shared/sliders.js";
import { explained } from "../shared/words.js";
import { Desk } from "./desk.js";
import { divider } from "./divider.js";
import { Download } from "./download.js";
import { gestures } from "./gestures.js";
import { programs } from "./programs.js";
import { fileName, fileOptions } from "./save.js";
import { isLossy } from "./settings.js";
import { sources } from "./sources.js";
import { Stage } from "./stage.js";
import { strip } from "./strip.js";

/**
 * @param {HTMLElement} view
 * @param {{ client: import("../client.js").Client, models: () => Promise<object[]> }} service
 */
export function mount(view, { client, models }) {
  const parts = partsOf(view);
  const stage = new Stage(parts.canvas);
  const desk = new Desk(client, parts, stage);
  const file = new Download(desk);
  const list = strip(desk, openFile);
  const again = settled(250, () => desk.start());
  let ready; // asked once somebody has a photograph

  sources(parts, view, async (files) => {
    if (!files.length) return;
    list(files);
    await openFile(files[0]);
  });
  sliders(view);
  copies(view);
  compare(view, parts, stage, () => desk.look());

  desk.changed = () => {
    file.changed({ isAnother: true });
    show(parts, desk);
  };
  for (const name of ["automatic", "sigma", "effort", "model"]) {
    parts[name].addEventListener("input", () => {
      parts.level.hidden = parts.automatic.checked;
      desk.stale("Being denoised anew");
      show(parts, desk);
      again();
    });
  }
  for (const name of ["strength", "luma", "chroma"]) parts[name].addEventListener("input", () => desk.blend());
  for (const name of ["strength", "luma", "chroma", "format", "quality"]) {
    parts[name].addEventListener("input", () => {
      file.changed();
      show(parts, desk);
    });
  }
  const corrupt = settled(250, () => desk.picture && desk.corrupt());
  for (const name of ["kind", "amount"]) parts[name].addEventListener("input", corrupt);
  parts.panel.addEventListener("submit", (event) => event.preventDefault());
  parts.again.addEventListener("click", () => desk.start());
  parts.cancel.addEventListener("click", () => {
    desk.pending.abort();
    file.pending.abort();
  });
  parts.back.addEventListener("click", () => {
    desk.pending.abort();
    parts.work.hidden = true;
    parts.start.hidden = false;
    parts.samples.querySelector("button").focus();
  });

  async function openFile(chosen) {
    ready ??= models().then((known) => offer(parts, known));
    try {
      if (!(await ready)) return;
    } catch (error) {
      ready = undefined;
      return fault(parts, error);
    }
    const isFirst = parts.work.hidden;
    parts.startFault.hidden = true;
    parts.start.hidden = true;
    parts.work.hidden = false;
    stage.resize();
    if (isFirst) parts.frame.focus({ preventScroll: true });
    try {
      desk.report.busy("Opening the photograph …");
      await desk.open(chosen);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!desk.picture) {
        parts.work.hidden = true;
        parts.start.hidden = false;
        fault(parts, error);
      } else desk.report.fault(error);
    }
  }
}

/** List the models of photographs; say so where there is none. */
function offer(parts, known) {
  const found = newest(known, takesPhotographs);
  for (const { name, default_for_pictures: defaults } of found.values()) {
    parts.model.append(new Option(name, name, defaults.includes("denoise"), defaults.includes("denoise")));
  }
  parts.modelField.hidden = found.size < 2;
  if (found.size) return true;
  return fault(parts, new Error("no model that is ready takes photographs of any size"));
}

function fault(parts, error) {
  const { sentence, detail } = explained(error);
  parts.startFault.hidden = false;
  parts.startFault.textContent = `${sentence} (${detail})`;
  return false;
}

/** Show what follows from the settings: the programs, and whether quality means anything. */
function show(parts, { client, picture, settings }) {
  if (!picture) return;
  parts.qualityField.hidden = !isLossy(settings.format, picture.file.type);
  const options = fileOptions(settings, picture);
  const output = fileName(picture.file.name, settings.format || picture.file.type);
  for (const [language, text] of Object.entries(programs(client.baseUrl, picture.file.name, output, options, { needsKey: Boolean(client.apiKey) }))) {
    parts.programs.querySelector(`#program-${language}`).textContent = text;
  }
}

/** Divider, side by side and difference; zoom by buttons and gestures. */
function compare(view, parts, stage, moved) {
  const { viewport } = stage;
  divider(parts.divider, parts.frame, (share) => {
    stage.cut = share;
    stage.draw();
  });
  stage.drawn = () => {
    parts.scale.textContent = `${Math.round(viewport.scale * 100)} %`;
  };
  gestures(parts.frame, stage, moved);
  parts.modes.addEventListener("change", (event) => {
    const mode = event.target.value;
    parts.frame.dataset.mode = mode;
    parts.divider.hidden = mode !== "divider";
    parts.rightTag.textContent = mode === "difference" ? "difference, × 4" : "denoised";
    stage.compare(mode);
  });
  const zooms = {
    in: () => viewport.zoom(viewport.scale * 1.5),
    out: () => viewport.zoom(viewport.scale / 1.5),
    fit: () => viewport.fit(),
    actual: () => viewport.zoom(1),
  };
  view.addEventListener("click", (event) => {
    const button = event.target.closest("[data-zoom]");
    if (!button) return;
    zooms[button.dataset.zoom]();
    stage.draw();
    moved();
  });
}
