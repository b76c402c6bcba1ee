// A photograph as a job of the service; where jobs are off, as a plain request.

import { Client, Job } from "../client.js";

/** Problems of jobs that a plain request does not have. */
const WITHOUT = ["jobs-off", "jobs-unavailable", "insufficient-storage"];

let jobsAreOff = false;

/**
 * Denoise a whole photograph.
 * @param {Client} client
 * @param {Blob | ImageData} image
 * @param {object} options of the operation
 * @param {{ signal: AbortSignal, progress: (status: object | null) => void }} how `progress` is called
 *   with each status of the job, with null where nothing is known of how far it is
 */
export async function whole(client, image, options, { signal, progress }) {
  const job = jobsAreOff ? null : await submitted(client, image, { ...options, signal });
  if (!job) {
    progress(null);
    return client.denoise(image, { ...options, signal });
  }
  try {
    await job.wait(progress, { signal });
    return await job.result({ signal });
  } finally {
    job.cancel().catch(() => {}); // or forgets the result; the service does so by itself, later
  }
}

/** Return the job, or null where there are none. */
async function submitted(client, image, options) {
  const impatient = new Client(client.baseUrl, { retries: 0, apiKey: client.apiKey, fetch: client.fetch });
  try {
    const { status } = await impatient.submit(image, options);
    return new Job(client, status);
  } catch (error) {
    if (!WITHOUT.includes(error.code)) throw error;
    jobsAreOff = error.code === "jobs-off";
    return null;
  }
}
