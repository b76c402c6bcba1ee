// A pad to draw a picture of 28 pixels by hand: by mouse, finger, pen or keys.

import { SIDE, paint } from "./pictures.js";

const BRUSH = [[0, 0, 255], [1, 0, 150], [-1, 0, 150], [0, 1, 150], [0, -1, 150]];

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLButtonElement} clear
 * @param {(gray: Uint8Array) => void} drawn called with the pixels after each stroke
 */
export function sketch(canvas, clear, drawn) {
  const gray = new Uint8Array(SIDE * SIDE);
  const pen = { x: SIDE / 2, y: SIDE / 2, isShown: false };

  function show() {
    paint(canvas, gray);
    if (!pen.isShown) return;
    const context = canvas.getContext("2d");
    context.fillStyle = "#f0b64c";
    context.fillRect(pen.x, pen.y, 1, 1);
  }

  function dab(x, y, isErasing = false) {
    for (const [dx, dy, light] of BRUSH) {
      const [column, row] = [x + dx, y + dy];
      if (column < 0 || row < 0 || column >= SIDE || row >= SIDE) continue;
      const at = row * SIDE + column;
      gray[at] = isErasing ? 0 : Math.max(gray[at], light);
    }
  }

  /** Draw a line from where the pen was. */
  function line(x, y, isErasing) {
    const length = Math.max(1, Math.abs(x - pen.x), Math.abs(y - pen.y));
    for (let i = 0; i <= length; i++) {
      dab(Math.round(pen.x + ((x - pen.x) * i) / length), Math.round(pen.y + ((y - pen.y) * i) / length), isErasing);
    }
    [pen.x, pen.y] = [x, y];
    show();
    drawn(Uint8Array.from(gray));
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((share) =>
      Math.min(SIDE - 1, Math.max(0, Math.floor(share * SIDE))),
    );
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    [pen.x, pen.y] = place(event);
    line(pen.x, pen.y, event.button === 2);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) line(...place(event), Boolean(event.buttons & 2));
  });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (move) {
      pen.x = Math.min(SIDE - 1, Math.max(0, pen.x + move[0]));
      pen.y = Math.min(SIDE - 1, Math.max(0, pen.y + move[1]));
    } else if (event.key === " ") line(pen.x, pen.y, false);
    else if (event.key.toLowerCase() === "x") line(pen.x, pen.y, true);
    else return;
    event.preventDefault();
    pen.isShown = true;
    show();
  });
  for (const [name, isShown] of [["focus", true], ["blur", false]]) {
    canvas.addEventListener(name, () => {
      pen.isShown = isShown && canvas.matches(":focus-visible");
      show();
    });
  }
  clear.addEventListener("click", () => {
    gray.fill(0);
    show();
  });
  show();
}
