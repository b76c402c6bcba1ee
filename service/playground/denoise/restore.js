// The settings as they are at first.

const NAMES = ["automatic", "strength", "luma", "chroma", "effort", "format", "quality"];

/**
 * Set every control of how a photograph is denoised and saved as it was, but for the model.
 * @param {Record<string, any>} parts of the view
 */
export function restore(parts) {
  for (const name of NAMES) {
    const control = parts[name];
    const [property, first] = original(control);
    if (control[property] === first) continue;
    control[property] = first;
    control.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** Return which property of a control people change, and its first value. */
function original(control) {
  if (control.type === "checkbox") return ["checked", control.defaultChecked];
  return ["value", control.defaultValue ?? control.options[0].value];
}
