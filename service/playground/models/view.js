// The view that shows every model: what it is for, how good it is, and its card.

import { element, parts as partsOf } from "../shared/dom.js";
import { telling } from "../shared/fault.js";
import { file } from "../shared/file.js";
import { explained } from "../shared/words.js";
import { card } from "./card.js";
import { rendered } from "./markdown.js";

/**
 * @param {HTMLElement} view
 * @param {{ client: import("../client.js").Client }} service
 */
export function mount(view, { client }) {
  const parts = partsOf(view);
  const told = telling(parts.fault);

  async function list() {
    try {
      const known = await client.models();
      told(null);
      const ofPhotographs = (model) => Number(model.default_for_pictures.includes("denoise"));
      known.sort((a, b) => ofPhotographs(b) - ofPhotographs(a));
      parts.cards.replaceChildren(...known.map((model) => element("li", {}, card(model))));
    } catch (error) {
      told(error);
    }
    parts.cards.removeAttribute("aria-busy");
  }

  view.addEventListener("shown", list); // what is served may have changed since
  parts.cards.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-card]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    parts.article.replaceChildren(...(await article(link.href, client)));
    parts.dialog.showModal();
    parts.article.focus({ preventScroll: true });
    parts.dialog.scrollTop = 0;
  });
  parts.dialog.addEventListener("click", (event) => {
    if (event.target === parts.dialog) parts.dialog.close(); // beside it
  });
}

/** Return the elements of a model card, or of why there is none. */
async function article(address, { fetch }) {
  try {
    return rendered(await (await file(address, fetch)).text());
  } catch (error) {
    const sentence = error.status === 404 ? "There is no card of this version." : explained(error).sentence;
    return [element("p", { className: "fault", role: "alert" }, sentence)];
  }
}
