// Sliders say their values beside them.

/** Let the output of each slider of a view follow it. */
export function sliders(view) {
  for (const slider of view.querySelectorAll(".slider input[type=range]")) {
    const output = view.querySelector(`output[for="${slider.id}"]`);
    output.setAttribute("aria-hidden", "true"); // the slider says it, too
    const say = () => {
      const unit = slider.dataset.unit ?? "";
      output.textContent = unit ? `${slider.value} ${unit}` : slider.value;
      slider.setAttribute("aria-valuetext", output.textContent);
    };
    slider.addEventListener("input", say);
    say();
  }
}
