// The page: shows the view that the address names after #/, each loaded once, when it is first wanted.

import { element } from "./shared/dom.js";
import { file } from "./shared/file.js";
import { service } from "./shared/service.js";

const VIEWS = { denoise: "Denoise", codings: "Codings", models: "Models" };
const main = document.getElementById("view");
/** The elements of views, or promises of them, by the views' names. */
const loaded = new Map();
const failure = unloadable();
let shown = "";

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address stays that of the view
  main.focus();
});
addEventListener("hashchange", () => show(named(), { focus: true }));
show(named());

/** Return the view that the address names; the first one if it names none. */
function named() {
  const [, name] = /^#\/(\w+)/.exec(location.hash) ?? [];
  return Object.hasOwn(VIEWS, name) ? name : "denoise";
}

async function show(name, { focus = false } = {}) {
  if (name === shown) return;
  shown = name;
  document.title = `${VIEWS[name]} · autoencoder-service`;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!loaded.has(name)) loaded.set(name, load(name));
  const section = await loaded.get(name).catch((error) => {
    console.error(error);
    loaded.delete(name); // the next time it is loaded again
    return failure;
  });
  if (shown !== name) return;
  if (!section.isConnected) main.append(section);
  for (const each of main.children) each.hidden = each !== section;
  if (focus) main.focus({ preventScroll: true });
  section.dispatchEvent(new CustomEvent("shown"));
}

/** Return what is shown instead of a view that cannot be loaded. */
function unloadable() {
  const again = element("button", { type: "button" }, "Try again");
  again.addEventListener("click", () => {
    shown = "";
    show(named(), { focus: true });
  });
  const text = "This view could not be loaded. Is the service still running?";
  return element("div", { className: "page", role: "alert" }, element("p", { className: "fault" }, text), element("p", {}, again));
}

/** Load the markup, the style and the module of a view. */
async function load(name) {
  const section = document.createElement("div");
  section.className = "view";
  section.hidden = true;
  const at = new URL(`./${name}/`, import.meta.url);
  const [markup, module] = await Promise.all([
    file(new URL("view.html", at)).then((answer) => answer.text()),
    import(new URL("view.js", at)),
    styled(new URL("view.css", at)),
  ]);
  section.innerHTML = markup;
  main.append(section);
  try {
    module.mount(section, service);
  } catch (error) {
    section.remove();
    throw error;
  }
  return section;
}

/** Add a style sheet and wait for it. */
function styled(href) {
  const link = element("link", { rel: "stylesheet", href });
  return new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = () => {
      link.remove();
      reject(new Error(`expected ${href}, received none`));
    };
    document.head.append(link);
  });
}
