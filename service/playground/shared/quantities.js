// Numbers as people read them.

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  const [unit, power] = bytes < 999_500 ? ["kB", 1e3] : bytes < 999_500_000 ? ["MB", 1e6] : ["GB", 1e9];
  return `${(bytes / power).toPrecision(3).replace(/\.0+$/, "")} ${unit}`;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 1) return "less than a second";
  if (seconds < 1.5) return "1 second";
  if (seconds < 90) return `${Math.round(seconds)} seconds`;
  return `${Math.round(seconds / 60)} minutes`;
}

/** @param {number} width @param {number} height */
export function pixels(width, height) {
  const mega = (width * height) / 1e6;
  return `${width} × ${height}${mega < 1 ? "" : `, ${mega.toFixed(mega < 10 ? 1 : 0)} megapixels`}`;
}

/** @param {number} decibels */
export function level(decibels) {
  return Number.isFinite(decibels) ? `${decibels.toFixed(1)} dB` : "identical";
}
