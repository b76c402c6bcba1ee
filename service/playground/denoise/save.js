// The file to download: the service writes it, so that metadata, colours and depth stay.

import { whole } from "../shared/whole.js";
import { hasComment } from "./format.js";

const SUFFIXES = { "image/jpeg": "jpg", "image/tiff": "tif" };

/**
 * Whether the file needs no run of the model: it is what is on the screen, in the format that is wanted.
 * A WebP may be lossless, a TIFF has a resolution that PNG rounds, a JPEG may have comments: only the
 * photograph itself gives these.
 * @param {import("./picture.js").Picture} picture
 * @param {Record<string, any>} options of the file
 */
export async function isOnScreen({ type, source, written }, { format = written, strength = 1, luma = 1, chroma = 1 }) {
  if (strength !== 1 || luma !== 1 || chroma !== 1) return false;
  if (format === "image/webp") return type !== "image/webp";
  if (format === "image/jpeg" && type === "image/jpeg") return !(await hasComment(source));
  return ["image/jpeg", "image/png", "image/avif", "image/heic"].includes(format);
}

/**
 * Ask the service for the file.
 * @param {import("../client.js").Client} client
 * @param {import("./picture.js").Picture} picture
 * @param {Record<string, any>} options of the file
 * @param {Blob | null} screen the whole on the screen, as PNG, if it is of these options
 * @param {{ signal: AbortSignal, progress: (status: object | null) => void }} how
 * @returns {Promise<Blob>}
 */
export async function make(client, picture, options, screen, { signal, progress }) {
  if (screen && (await isOnScreen(picture, options))) {
    const { model, quality, format = picture.written } = options;
    if (format === "image/png") return screen;
    try {
      return (await client.denoise(screen, { model, quality, format, strength: 0, signal })).blob;
    } catch (error) {
      // Its own format may be one that this service only reads: then the service chooses another.
      if (options.format || error.code !== "not-acceptable") throw error;
    }
  }
  return (await whole(client, picture.source, options, { signal, progress })).blob;
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
