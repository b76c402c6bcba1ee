// Controls to compare the noisy and the denoised photograph: how, where, and how large.

import { divider } from "./divider.js";
import { gestures } from "./gestures.js";

/**
 * Divider, side by side and difference; zoom by buttons and gestures.
 * @param {HTMLElement} view
 * @param {Record<string, any>} parts of it
 * @param {import("./desk.js").Desk} desk
 */
export function compare(view, parts, desk) {
  const { stage } = desk;
  const { viewport } = stage;
  divider(parts.divider, parts.frame, (share) => {
    stage.cut = share;
    stage.draw();
  });
  stage.drawn = () => {
    parts.scale.textContent = `${Math.round(viewport.scale * 100)} %`;
    parts.frame.classList.toggle("fit", viewport.isFit);
  };
  gestures(parts.frame, stage, () => desk.look());
  parts.modes.addEventListener("change", (event) => {
    const mode = event.target.value;
    parts.frame.dataset.mode = mode;
    parts.divider.hidden = mode !== "divider";
    stage.compare(mode);
    desk.show();
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
    desk.look();
  });
}
