// Pictures of 28 pixels, gray: where they come from, and how they are painted.

import { file } from "../shared/file.js";

export const SIDE = 28;
export const GARMENTS = ["boot", "pullover", "T-shirt", "trousers", "bag", "dress", "sneaker", "sandal"];
const FOLDER = new URL("../samples/garments/", import.meta.url);

/** Return the address of a garment's picture. */
export function address(name) {
  return new URL(`${name}.png`, FOLDER).href;
}

/** Return the pixels of a garment, one byte each; throws where it cannot be loaded. @returns {Promise<Uint8Array>} */
export async function garment(name) {
  const answer = await file(address(name));
  return fitted(await createImageBitmap(await answer.blob()));
}

/**
 * Return a picture as the models take it: gray, on black, its proportions kept, as fit=true does.
 * @param {ImageBitmap | HTMLCanvasElement} picture
 */
export function fitted(picture) {
  const context = new OffscreenCanvas(SIDE, SIDE).getContext("2d", { willReadFrequently: true });
  context.fillRect(0, 0, SIDE, SIDE);
  const scale = SIDE / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  return Uint8Array.from({ length: SIDE * SIDE }, (_, i) =>
    Math.round(0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]),
  );
}

/** Return gray pixels as a canvas paints them. @param {ArrayLike<number>} gray 0 to 255 */
export function image(gray, width = SIDE) {
  const made = new ImageData(width, gray.length / width);
  for (let i = 0; i < gray.length; i++) {
    made.data.fill(gray[i], 4 * i, 4 * i + 3);
    made.data[4 * i + 3] = 255;
  }
  return made;
}

/** Paint gray pixels. @param {HTMLCanvasElement} canvas @param {ArrayLike<number>} gray 0 to 255 */
export function paint(canvas, gray) {
  const pixels = image(gray);
  [canvas.width, canvas.height] = [pixels.width, pixels.height];
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/** Paint how much more (warm) or less (cold) was received than expected. */
export function paintError(canvas, expected, received) {
  const made = new ImageData(SIDE, expected.length / SIDE);
  for (let i = 0; i < expected.length; i++) {
    const error = received[i] - expected[i];
    made.data.set([128 + error, 128 - Math.abs(error) / 2, 128 - error, 255], 4 * i);
  }
  [canvas.width, canvas.height] = [made.width, made.height];
  canvas.getContext("2d").putImageData(made, 0, 0);
}

/** Return the mean squared error of pixels from 0 to 1. */
export function meanSquare(expected, received) {
  let sum = 0;
  for (let i = 0; i < expected.length; i++) sum += ((expected[i] - received[i]) / 255) ** 2;
  return sum / expected.length;
}
