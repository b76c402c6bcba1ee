// Zoom and pan by mouse, fingers and keys.

const STEP = 1.25;
const MOVE = 60; // pixels of the screen for an arrow key

/**
 * Let people move a picture.
 * @param {HTMLElement} frame that takes the events and the focus
 * @param {import("./stage.js").Stage} stage
 * @param {() => void} moved called after each change
 */
export function gestures(frame, stage, moved) {
  const { viewport } = stage;
  const fingers = new Map();
  const changed = () => {
    stage.draw();
    moved();
  };
  /** Where in a picture's window an event is, in pixels of the screen. */
  const at = (event) => {
    const box = frame.getBoundingClientRect();
    const x = (event.clientX - box.left) * stage.ratio;
    const isRight = stage.mode === "sides" && x > viewport.frame.width;
    return [isRight ? x - viewport.frame.width : x, (event.clientY - box.top) * stage.ratio];
  };

  frame.addEventListener("wheel", (event) => {
    event.preventDefault();
    const amount = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
    viewport.zoom(viewport.scale * Math.exp(-amount * (event.ctrlKey ? 0.01 : 0.002)), ...at(event));
    changed();
  }, { passive: false });

  frame.addEventListener("dblclick", (event) => {
    if (viewport.isFit) viewport.zoom(Math.max(1, viewport.scale * 2), ...at(event));
    else viewport.fit();
    changed();
  });

  frame.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    fingers.set(event.pointerId, at(event));
    frame.setPointerCapture(event.pointerId);
    frame.classList.add("moving");
  });
  frame.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = [...fingers.values()];
    fingers.set(event.pointerId, at(event));
    const after = [...fingers.values()];
    const [from, to] = [middle(before), middle(after)];
    if (before.length > 1) viewport.zoom((viewport.scale * spread(after)) / (spread(before) || 1), ...from);
    viewport.pan(to[0] - from[0], to[1] - from[1]);
    changed();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    frame.addEventListener(end, (event) => {
      fingers.delete(event.pointerId);
      if (!fingers.size) frame.classList.remove("moving");
    });
  }

  frame.addEventListener("keydown", (event) => {
    if (event.target !== frame || event.ctrlKey || event.metaKey || event.altKey) return;
    const pan = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (pan) viewport.pan(...pan.map((each) => each * MOVE * stage.ratio));
    else if (event.key === "+" || event.key === "=") viewport.zoom(viewport.scale * STEP);
    else if (event.key === "-") viewport.zoom(viewport.scale / STEP);
    else if (event.key === "0") viewport.fit();
    else if (event.key === "1") viewport.zoom(1);
    else return;
    event.preventDefault();
    changed();
  });
}

/** @param {number[][]} points */
function middle(points) {
  return [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
}

/** @param {number[][]} points */
function spread([one, other]) {
  return Math.hypot(one[0] - other[0], one[1] - other[1]);
}
