// The worker of the experiment: adds noise and compares pictures, which takes seconds of large ones.

import { png } from "../client.js";
import { blend } from "../shared/blend.js";
import { noisy as withNoise } from "../shared/noise.js";
import { psnr, ssim } from "../shared/scores.js";

const SMALLEST = 7; // pixels along a side that SSIM needs
const ANSWERS = { noise, scores };

self.onmessage = async ({ data: { name, ...question } }) => {
  try {
    const { answer, given } = await ANSWERS[name](question);
    self.postMessage({ answer }, given);
  } catch (error) {
    self.postMessage({ error });
  }
};

async function noise({ clean, kind, sigma }) {
  const pixels = withNoise(read(clean), kind, sigma);
  const bitmap = await createImageBitmap(pixels);
  return { answer: { bitmap, file: new Blob([await png(pixels)], { type: "image/png" }) }, given: [bitmap] };
}

async function scores({ clean, noisy, denoised, luma, chroma }) {
  const [reference, before, after] = [clean, noisy, denoised].map(read);
  blend(before.data, after.data, luma, chroma);
  const isLarge = Math.min(reference.width, reference.height) >= SMALLEST;
  const compared = (image) => ({ psnr: psnr(reference.data, image.data), ssim: isLarge ? ssim(reference, image) : NaN });
  return { answer: { before: compared(before), after: compared(after) }, given: [] };
}

/** Return the pixels of a bitmap. */
function read(bitmap) {
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}
