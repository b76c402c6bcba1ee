// All photographs with the same settings, as a zip that the service writes.

import { Job, Result } from "../client.js";

/**
 * Denoise several photographs.
 * @param {import("../client.js").Client} client
 * @param {File[]} files
 * @param {Record<string, any>} options of the operation, and the format of all
 * @param {{ signal: AbortSignal, progress: (status: object | null) => void }} how
 * @returns {Promise<Blob>} the zip
 */
export async function archive(client, files, { format, ...options }, { signal, progress }) {
  const form = new FormData();
  for (const file of files) form.append("file", file, file.name);
  const accept = format ? `application/zip, ${format}` : "application/zip";
  const query = new URLSearchParams({ operation: "denoise", ...options });
  const answer = await client.fetch(new URL(`jobs?${query}`, client.baseUrl), {
    method: "POST",
    headers: { Accept: accept },
    body: form,
    signal,
  });
  if (answer.ok) {
    const job = new Job(client, await answer.json());
    try {
      await job.wait(progress, { signal });
      return (await job.result({ signal })).blob;
    } finally {
      job.cancel().catch(() => {});
    }
  }
  progress(null);
  return direct(client, form, accept, options, signal);
}

/** Where there are no jobs, the request itself is answered; an error is told as a client's is. */
async function direct(client, form, accept, options, signal) {
  const answer = await client.fetch(client.url("denoise", options), {
    method: "POST",
    headers: { Accept: accept },
    body: form,
    signal,
  });
  const blob = await answer.blob();
  if (answer.ok) return new Result({ status: answer.status, headers: answer.headers, blob }).blob;
  const problem = JSON.parse(await blob.text());
  throw Object.assign(new Error(problem.detail), problem);
}
