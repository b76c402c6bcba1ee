// What is going on, and what went wrong: a line with a bar and its buttons.

import { say } from "../shared/dom.js";
import { duration } from "../shared/quantities.js";
import { explained } from "../shared/words.js";

const SURE = 0.05; // the share that must be done before how long the rest takes is told

export class Report {
  /**
   * @param {Record<string, any>} parts `bar`, `status`, `left`, `cancel`, `again`; `fault`, `faultText`,
   *   `faultDetail`; `warning`
   * @param {{ rest: HTMLElement, canStart?: () => boolean }} more `rest`: takes the focus of a button
   *   that goes; `canStart`: whether the button `again` has something to do
   */
  constructor(parts, { rest, canStart = () => true }) {
    this.parts = parts;
    this.rest = rest;
    this.canStart = canStart;
  }

  /** Something runs, or waits to. */
  busy(text) {
    this.parts.fault.hidden = true;
    this.#offer({ isBusy: true });
    this.parts.bar.removeAttribute("value"); // how far it is is not known yet
    this.#say(text);
  }

  /** A job told how far it is; null: nobody knows. */
  progress(status) {
    const { bar } = this.parts;
    if (!status || status.state === "queued") {
      bar.removeAttribute("value");
      this.#say(status ? "Waiting for the service …" : "Denoising …");
      return;
    }
    const { share } = status.progress;
    if (share) bar.value = share;
    this.#say(share ? `Denoising: ${Math.round(share * 100)} %` : "Denoising …", share < SURE ? "" : remaining(status));
  }

  /** Nothing runs any more. */
  done(text) {
    this.#offer({ isBusy: false });
    this.#say(text);
  }

  fault(error) {
    this.done("");
    tell(error, this.parts);
  }

  /** Say what of the file could not be read, "" where that is nothing. */
  warn(what) {
    const { warning } = this.parts;
    warning.hidden = !what;
    warning.textContent = what && `This file is damaged: not all of the photograph could be read (${what}).`;
  }

  /** Nothing is there of which anything could be said. */
  clear() {
    this.parts.fault.hidden = true;
    this.done("");
  }

  /** Show the bar and the buttons that there are now; the focus of one that goes is not lost. */
  #offer({ isBusy }) {
    const { bar, cancel, again } = this.parts;
    const hadFocus = [cancel, again].includes(document.activeElement);
    bar.hidden = cancel.hidden = !isBusy;
    again.hidden = isBusy || !this.canStart();
    const next = [cancel, again].find((button) => !button.hidden) ?? this.rest;
    if (hadFocus) next.focus({ preventScroll: true });
  }

  /** The time left is not read out: it is another each second. */
  #say(text, remaining = "") {
    say(this.parts.status, text);
    this.parts.left.textContent = remaining;
  }
}

/**
 * Show an error: a sentence for everybody, and what the service said.
 * @param {Error} error
 * @param {{ fault: HTMLElement, faultText: HTMLElement, faultDetail: HTMLElement }} where
 */
export function tell(error, { fault, faultText, faultDetail }) {
  const { sentence, detail } = explained(error);
  fault.hidden = false;
  faultText.textContent = sentence;
  faultDetail.textContent = detail;
}

/** Return in words how long a job still takes, as far as that is known. */
function remaining({ seconds_left: seconds }) {
  if (seconds === null || seconds === undefined) return "";
  return seconds < 1 ? "a moment left" : `${duration(seconds)} left`;
}
