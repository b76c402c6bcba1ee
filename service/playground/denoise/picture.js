// A photograph that is opened: its file, and its pixels as the browser or the service reads them.

const MOST_TO_EDIT = 12_000_000; // pixels to which noise is added in a second or so

export class Picture {
  /**
   * @param {File} file
   * @param {ImageBitmap} bitmap
   * @param {boolean} isForeign whether the browser itself cannot show the file
   */
  constructor(file, bitmap, isForeign) {
    this.file = file;
    this.original = bitmap;
    /** What is shown as noisy: with the noise that was added. */
    this.bitmap = bitmap;
    /** What is sent: the file, or pixels with noise that was added. @type {Blob | ImageData} */
    this.source = file;
    this.isForeign = isForeign;
  }

  get width() {
    return this.original.width;
  }

  get height() {
    return this.original.height;
  }

  get canBeEdited() {
    return this.width * this.height <= MOST_TO_EDIT;
  }

  /** Return the pixels as they came. */
  pixels() {
    this.originalPixels ??= read(this.original);
    return this.originalPixels;
  }

  /** Put other pixels in place of those that came; null puts those back. */
  async replace(pixels) {
    this.source = pixels ?? this.file;
    this.bitmap = pixels ? await createImageBitmap(pixels) : this.original;
  }

  close() {
    if (this.bitmap !== this.original) this.bitmap.close();
    this.original.close();
    this.originalPixels = undefined;
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
  try {
    return new Picture(file, await createImageBitmap(file), false);
  } catch {
    const { blob } = await client.denoise(file, { ...options, strength: 0, format: "image/png" });
    return new Picture(file, await createImageBitmap(blob), true);
  }
}

/**
 * Return the pixels of a bitmap, or of a part of it.
 * @param {ImageBitmap} bitmap
 */
export function read(bitmap, x = 0, y = 0, width = bitmap.width, height = bitmap.height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, -x, -y);
  return context.getImageData(0, 0, width, height);
}
