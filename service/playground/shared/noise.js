// Noise to add to a clean picture, the same for the same seed.

/** Return a function that returns numbers from 0 to 1 (mulberry32, by Tommy Ettinger, public domain). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Return a function that returns normally distributed numbers (Box and Muller, 1958). */
export function normal(seed) {
  const next = random(seed);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/** Kinds of noise: what is added to a pixel (red, green, blue from 0 to 255), for a level. */
const KINDS = {
  white: (draw, sigma) => () => [sigma * draw(), sigma * draw(), sigma * draw()],
  grain: (draw, sigma) => () => Array(3).fill(sigma * draw()),
  photons: (draw, sigma) => (...pixel) => pixel.map((value) => sigma * Math.sqrt((value + 4) / 128) * draw()),
  dead: (_, sigma, next) => (...pixel) => (next() < sigma / 100 ? pixel.map((value) => -value) : [0, 0, 0]),
};

/**
 * Return a copy of a picture with noise.
 * @param {ImageData} clean
 * @param {"white" | "grain" | "photons" | "dead"} kind
 * @param {number} sigma standard deviation on the scale of 0 to 255; for "dead" the percentage of pixels
 * @param {number} [seed]
 */
export function noisy(clean, kind, sigma, seed = 1) {
  const data = new Uint8ClampedArray(clean.data);
  const noise = KINDS[kind](normal(seed), sigma, random(seed));
  for (let i = 0; i < data.length; i += 4) {
    const [red, green, blue] = noise(data[i], data[i + 1], data[i + 2]);
    data[i] += red;
    data[i + 1] += green;
    data[i + 2] += blue;
  }
  return new ImageData(data, clean.width, clean.height);
}
