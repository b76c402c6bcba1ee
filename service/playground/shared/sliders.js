// Sliders say their values beside them.

/** Let the output of each slider of a view follow it. */
export function sliders(view) {
  for (const slider of view.querySelectorAll(".slider input[type=range]")) {
    const output = view.querySelector(`output[for="${slider.id}"]`);
    const say = () => {
      const unit = slider.dataset.unit ?? "";
      output.textContent = unit ? `${slider.value} ${unit}` : slider.value;
    };
    slider.addEventListener("input", say);
    say();
  }
}
