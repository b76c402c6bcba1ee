// The page: shows the view that the address names after #/, each loaded once, when it is first wanted.

import { service } from "./shared/service.js";

const VIEWS = { denoise: "Denoise", codings: "Codings", models: "Models" };
const main = document.getElementById("view");
/** The parts of the page that were loaded, and what is called when one is shown again. */
const loaded = new Map();
let shown = "";

addEventListener("hashchange", () => show(named(), { focus: true }));
show(named());

/** Return the view that the address names; the first one if it names none. */
function named() {
  const [, name] = /^#\/(\w+)/.exec(location.hash) ?? [];
  return name in VIEWS ? name : "denoise";
}

async function show(name, { focus = false } = {}) {
  if (location.hash === "#view" || name === shown) return; // a link to skip to the content
  shown = name;
  document.title = `${VIEWS[name]} · autoencoder-service`;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!loaded.has(name)) loaded.set(name, load(name));
  const section = await loaded.get(name);
  if (shown !== name) return;
  for (const each of main.children) each.hidden = each !== section;
  if (focus) main.focus({ preventScroll: true });
  section.dispatchEvent(new CustomEvent("shown"));
}

/** Load the markup, the style and the module of a view. */
async function load(name) {
  const section = document.createElement("div");
  section.className = "view";
  section.hidden = true;
  const at = new URL(`./${name}/`, import.meta.url);
  try {
    const [markup, module] = await Promise.all([
      fetch(new URL("view.html", at)).then((answer) => answer.text()),
      import(new URL("view.js", at)),
      styled(new URL("view.css", at)),
    ]);
    section.innerHTML = markup;
    main.append(section);
    module.mount(section, service);
  } catch (error) {
    loaded.delete(name);
    shown = "";
    section.textContent = "This view could not be loaded. Is the service still running?";
    section.setAttribute("role", "alert");
    main.append(section);
    console.error(error);
  }
  return section;
}

/** Add a style sheet and wait for it. */
function styled(href) {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  return new Promise((resolve) => {
    link.onload = link.onerror = resolve;
    document.head.append(link);
  });
}
