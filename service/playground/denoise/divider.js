// The divider between the noisy and the denoised side: by mouse, finger and keys, as a slider is.

/**
 * @param {HTMLElement} handle with the role of a slider
 * @param {HTMLElement} frame across which it moves
 * @param {(share: number) => void} moved called with where it is, from 0 to 1
 */
export function divider(handle, frame, moved) {
  let share = 0.5;

  const set = (wanted) => {
    share = Math.min(1, Math.max(0, wanted));
    const percent = Math.round(share * 100);
    handle.style.setProperty("--cut", `${share * 100}%`);
    handle.setAttribute("aria-valuenow", String(percent));
    handle.setAttribute("aria-valuetext", `${percent} % noisy, ${100 - percent} % denoised`);
    moved(share);
  };
  const follow = (event) => {
    const box = frame.getBoundingClientRect();
    set((event.clientX - box.left) / box.width);
  };

  handle.addEventListener("pointerdown", (event) => {
    event.stopPropagation(); // the picture stays
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    handle.focus();
  });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) follow(event);
  });
  handle.addEventListener("dblclick", (event) => event.stopPropagation());
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.1, PageUp: 0.1 };
    const wanted = { Home: 0, End: 1 }[event.key] ?? share + step[event.key];
    if (Number.isNaN(wanted)) return;
    event.preventDefault();
    set(wanted);
  });
  set(share);
}
