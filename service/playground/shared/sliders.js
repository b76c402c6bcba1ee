// Sliders say their values beside them, with their unit (data-unit) and as many decimals as data-digits.

/** Let the output of each slider of a view follow it. */
export function sliders(view) {
  for (const slider of view.querySelectorAll(".slider input[type=range]")) {
    outputOf(slider).setAttribute("aria-hidden", "true"); // the slider says it, too
    slider.addEventListener("input", () => say(slider));
    say(slider);
  }
}

/** Move a slider, as people would. @param {HTMLInputElement} slider @param {number} value */
export function move(slider, value) {
  slider.value = String(value);
  say(slider);
}

function say(slider) {
  const { digits, unit } = slider.dataset;
  const value = digits ? slider.valueAsNumber.toFixed(Number(digits)) : slider.value;
  const text = unit ? `${value} ${unit}` : value;
  outputOf(slider).textContent = text;
  slider.setAttribute("aria-valuetext", text);
}

function outputOf(slider) {
  return slider.closest(".slider").querySelector("output");
}
