// How much of the noise is removed, as the service blends it (docs/denoising.md, luma and chroma).

const [RED, GREEN, BLUE] = [0.299, 0.587, 0.114]; // of ITU-R BT.601-7, section 2.5.1

/**
 * Blend noisy and fully denoised pixels into the latter, both RGBA as ImageData has them.
 * @param {Uint8ClampedArray} noisy
 * @param {Uint8ClampedArray} clean becomes the blend; its opacity stays
 * @param {number} luma share of the noise to remove from luma, 0 to 1
 * @param {number} chroma share of the noise to remove from chroma, 0 to 1
 */
export function blend(noisy, clean, luma, chroma) {
  if (luma === 1 && chroma === 1) return;
  for (let i = 0; i < clean.length; i += 4) {
    const [red, green, blue] = [noisy[i], noisy[i + 1], noisy[i + 2]];
    const r = clean[i] - red;
    const g = clean[i + 1] - green;
    const b = clean[i + 2] - blue;
    const shared = (luma - chroma) * (RED * r + GREEN * g + BLUE * b);
    clean[i] = red + chroma * r + shared; // a clamped array rounds and clips
    clean[i + 1] = green + chroma * g + shared;
    clean[i + 2] = blue + chroma * b + shared;
  }
}

/**
 * Show how two pictures differ, around the middle gray, in the first one's place.
 * @param {Uint8ClampedArray} after becomes the difference
 * @param {Uint8ClampedArray} before
 * @param {number} gain by which differences are enlarged
 */
export function difference(after, before, gain) {
  for (let i = 0; i < after.length; i += 4) {
    for (let channel = i; channel < i + 3; channel++) {
      after[channel] = 128 + gain * (before[channel] - after[channel]);
    }
  }
}
