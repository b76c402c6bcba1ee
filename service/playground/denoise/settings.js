// What people chose of how a photograph is denoised, and what of that needs a new run.

import { isLossy } from "./format.js";

/**
 * @typedef {{ model: string, sigma: number | undefined, strength: number, luma: number,
 *   chroma: number, effort: number, format: string, quality: number }} Settings
 */

/**
 * Return what is chosen; a noise level is, once its slider was moved.
 * @param {Record<string, any>} parts of the view
 * @returns {Settings}
 */
export function chosen(parts) {
  const isNamed = !parts.automatic.checked && "moved" in parts.sigma.dataset;
  return {
    model: parts.model.value,
    sigma: isNamed ? Number(parts.sigma.value) : undefined,
    strength: Number(parts.strength.value) / 100,
    luma: Number(parts.luma.value) / 100,
    chroma: Number(parts.chroma.value) / 100,
    effort: Number(parts.effort.value),
    format: parts.format.value,
    quality: Number(parts.quality.value),
  };
}

/** Return the options of a run with all of the noise removed, which the page blends by itself. */
export function ofRun({ model, sigma, effort }) {
  return { model, ...(sigma !== undefined && { sigma }), ...(effort !== 1 && { effort }) };
}

/**
 * Return the options that make the file to download.
 * @param {Settings} settings
 * @param {string} type of the file if no other format is chosen, "" if that is not known
 */
export function ofFile(settings, type) {
  const options = ofRun(settings);
  for (const name of ["strength", "luma", "chroma"]) if (settings[name] !== 1) options[name] = settings[name];
  if (isLossy(settings.format || type) && settings.quality !== 90) options.quality = settings.quality;
  if (settings.format) options.format = settings.format;
  return options;
}

/** Return a text that is the same for the same options. */
export function key(options) {
  return JSON.stringify(options);
}
