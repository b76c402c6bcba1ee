// Photographs as a job of the service; where jobs are off, as a plain request.

/** Problems of jobs that a plain request does not have. */
const WITHOUT = ["jobs-off", "jobs-unavailable", "insufficient-storage"];
const GRACE = 1000; // milliseconds: a job whose photograph has arrived is named at once

let jobsAreOff = false;

/**
 * Denoise a whole photograph, or several to a zip. Where that is aborted, and when the page is left, the
 * job is cancelled.
 * @param {import("../client.js").Client} client
 * @param {Blob | Blob[]} image
 * @param {object} options of the operation
 * @param {{ signal: AbortSignal, progress: (status: object | null) => void }} how `progress` is called
 *   with each status of the job, with null where nothing is known of how far it is
 */
export async function whole(client, image, options, { signal, progress }) {
  const job = jobsAreOff ? null : await submitted(client, image, options, signal);
  if (!job) {
    progress(null);
    return client.denoise(image, { ...options, signal });
  }
  const forget = () => job.cancel().catch(() => {}); // the service forgets it by itself, later
  signal.addEventListener("abort", forget);
  try {
    await job.wait(progress, { signal });
    return await job.result({ signal });
  } finally {
    signal.removeEventListener("abort", forget);
    if (!signal.aborted) forget();
  }
}

/**
 * Return the job, or null where there are none. Nobody knows whether an upload that is broken off has
 * become a job: it may take a moment longer, so that its job is known and cancelled.
 */
async function submitted(client, image, options, signal) {
  signal.throwIfAborted();
  const upload = new AbortController();
  const asked = client.submit(image, { ...options, signal: upload.signal });
  let stop;
  const aborted = new Promise((_, reject) => {
    stop = () => {
      reject(signal.reason);
      setTimeout(() => upload.abort(signal.reason), GRACE);
      asked.then((job) => job.cancel()).catch(() => {});
    };
  });
  signal.addEventListener("abort", stop);
  try {
    return await Promise.race([asked, aborted]);
  } catch (error) {
    if (!WITHOUT.includes(error.code)) throw error;
    jobsAreOff = error.code === "jobs-off";
    return null;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
