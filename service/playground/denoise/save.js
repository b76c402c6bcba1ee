// The file to download: the service writes it, so that metadata, colours and depth stay.

import { whole } from "../shared/whole.js";
import { isLossy, key, ofFile } from "./settings.js";

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
  const { strength, luma, chroma } = settings;
  return (settings.format || own) === "image/png" && strength === 1 && luma === 1 && chroma === 1;
}

/** Ask the service for the file. */
export async function make(client, picture, options, how) {
  const result = await whole(client, picture.source, options, how);
  return result.blob;
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
