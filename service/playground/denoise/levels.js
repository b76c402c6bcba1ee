// Models of photographs, and what each of them does about the noise level.

import { move } from "../shared/sliders.js";

export class Levels {
  /** @param {Record<string, any>} parts of the view */
  constructor(parts) {
    this.parts = parts;
    this.models = new Map();
  }

  /**
   * List the models of photographs.
   * @param {Map<string, object>} models by name
   * @throws {Error} there is none
   */
  offer(models) {
    if (!models.size) throw new Error("no model that is ready takes photographs of any size");
    this.models = models;
    const { model, modelField } = this.parts;
    for (const { name, default_for_pictures: defaults } of models.values()) {
      model.append(new Option(name, name, defaults.includes("denoise"), defaults.includes("denoise")));
    }
    modelField.hidden = models.size < 2;
    this.changed("model");
  }

  /** Say how much noise a model found, if it tells; a level of one's own starts from there. */
  found(level) {
    const { found, sigma } = this.parts;
    const isFound = level !== undefined;
    found.hidden = !isFound;
    found.textContent = isFound ? `Noise found: ${level.toFixed(1)} of 255` : "";
    if (isFound && !("moved" in sigma.dataset)) move(sigma, Math.round(level));
  }

  /** A control is another: say what it means for this model. @param {string} name of its part */
  changed(name) {
    const { automatic, automaticText, automaticHint, level, unset, sigma, model } = this.parts;
    if (name === "sigma") sigma.dataset.moved = "";
    if (name === "automatic" && automatic.checked) delete sigma.dataset.moved;
    const chosen = this.models.get(model.value);
    const takesLevels = Boolean(chosen?.manifest.operations.denoise.sigma);
    if (!takesLevels) automatic.checked = true;
    const finds = chosen?.operations.includes("estimate");
    automatic.closest("label").hidden = !takesLevels;
    automaticText.textContent = finds ? "Find the noise level" : "Noise level unknown";
    automaticHint.hidden = finds || !automatic.checked || !takesLevels;
    level.hidden = automatic.checked || !takesLevels;
    unset.hidden = "moved" in sigma.dataset;
    unset.textContent = finds ? "As found, until you move it." : "Not used until you move it.";
  }
}
