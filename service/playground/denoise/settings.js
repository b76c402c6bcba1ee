// What people chose of how a photograph is denoised, and what of that needs a new run.

/**
 * @typedef {{ model: string, sigma: number | undefined, strength: number, luma: number,
 *   chroma: number, effort: number, format: string, quality: number }} Settings
 */

/** @param {Record<string, any>} parts of the view @returns {Settings} */
export function chosen(parts) {
  return {
    model: parts.model.value,
    sigma: parts.automatic.checked ? undefined : Number(parts.sigma.value),
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

/** Return the options that make the file to download. @param {Settings} settings */
export function ofFile(settings, isLossy) {
  const options = ofRun(settings);
  for (const name of ["strength", "luma", "chroma"]) if (settings[name] !== 1) options[name] = settings[name];
  if (isLossy && settings.quality !== 90) options.quality = settings.quality;
  if (settings.format) options.format = settings.format;
  return options;
}

/** Whether a file that is saved in a format, or in its own, loses something to its size. */
export function isLossy(format, type) {
  const wanted = format || type;
  return !["image/png", "image/tiff", "image/bmp", "image/gif", "image/x-tiff"].includes(wanted);
}

/** Return a text that is the same for the same options. */
export function key(options) {
  return JSON.stringify(options);
}
