// What is going on, and what went wrong: the line below the photograph.

import { say } from "../shared/dom.js";
import { duration } from "../shared/quantities.js";
import { explained } from "../shared/words.js";

export class Report {
  /** @param {Record<string, any>} parts of the view */
  constructor(parts) {
    this.parts = parts;
  }

  /** Something runs, or waits to. */
  busy(text) {
    const { bar, cancel, again, fault } = this.parts;
    fault.hidden = true;
    bar.hidden = cancel.hidden = false;
    again.hidden = true;
    bar.removeAttribute("value"); // how far it is is not known yet
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
    this.#say(share ? `Denoising: ${Math.round(share * 100)} %` : "Denoising …", remaining(status));
  }

  /** Nothing runs any more. */
  done(text, { again = false } = {}) {
    const { bar, cancel } = this.parts;
    bar.hidden = cancel.hidden = true;
    this.parts.again.hidden = !again;
    this.#say(text);
  }

  /** The time left is not read out: it is another each second. */
  #say(text, remaining = "") {
    say(this.parts.status, text);
    this.parts.left.textContent = remaining;
  }

  fault(error) {
    const { sentence, detail } = explained(error);
    this.done("", { again: true });
    this.parts.fault.hidden = false;
    this.parts.faultText.textContent = sentence;
    this.parts.faultDetail.textContent = detail;
  }
}

/** Return in words how long a job still takes, as far as that is known. */
function remaining({ seconds_left: seconds }) {
  if (seconds === null || seconds === undefined) return "";
  return seconds < 1 ? "a moment left" : `${duration(seconds)} left`;
}
