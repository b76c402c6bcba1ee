// A run: at once a preview of what is visible, then the whole photograph, with progress.

import { duration, pixels } from "../shared/quantities.js";
import { whole } from "../shared/whole.js";

/** Pixels that are denoised at once on an ordinary processor; smaller photographs need no preview. */
export const PREVIEW = 400_000;

/**
 * Denoise a part of a photograph, as it is in the whole.
 * @param {import("../client.js").Client} client
 * @param {import("./picture.js").Picture} picture
 * @param {object} options of the operation
 * @param {{ x: number, y: number, width: number, height: number }} place
 * @param {AbortSignal} signal
 */
export async function part(client, picture, options, { x, y, width, height }, signal) {
  const region = [x, y, width, height];
  const result = await client.denoise(picture.source, { ...options, region, format: "image/png", signal });
  return { bitmap: await bitmapOf(result, signal), x, y, result };
}

/**
 * Denoise a photograph.
 * @param {import("../client.js").Client} client
 * @param {import("./picture.js").Picture} picture
 * @param {object} options of the operation, without shares: all of the noise is removed
 * @param {object} how
 * @param {(most: number) => { x: number, y: number, width: number, height: number }} how.visible
 * @param {(part: { bitmap: ImageBitmap, x: number, y: number, result: object }) => void} how.preview
 *   called with a part that is denoised
 * @param {(status: object | null) => void} how.progress
 * @param {AbortSignal} how.signal
 * @returns {Promise<{ bitmap: ImageBitmap, result: import("../client.js").Result, said: string }>} the
 *   whole, and what to say of it
 */
export async function run(client, picture, options, { visible, preview, progress, signal }) {
  const { source, width, height } = picture;
  const begun = performance.now();
  if (width * height > PREVIEW) preview(await part(client, picture, options, visible(PREVIEW), signal));
  const result = await whole(client, source, { ...options, format: "image/png" }, { signal, progress });
  const bitmap = await bitmapOf(result, signal);
  const time = duration((performance.now() - begun) / 1000);
  const provider = result.provider.replace("ExecutionProvider", "");
  return { bitmap, result, said: `Denoised by ${result.model} on ${provider} in ${time}: ${pixels(width, height)}.` };
}

/** Return the pixels of a result, of which none are left where somebody changed their mind. */
async function bitmapOf({ blob }, signal) {
  const bitmap = await createImageBitmap(blob);
  if (!signal.aborted) return bitmap;
  bitmap.close();
  throw signal.reason;
}
