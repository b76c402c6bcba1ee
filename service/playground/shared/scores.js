// PSNR and SSIM of pictures as ImageData has them, as training/scores.py measures them.

const WINDOW = 7;
const [C1, C2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2];

/**
 * Return the peak signal-to-noise ratio in dB, over red, green and blue.
 * @param {Uint8ClampedArray} clean
 * @param {Uint8ClampedArray} image
 */
export function psnr(clean, image) {
  let squares = 0;
  for (let i = 0; i < clean.length; i += 4) {
    for (let channel = i; channel < i + 3; channel++) squares += (clean[channel] - image[channel]) ** 2;
  }
  return 10 * Math.log10(255 ** 2 / (squares / ((clean.length / 4) * 3)));
}

/**
 * Return the structural similarity, the mean over all windows of 7x7 pixels and over red, green and
 * blue (Wang et al., 2004; uniform windows and sample covariance, as scikit-image has by default).
 * @param {ImageData} clean
 * @param {ImageData} image of the same size, 7 pixels or more along each side
 */
export function ssim({ width, height, data: clean }, { data: image }) {
  let sum = 0;
  for (let channel = 0; channel < 3; channel++) sum += ofChannel(width, height, clean, image, channel);
  return sum / 3;
}

/** The five sums of a window move down a column at a time, and along a row. */
function ofChannel(width, height, clean, image, channel) {
  const count = WINDOW * WINDOW;
  const sample = count / (count - 1);
  const columns = Array.from({ length: 5 }, () => new Float64Array(width));
  let total = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      add(columns, x, clean[4 * (y * width + x) + channel], image[4 * (y * width + x) + channel], 1);
      if (y >= WINDOW) {
        const above = 4 * ((y - WINDOW) * width + x) + channel;
        add(columns, x, clean[above], image[above], -1);
      }
    }
    if (y < WINDOW - 1) continue;
    const sums = [0, 0, 0, 0, 0];
    for (let x = 0; x < width; x++) {
      for (let k = 0; k < 5; k++) sums[k] += columns[k][x] - (x >= WINDOW ? columns[k][x - WINDOW] : 0);
      if (x < WINDOW - 1) continue;
      const [a, b, aa, bb, ab] = sums.map((each) => each / count);
      const [va, vb, vab] = [sample * (aa - a * a), sample * (bb - b * b), sample * (ab - a * b)];
      total += ((2 * a * b + C1) * (2 * vab + C2)) / ((a * a + b * b + C1) * (va + vb + C2));
    }
  }
  return total / ((width - WINDOW + 1) * (height - WINDOW + 1));
}

function add([a, b, aa, bb, ab], x, one, other, sign) {
  a[x] += sign * one;
  b[x] += sign * other;
  aa[x] += sign * one * one;
  bb[x] += sign * other * other;
  ab[x] += sign * one * other;
}
