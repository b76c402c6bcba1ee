// Marks of the classes on the map, told apart by their shapes as well as by their colours.

/** One for each class, as paths of SVG within -5 and 5. */
export const MARKS = [
  "M4 0A4 4 0 1 1 -4 0A4 4 0 1 1 4 0Z", // a disc
  "M-3.5 -3.5H3.5V3.5H-3.5Z", // a square
  "M0 -4.6L4.6 3.6H-4.6Z", // a triangle
  "M0 4.6L4.6 -3.6H-4.6Z", // a triangle upside down
  "M0 -5L4 0L0 5L-4 0Z", // a diamond
  "M-1.3 -4.5H1.3V-1.3H4.5V1.3H1.3V4.5H-1.3V1.3H-4.5V-1.3H-1.3Z", // a plus
  "M-4.5 -2.6L-2.6 -4.5L0 -1.9L2.6 -4.5L4.5 -2.6L1.9 0L4.5 2.6L2.6 4.5L0 1.9L-2.6 4.5L-4.5 2.6L-1.9 0Z", // a cross
  "M4.5 0A4.5 4.5 0 1 1 -4.5 0A4.5 4.5 0 1 1 4.5 0ZM2.4 0A2.4 2.4 0 1 0 -2.4 0A2.4 2.4 0 1 0 2.4 0Z", // a ring
  "M-4 -4H4V4H-4ZM-2 -2V2H2V-2Z", // a frame
  "M-5 -1.8H5V1.8H-5Z", // a bar
];

/** Return the mark of a class as an element. @param {number} label */
export function mark(label) {
  const space = "http://www.w3.org/2000/svg";
  const made = document.createElementNS(space, "svg");
  made.setAttribute("viewBox", "-5 -5 10 10");
  made.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", MARKS[label % MARKS.length]);
  made.append(path);
  return made;
}

/**
 * Paint a ring around a mark.
 * @param {CanvasRenderingContext2D} context
 * @param {[number, number]} place of its middle
 */
export function ring(context, [x, y], scale = 1) {
  context.lineWidth = 1.5 * scale;
  context.beginPath();
  context.arc(x, y, 9 * scale, 0, 2 * Math.PI);
  context.stroke();
}

/**
 * Paint a mark.
 * @param {CanvasRenderingContext2D} context
 * @param {number} label of the class
 * @param {[number, number]} place of its middle
 */
export function stamp(context, label, [x, y], scale = 1) {
  context.save();
  context.translate(x, y);
  context.scale(scale, scale);
  context.fill(new Path2D(MARKS[label % MARKS.length]));
  context.restore();
}
