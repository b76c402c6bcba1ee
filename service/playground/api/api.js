// Swagger UI, with what it leaves out for keyboards and screen readers.

const SAMPLE = new URL("../samples/photographs/film.jpg", import.meta.url);
const main = document.getElementById("api");

/** Show the text of a link within a button as text: the button does what the link would do. */
const withoutNestedLinks = ({ React }) => ({
  components: { DeepLink: ({ text }) => React.createElement("span", null, text) },
});

new MutationObserver(complete).observe(main, { childList: true, subtree: true });
globalThis.SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  showExtensions: true,
  showCommonExtensions: true,
  plugins: [withoutNestedLinks],
});

/** Name what has no name, let what scrolls be focused, and leave out no level of headings. */
function complete() {
  for (const each of main.querySelectorAll("h3, h4, h5")) each.ariaLevel = String(Number(each.localName[1]) - 1);
  for (const each of main.querySelectorAll("pre.microlight")) each.tabIndex = 0;
  for (const each of main.querySelectorAll(".copy-to-clipboard button")) each.ariaLabel = "Copy";
  for (const each of main.querySelectorAll("textarea")) each.ariaLabel = "Request body";
  for (const each of main.querySelectorAll("[data-param-name]")) {
    for (const field of each.querySelectorAll("input, select")) field.ariaLabel = each.dataset.paramName;
  }
  for (const each of main.querySelectorAll(".sample")) {
    if (each.previousElementSibling?.type !== "file") each.remove(); // another media type was chosen
  }
  for (const each of main.querySelectorAll("input[type=file]")) {
    each.ariaLabel ??= "File";
    if (!each.nextElementSibling?.matches(".sample")) each.after(sample(each));
  }
}

/** Return a button that chooses a photograph which the service brings. */
function sample(input) {
  const button = Object.assign(document.createElement("button"), {
    type: "button",
    className: "btn sample",
    textContent: "Use a sample",
  });
  button.addEventListener("click", async () => {
    const answer = await fetch(SAMPLE);
    if (!answer.ok) return;
    const chosen = new DataTransfer();
    chosen.items.add(new File([await answer.blob()], "film.jpg", { type: "image/jpeg" }));
    input.files = chosen.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  return button;
}
