// What runs now: one task at a time, whose progress and end are told in one place.

import { isCancelled } from "../shared/words.js";

/** How a task ended; another may have taken its place before. @typedef {"done" | "failed" | "cancelled" | "replaced"} End */

export class Work {
  /** @param {import("./report.js").Report} report which no other work has */
  constructor(report) {
    this.report = report;
    /** Called when a task begins and when one ends. */
    this.changed = () => {};
  }

  /** @type {{ controller: AbortController, ended: Promise<{ end: End, error?: Error }> } | null} */
  #current = null;

  get isBusy() {
    return this.#current !== null;
  }

  /** The signal of the task that runs, null where none does. */
  get signal() {
    return this.#current?.controller.signal ?? null;
  }

  /**
   * Run a task in place of the one that runs.
   * @param {string} text what to say of it
   * @param {(signal: AbortSignal) => Promise<string>} task returns what to say at its end
   */
  replace(text, task) {
    this.cancel();
    const current = { controller: new AbortController(), ended: null };
    this.#current = current;
    this.report.busy(text);
    current.ended = this.#run(current, task);
    this.changed();
    return current.ended;
  }

  /** Run a task after the one that runs, if that comes to its end; return how it ended. */
  async follow(text, task) {
    const before = await this.#current?.ended;
    if (before && before.end !== "done") return before;
    return this.replace(text, task);
  }

  /** Abort the task that runs. */
  cancel() {
    this.#current?.controller.abort();
  }

  async #run(current, task) {
    const { signal } = current.controller;
    let [said, error] = ["", undefined];
    try {
      said = await task(signal);
      signal.throwIfAborted();
    } catch (thrown) {
      error = thrown;
    }
    if (this.#current !== current) return { end: "replaced" }; // the newer task tells how it goes
    this.#current = null;
    if (!error) this.report.done(said);
    else if (isCancelled(error, signal)) this.report.done("Cancelled.");
    else this.report.fault(error);
    this.changed();
    return { end: !error ? "done" : isCancelled(error, signal) ? "cancelled" : "failed", error };
  }
}
