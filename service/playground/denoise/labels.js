// What is said on the photograph of what it shows.

import { pixels } from "../shared/quantities.js";

/**
 * Say it.
 * @param {Record<string, any>} parts of the view
 * @param {Parameters<typeof labels>[0]} state
 */
export function label(parts, state) {
  const { right, note, picture, isStale } = labels(state);
  for (const [where, text] of [[parts.rightTag, right], [parts.stale, note]]) {
    where.hidden = !text;
    where.textContent = text;
  }
  parts.canvas.setAttribute("aria-label", picture);
  parts.frame.classList.toggle("stale", isStale);
}

/** Name the photograph in a heading. @param {HTMLElement} heading @param {import("./picture.js").Picture | null} picture */
export function title(heading, picture) {
  heading.textContent = picture?.file.name ?? "";
  heading.title = picture ? `${picture.file.name}: ${pixels(picture.width, picture.height)}` : "";
}

/**
 * Return the texts on the photograph; those that are "" are not shown.
 * @param {object} state
 * @param {"divider" | "sides" | "difference"} state.mode how it is compared
 * @param {boolean} state.isShown whether any of it is shown denoised
 * @param {boolean} state.isWhole whether all of it is
 * @param {boolean} state.fits whether what is shown is of the settings that are chosen
 * @param {boolean} state.isBusy whether something runs that may change that
 * @param {boolean} state.isOpening whether that is another photograph
 */
export function labels({ mode, isShown, isWhole, fits, isBusy, isOpening }) {
  const isDifference = mode === "difference";
  const denoised = isDifference ? "difference, × 4" : isWhole ? "denoised" : "denoised in part";
  const picture = isDifference
    ? "Difference between the noisy and the denoised photograph"
    : isWhole ? "Noisy and denoised photograph" : "Noisy photograph, denoised in part";
  return {
    right: isShown ? denoised : "",
    picture: isShown ? picture : "Noisy photograph",
    note: isOpening || !isShown ? "" : noteOf(isWhole, fits, isBusy),
    isStale: isOpening || (isShown && !fits),
  };
}

function noteOf(isWhole, fits, isBusy) {
  if (!fits) return isBusy ? "Being denoised anew" : "Not of these settings";
  if (isWhole) return "";
  return isBusy ? "A preview of this part" : "Only a part is denoised";
}
