// An experiment: noise is added to a clean picture, and how much of it is gone is measured.

import { blend } from "../shared/blend.js";
import { noisy } from "../shared/noise.js";
import { psnr, ssim } from "../shared/scores.js";
import { read } from "./picture.js";

const MEASURED = 1024; // pixels along each side of the middle part that is compared

/** Add noise to a picture, or take away what was added: "" adds none. */
export async function corrupt(picture, kind, sigma) {
  await picture.replace(kind ? noisy(picture.pixels(), kind, sigma) : null);
}

/**
 * Compare the noisy and the denoised picture with the clean one.
 * @param {import("./picture.js").Picture} picture
 * @param {ImageBitmap} denoised all of it, without its noise
 * @param {number} luma share of the noise that is removed from luma
 * @param {number} chroma the same of chroma
 */
export function scores(picture, denoised, luma, chroma) {
  const [width, height] = [picture.width, picture.height].map((each) => Math.min(each, MEASURED));
  const place = [(picture.width - width) >> 1, (picture.height - height) >> 1, width, height];
  const [clean, before, after] = [picture.original, picture.bitmap, denoised].map((each) => read(each, ...place));
  blend(before.data, after.data, luma, chroma);
  const isLarge = Math.min(width, height) >= 7;
  const compared = (image) => ({ psnr: psnr(clean.data, image.data), ssim: isLarge ? ssim(clean, image) : NaN });
  return { before: compared(before), after: compared(after) };
}
