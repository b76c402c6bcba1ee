// The API key of a service that needs one: asked for once a request is refused, kept for the tab.

import { element } from "./dom.js";

const KEPT = "autoencoder-service.api-key";
/** What is asked of somebody at the moment, by all requests that wait for it. @type {Promise<string> | null} */
let asking = null;

/** Return the key that was given in this tab, if there is one. */
export function kept() {
  return sessionStorage.getItem(KEPT) ?? undefined;
}

/**
 * Return what sends the requests of a client with its key, and asks for another when that is refused.
 * @param {() => import("../client.js").Client} clientOf
 * @returns {typeof globalThis.fetch}
 */
export function keyed(clientOf) {
  return async (address, options = {}) => {
    const client = clientOf();
    for (;;) {
      const key = client.apiKey;
      const headers = new Headers(options.headers);
      if (key) headers.set("Authorization", `Bearer ${key}`);
      const response = await fetch(address, { ...options, headers });
      if (response.status !== 401) return response;
      if (client.apiKey !== key) continue; // given meanwhile, for another request
      asking ??= ask(Boolean(key)).finally(() => (asking = null));
      const given = await asking;
      options.signal?.throwIfAborted();
      if (!given) return response;
      client.apiKey = given;
      sessionStorage.setItem(KEPT, given);
    }
  };
}

/**
 * Return the key that somebody gives, "" if they would rather not.
 * @param {boolean} again whether the one before was refused
 * @returns {Promise<string>}
 */
function ask(again) {
  const input = element("input", { type: "password", autocomplete: "off", required: true, spellcheck: false, id: "api-key" });
  const cancel = element("button", { type: "button" }, "Cancel");
  const form = element(
    "form",
    { method: "dialog" },
    element("h2", { id: "api-key-title" }, "API key"),
    element("p", { role: again ? "alert" : "note" }, again ? "The service does not know this key, or it has expired." : "This service needs a key. Whoever runs it has one for you."),
    element("label", { htmlFor: "api-key" }, "Key"),
    input,
    element("p", { className: "hint" }, "It is kept until this tab is closed."),
    element("div", { className: "answers" }, cancel, element("button", { className: "primary" }, "Use this key")),
  );
  const dialog = element("dialog", { className: "key-dialog", "aria-labelledby": "api-key-title" }, form);
  return new Promise((resolve) => {
    let given = "";
    form.addEventListener("submit", () => (given = input.value.trim()));
    cancel.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(given);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
