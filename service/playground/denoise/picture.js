// A photograph that is opened: its file, and its pixels as the browser or the service reads them.

import { typeOf, written } from "./format.js";

/** Types that every service writes. */
const EVERYWHERE = ["image/jpeg", "image/png", "image/webp", "image/avif", "image/tiff"];

export class Picture {
  /**
   * @param {File} file
   * @param {string} type of its content, "" if that is not known
   * @param {ImageBitmap} bitmap
   */
  constructor(file, type, bitmap) {
    this.file = file;
    this.original = bitmap;
    this.#type = type;
  }

  #type;
  /** With noise that was added: its pixels, and the PNG of them. @type {{ bitmap: ImageBitmap, file: Blob } | null} */
  #noisy = null;

  get width() {
    return this.original.width;
  }

  get height() {
    return this.original.height;
  }

  /** What is shown as noisy. */
  get bitmap() {
    return this.#noisy?.bitmap ?? this.original;
  }

  /** What is sent: the file, or that with noise that was added. */
  get source() {
    return this.#noisy?.file ?? this.file;
  }

  get hasAddedNoise() {
    return this.#noisy !== null;
  }

  /** The type of what is sent. */
  get type() {
    return this.#noisy ? "image/png" : this.#type;
  }

  /** The type of the file that is written for it unless another is chosen, with added noise as without. */
  get written() {
    const type = written(this.#type);
    return this.#noisy && !EVERYWHERE.includes(type) ? "image/png" : type;
  }

  /** Put other pixels in place of those that came; null puts those back. */
  replace(noisy) {
    this.#noisy?.bitmap.close();
    this.#noisy = noisy;
  }

  close() {
    this.replace(null);
    this.original.close();
  }
}

/**
 * Open a file. Formats that this browser does not show, HEIC or TIFF for example, are asked of the
 * service as PNG, with nothing removed.
 * @param {File} file
 * @param {import("../client.js").Client} client
 * @param {{ model?: string, signal?: AbortSignal }} options
 */
export async function open(file, client, options) {
  const type = await typeOf(file);
  let bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) {
    const { blob } = await client.denoise(file, { ...options, strength: 0, format: "image/png" });
    bitmap = await createImageBitmap(blob);
  }
  if (options.signal?.aborted) bitmap.close();
  options.signal?.throwIfAborted();
  return new Picture(file, type, bitmap);
}
