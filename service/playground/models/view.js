// The view that shows every model: what it is for, how good it is, and its card.

import { element, parts as partsOf } from "../shared/dom.js";
import { explained } from "../shared/words.js";
import { card } from "./card.js";
import { rendered } from "./markdown.js";

/**
 * @param {HTMLElement} view
 * @param {{ client: import("../client.js").Client }} service
 */
export function mount(view, { client }) {
  const parts = partsOf(view);

  async function list() {
    try {
      const known = await client.models();
      parts.fault.hidden = true;
      parts.cards.replaceChildren(...known.map((model) => element("li", {}, card(model))));
    } catch (error) {
      parts.fault.hidden = false;
      parts.fault.textContent = explained(error).sentence;
    }
    parts.cards.removeAttribute("aria-busy");
  }

  view.addEventListener("shown", list); // what is served may have changed since
  parts.cards.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-card]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const answer = await client.fetch(link.href);
    const text = answer.ok ? await answer.text() : "There is no card of this version.";
    parts.article.replaceChildren(...rendered(text));
    parts.dialog.showModal();
    parts.article.focus({ preventScroll: true });
    parts.dialog.scrollTop = 0;
  });
  parts.dialog.addEventListener("click", (event) => {
    if (event.target === parts.dialog) parts.dialog.close(); // beside it
  });
}
