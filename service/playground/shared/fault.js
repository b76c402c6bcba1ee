// One line for what went wrong with one part of a view.

import { explained } from "./words.js";

/**
 * Return what shows an error in a line, and hides it where there is none.
 * @param {HTMLElement} line
 * @returns {(error: Error | null) => void}
 */
export function telling(line) {
  return (error) => {
    line.hidden = !error;
    if (error) line.textContent = explained(error).sentence;
  };
}
