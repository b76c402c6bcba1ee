// Buttons that copy a text.

/** Let each button with data-copy copy the text of the element that it names by id. */
export function copies(root) {
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = root.querySelector(`#${button.dataset.copy}`).textContent;
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(root.querySelector(`#${button.dataset.copy}`));
      button.textContent = "Selected: press Ctrl+C"; // without https, browsers let no page copy
    }
    setTimeout(() => (button.textContent = before), 2000);
  });
}
