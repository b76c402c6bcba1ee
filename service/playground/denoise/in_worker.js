// What takes seconds of large pictures, done in a worker: to add noise, and to measure what is left of it.

const MEASURED = 1024; // pixels along each side of the middle part that is compared

/**
 * Add noise to a picture.
 * @param {import("./picture.js").Picture} picture
 * @param {string} kind of the noise
 * @param {number} sigma
 * @param {AbortSignal} signal
 * @returns {Promise<{ bitmap: ImageBitmap, file: Blob }>} its pixels, and a PNG of them
 */
export async function corrupted(picture, kind, sigma, signal) {
  const clean = await createImageBitmap(picture.original);
  return asked({ name: "noise", clean, kind, sigma }, [clean], signal);
}

/**
 * Compare the noisy and the denoised picture with the clean one.
 * @param {import("./picture.js").Picture} picture
 * @param {ImageBitmap} denoised all of it, without its noise
 * @param {{ luma: number, chroma: number }} shares of the noise to remove
 * @param {AbortSignal} signal
 * @returns {Promise<{ before: { psnr: number, ssim: number }, after: { psnr: number, ssim: number } }>}
 */
export async function scores(picture, denoised, shares, signal) {
  const [width, height] = [picture.width, picture.height].map((each) => Math.min(each, MEASURED));
  const place = [(picture.width - width) >> 1, (picture.height - height) >> 1, width, height];
  const pictures = [picture.original, picture.bitmap, denoised];
  const [clean, noisy, after] = await Promise.all(pictures.map((each) => createImageBitmap(each, ...place)));
  return asked({ name: "scores", clean, noisy, denoised: after, ...shares }, [clean, noisy, after], signal);
}

/** Ask a worker, so that the page goes on meanwhile; one that is aborted ends at once. */
async function asked(question, given, signal) {
  signal.throwIfAborted();
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  let stop;
  try {
    return await new Promise((resolve, reject) => {
      stop = () => reject(signal.reason);
      signal.addEventListener("abort", stop);
      worker.onmessage = ({ data: { answer, error } }) => (error ? reject(error) : resolve(answer));
      worker.onerror = ({ message }) => reject(new Error(message || "the experiment could not be loaded"));
      worker.postMessage(question, given);
    });
  } finally {
    signal.removeEventListener("abort", stop);
    worker.terminate();
  }
}
