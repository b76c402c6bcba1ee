// The file to download: the service writes it, so that metadata, colours and depth stay.

import { whole } from "../shared/whole.js";
import { isLossy, key, ofFile } from "./settings.js";

/** Formats whose denoised file is the same whether it is made of the photograph or of a lossless copy. */
const WRITTEN = ["image/jpeg", "image/png", "image/avif", "image/heic", "image/tiff"];
/** Types that some systems do not know. */
const BY_SUFFIX = { heic: "image/heic", heif: "image/heic", avif: "image/avif", tif: "image/tiff", tiff: "image/tiff" };
const SUFFIXES = { "image/jpeg": "jpg", "image/tiff": "tif", "image/svg+xml": "svg" };

/** Files that were made for a photograph, the newest; several settings are not kept. */
export class Saved {
  #key = "";
  /** @type {Blob | null} */
  blob = null;

  /** Forget the file. */
  clear() {
    this.#key = "";
    this.blob = null;
  }

  /** Whether the file is that of these options. */
  fits(options) {
    return this.blob !== null && this.#key === key(options);
  }

  keep(options, blob) {
    this.#key = key(options);
    this.blob = blob;
  }
}

/**
 * Return the options that make the file of a photograph.
 * @param {import("./settings.js").Settings} settings
 * @param {import("./picture.js").Picture} picture
 */
export function fileOptions(settings, picture) {
  const type = picture.source === picture.file ? picture.file.type : "image/png";
  return ofFile(settings, isLossy(settings.format, type));
}

/** Whether a whole that was denoised for the screen, as PNG, is the file that the settings ask for. */
export function isFile(settings, picture) {
  const own = picture.source === picture.file ? picture.file.type : "image/png";
  return (settings.format || own) === "image/png" && isWhole(settings);
}

/**
 * Ask the service for the file: what is on the screen in another format, without a run of the model,
 * where that is the same file; else a run of its own.
 * @param {import("../client.js").Client} client
 * @param {import("./picture.js").Picture} picture
 * @param {Record<string, any>} options of the file
 * @param {Blob | null} denoised the whole on the screen, if it is of these options
 * @param {{ signal: AbortSignal, progress: (status: object | null) => void }} how
 * @returns {Promise<Blob>}
 */
export async function make(client, picture, options, denoised, how) {
  const format = options.format ?? ownFormat(picture);
  if (denoised && format && isWhole(options)) {
    const { model, quality } = options;
    const conversion = { model, strength: 0, format, ...(quality && { quality }), signal: how.signal };
    return (await client.denoise(denoised, conversion)).blob;
  }
  return (await whole(client, picture.source, options, how)).blob;
}

/** Return the format of a file, "" where its own may be lossless, or is not written by the service. */
function ownFormat({ source, file }) {
  if (source !== file) return "image/png";
  const type = file.type || BY_SUFFIX[file.name.toLowerCase().split(".").pop()] || "";
  return WRITTEN.includes(type) ? type : "";
}

/** Whether all of the noise is removed. */
function isWhole({ strength = 1, luma = 1, chroma = 1 }) {
  return strength === 1 && luma === 1 && chroma === 1;
}

/** Return the name of a denoised file: that of the noisy one, and what it is now. */
export function fileName(name, type) {
  const suffix = SUFFIXES[type] ?? type.split("/")[1] ?? "bin";
  return `${name.replace(/\.[^.]*$/, "") || "photograph"}-denoised.${suffix}`;
}

/** Let the browser save a file. */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
