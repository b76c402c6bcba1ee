// Files that the service has beside its API: the markup of a view, a picture, a model card.

import { ServiceError } from "../client.js";

/**
 * Return the response with a file.
 * @param {URL | string} address
 * @param {typeof globalThis.fetch} [ask] the client's, where the service may need an API key
 * @throws {ServiceError} the service cannot be reached, or has no such file
 */
export async function file(address, ask = globalThis.fetch) {
  let answer;
  try {
    answer = await ask(address);
  } catch (cause) {
    throw new ServiceError("expected a response, received none", { cause });
  }
  if (!answer.ok) throw new ServiceError(`expected ${address}, received ${answer.status}`, { status: answer.status });
  return answer;
}
