// What went wrong, in words for people who take photographs.

const WORDS = {
  "unsupported-media-type": "This kind of file cannot be opened. Photographs can: JPEG, PNG, HEIC, WebP, AVIF, TIFF and others.",
  "malformed-body": "This file is damaged or incomplete, so it cannot be opened. Try to copy it again from where it came.",
  "body-too-large": "This photograph is too large for this service.",
  "not-acceptable": "The photograph cannot be saved in this format. Transparency needs PNG, WebP, AVIF or TIFF.",
  unauthenticated: "This service needs an API key.",
  forbidden: "Your API key does not allow this.",
  overloaded: "The service is busy. Try again in a moment.",
  "too-many-connections": "The service is busy. Try again in a moment.",
  "request-timeout": "The photograph arrived too slowly. Try again with a better connection.",
  "insufficient-memory": "The service is short of memory. Try again in a moment, or a smaller photograph.",
  "deadline-exceeded": "This took longer than the service allows. Try less effort, or a smaller photograph.",
  "shutting-down": "The service is being stopped. Try again in a minute.",
  "replica-lost": "A part of the service has failed, and is being replaced. Try again in a moment.",
  "not-ready": "The service is still starting. Try again in a minute.",
  "model-not-found": "The model is not there any more. Reload the page to see which are.",
  "operation-not-offered": "This model cannot do that.",
  "insufficient-storage": "The service has no room left for this photograph. Try again later.",
  "job-lost": "The service was interrupted again and again while it worked on this. Try a smaller photograph.",
  "job-not-found": "The service has forgotten this photograph. Start again.",
  "shape-mismatch": "This picture does not have the size or the colours that the model takes.",
  "invalid-value": "One of the settings cannot be used.",
  "internal-error": "Something went wrong inside of the service. Its log says what.",
};

/**
 * Return what to say of an error: a sentence for everybody, and what the service said of it.
 * @param {Error & { code?: string, status?: number, detail?: string, requestId?: string }} error
 */
export function explained(error) {
  const { code = "", status, detail = error.message, requestId = "" } = error;
  const sentence =
    WORDS[code] ?? (status === 0 ? "The service cannot be reached. Is it still running?" : "That did not work.");
  return { sentence, detail: requestId ? `${detail} (request ${requestId})` : detail };
}

/** Whether an error is only that somebody changed their mind. */
export function isCancelled(error, signal) {
  return Boolean(signal?.aborted) || error?.name === "AbortError" || error?.code === "job-cancelled";
}
