// The service behind the page: its client and its models, asked for once.

import { Client } from "../client.js";
import { kept, keyed } from "./key.js";

// Two retries, as somebody waits.
const client = new Client(undefined, { retries: 2, apiKey: kept(), fetch: keyed(() => client) });
let known = null;

/** The service: its client, and what returns its models, which takes as much as half of the page. */
export const service = { client, models };

function models() {
  known ??= client.models().catch((error) => {
    known = null; // to be asked again
    throw error;
  });
  return known;
}

/** Return the newest version that is ready of each model, by name, of those that suit. */
export function newest(models, suits) {
  const found = new Map();
  for (const model of models) {
    if (model.state === "ready" && !found.has(model.name) && suits(model)) found.set(model.name, model);
  }
  return found;
}

/** Whether a model denoises photographs of any size. */
export function takesPhotographs(model) {
  return Boolean(model.manifest?.operations.denoise?.tiles) && model.operations.includes("denoise");
}
