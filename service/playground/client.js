// The JavaScript client of the service, in one module without dependencies: browsers, Node 18+, Deno.
//
//   import { Client } from "http://127.0.0.1:8000/playground/client.js";
//   const { blob } = await new Client("http://127.0.0.1:8000").denoise(file, { sigma: 20 });
// @ts-check

/**
 * What can be sent as an image. Files are sent as they are; the service recognises their format.
 * ImageData is sent as PNG; an array as npy, the batch first. Several photographs, which are answered
 * with a zip (`format: "zip"`), are an array of files.
 * @typedef {Blob | Blob[] | ArrayBuffer | ArrayBufferView | ImageData | NpyArray} ImageLike
 */

/**
 * Which model: by default the service's for the operation, in its newest version.
 * @typedef {{ model?: string, version?: number, signal?: AbortSignal }} ModelOptions
 */

/**
 * `fit` converts and resizes pictures to what the model takes; `format` of the answer is "npy" or
 * that of a picture, such as "png", "zip" for several photographs, or a media type.
 * @typedef {ModelOptions & { fit?: boolean, format?: string }} EncodeOptions
 */

/**
 * `steps` is the number of rows to return, by a recurrent model.
 * @typedef {ModelOptions & { steps?: number, format?: string }} DecodeOptions
 */

/**
 * `sigma`: noise level, 0 to 100 on the scale of 0 to 255, estimated if left out; `strength`, `luma`,
 * `chroma`: shares to remove, 0 to 1; `effort`: 1, 2, 4 or 8 orientations to average over; `region`:
 * [x, y, width, height]; `quality`: of a JPEG, WebP, AVIF or HEIC, 1 to 100.
 * @typedef {EncodeOptions & { sigma?: number, strength?: number, luma?: number, chroma?: number,
 *   effort?: number, region?: number[], quality?: number }} DenoiseOptions
 */

/**
 * `callback`: a URL to which the service posts the job's document at the end.
 * @typedef {DenoiseOptions & DecodeOptions & { operation?: Operation, callback?: string }} JobOptions
 */

/**
 * `false_alarm_rate`: the share of the calibration's items above the threshold, 0.01 if left out; `map`:
 * whether to return maps of the errors.
 * @typedef {EncodeOptions & { false_alarm_rate?: number, map?: boolean }} ScoreOptions
 */

/**
 * `k`: how many, 10 if left out; `of`: "codings" for an array of them.
 * @typedef {EncodeOptions & { k?: number, of?: "items" | "codings" }} NeighboursOptions
 */

/** @typedef {"denoise" | "encode" | "decode" | "estimate" | "reconstruct" | "score" | "neighbours"} Operation */

/**
 * Rows with named columns, for models of tables and series.
 * @typedef {Record<string, number | string | null>[]} Rows
 */

/**
 * Scores of items, and what they mean where the model is calibrated, as POST /score says it.
 * @typedef {{ scores: (number | null)[], percentiles: (number | null)[] | null,
 *   z_scores: (number | null)[] | null, false_alarm_rate: number | null, threshold: number | null,
 *   is_anomaly: (boolean | null)[] | null, maps?: any[], columns?: string[], starts?: number[],
 *   row_scores?: (number | null)[], rows_left_over?: number }} ScoreDocument
 */

/**
 * The noise of a photograph; levels are standard deviations on the scale of 0 to 255.
 * @typedef {{ sigma: number, colour: number, correlation: number, shadows: number,
 *   midtones: number, highlights: number }} Noise
 */

/**
 * A version of a model, as GET /models describes it.
 * @typedef {{ name: string, version: number, state: "ready" | "failed" | "unloaded", fault: string,
 *   operations: Operation[], execution_provider: string | null, default_for: Operation[],
 *   default_for_pictures: Operation[], size: number, manifest: any }} Model
 */

/**
 * A job, as GET /jobs/{id} describes it.
 * @typedef {{ id: string, state: "queued" | "running" | "succeeded" | "failed" | "cancelled",
 *   operation: Operation, owner: string | null, created: string | null, started: string | null, finished: string | null,
 *   expires: string | null, seconds_left: number | null, error: any,
 *   progress: { megapixels_done: number, megapixels_total: number | null, share: number },
 *   result: { href: string, media_type: string, bytes: number } | null }} JobStatus
 */

/**
 * A request; `again`: whether it may be sent again if it is not known to have arrived; `keepalive`:
 * whether a browser sends it also when the page is left.
 * @typedef {{ method: string, path: string, query?: Record<string, string>,
 *   headers?: Record<string, string>, body?: Blob | FormData | Uint8Array<ArrayBuffer>,
 *   again?: boolean, keepalive?: boolean, signal?: AbortSignal }} Sendable
 */

/**
 * A response that has been read.
 * @typedef {{ status: number, headers: Headers, blob: Blob }} Answer
 */

const NPY = "application/x-npy";
const JSON_TYPE = "application/json";
const TRANSIENT = [429, 502, 503, 504];
/** Problems that say that the service has stored nothing of a request; others leave that open. */
const NOTHING_DONE = ["overloaded", "too-many-connections", "deadline-exceeded"];
const UNFINISHED = ["queued", "running"];
/** Formats that are no subtypes of image/. @type {Record<string, string>} */
const FORMATS = { jpg: "image/jpeg", tif: "image/tiff", npy: NPY, zip: "application/zip" };
/** Milliseconds of the first and of the longest pause between attempts, before they are drawn. */
const [FIRST, LONGEST] = [500, 30_000];
/** Milliseconds between two looks at a job, and of silence after which its events are given up. */
const [SOON, LATE, SILENCE] = [250, 5_000, 60_000];
/** Attempts of a minute or two in all, which outlast a restart: jobs do, too. */
const PATIENT = 12;
/** An error of the service; `code` is the stable identifier of its problem, "" where it has none. */
export class ServiceError extends Error {
  /**
   * @param {string} detail what was expected, and what was received
   * @param {{ status?: number, code?: string, title?: string, requestId?: string, cause?: unknown }} [more]
   */
  constructor(detail, { status = 0, code = "", title = "", requestId = "", cause } = {}) {
    super(title ? `${title}: ${detail}` : detail, { cause });
    this.name = "ServiceError";
    this.detail = detail;
    /** The HTTP status, 0 where there was no response. */
    this.status = status;
    this.code = code;
    this.title = title;
    /** X-Request-Id, under which the service's log has the request. */
    this.requestId = requestId;
  }
}

/** An array as .npy files hold it (NumPy Enhancement Proposal 1): numbers and the sizes of its axes. */
export class NpyArray {
  /**
   * @param {Uint8Array | Float32Array} data uint8 pixels, or floats in the model's range
   * @param {number[]} shape sizes of the axes, the batch first
   */
  constructor(data, shape) {
    const size = shape.reduce((product, each) => product * each, 1);
    if (size !== data.length) throw new TypeError(`shape: expected ${data.length} numbers, received ${shape}`);
    this.data = data;
    this.shape = shape;
  }

  /**
   * Read a .npy file of uint8 or float32.
   * @param {ArrayBuffer} file
   */
  static read(file) {
    const view = new DataView(file);
    const isWide = view.getUint8(6) > 1; // from version 2.0 on, the header's length has four bytes
    const start = isWide ? 12 + view.getUint32(8, true) : 10 + view.getUint16(8, true);
    const header = new TextDecoder("latin1").decode(new Uint8Array(file, 0, start));
    const type = /'descr': '([^']*)'/.exec(header)?.[1];
    const sizes = /'shape': \(([^)]*)\)/.exec(header)?.[1];
    if (sizes === undefined || (type !== "|u1" && type !== "<f4") || header.includes("'fortran_order': True")) {
      throw new TypeError(`array: expected uint8 or float32 in C order, received ${header.slice(10, 90)}`);
    }
    const shape = sizes.split(",").filter((each) => each.trim()).map(Number);
    const data = file.slice(start);
    return new NpyArray(type === "|u1" ? new Uint8Array(data) : new Float32Array(data), shape);
  }

  /** Return the .npy file. */
  write() {
    const type = this.data instanceof Float32Array ? "<f4" : "|u1";
    const sizes = this.shape.join(", ") + (this.shape.length === 1 ? "," : "");
    const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`;
    const length = Math.ceil((header.length + 11) / 64) * 64 - 10;
    const start = new Uint8Array([0x93, ...bytes("NUMPY"), 1, 0, length & 255, length >> 8]);
    const { buffer, byteOffset, byteLength } = this.data;
    return joined(start, bytes(header.padEnd(length - 1) + "\n"), new Uint8Array(buffer, byteOffset, byteLength));
  }
}

/** What the service says of every result. */
class Provenance {
  /** @param {Headers} headers */
  constructor(headers) {
    this.model = headers.get("X-Model") ?? "";
    this.version = Number(headers.get("X-Model-Version") ?? 0);
    /** ONNX Runtime's name of the execution provider. */
    this.provider = headers.get("X-Execution-Provider") ?? "";
    this.requestId = headers.get("X-Request-Id") ?? "";
    /** Milliseconds of the stages `parse`, `queue`, `inference` and `write`. @type {Record<string, number>} */
    this.timings = {};
    for (const [, name, duration] of (headers.get("Server-Timing") ?? "").matchAll(/([^;,\s]+);dur=([\d.]+)/g)) {
      this.timings[name] = Number(duration);
    }
  }
}

/** A picture, an array, or a zip of pictures. */
export class Result extends Provenance {
  /** @param {Answer} answer */
  constructor({ headers, blob }) {
    super(headers);
    this.mediaType = mediaType(headers);
    /** The file, as the service sent it. */
    this.blob = blob.type === this.mediaType ? blob : blob.slice(0, blob.size, this.mediaType);
    const levels = headers.get("X-Noise-Sigma");
    /** Noise level that was removed from each photograph, on the scale of 0 to 255. @type {number[]} */
    this.sigma = levels ? levels.split(",").map(Number) : [];
    /** What of the files could not be read, "" for whole ones. */
    this.warning = headers.get("X-Image-Warning") ?? "";
  }

  /** Return the array of an answer in npy. */
  async array() {
    if (this.mediaType !== NPY) {
      throw new TypeError(`array: expected ${NPY}, received ${this.mediaType}; ask for the format "npy"`);
    }
    return NpyArray.read(await this.blob.arrayBuffer());
  }
}

/** The noise of photographs. */
export class Estimate extends Provenance {
  /**
   * @param {Headers} headers
   * @param {Noise[]} noise of each photograph, in the order sent
   */
  constructor(headers, noise) {
    super(headers);
    this.noise = noise;
  }
}

/** How far items are from their reconstructions. */
export class Scores extends Provenance {
  /**
   * @param {Headers} headers
   * @param {ScoreDocument} document
   */
  constructor(headers, document) {
    super(headers);
    this.scores = document.scores;
    this.percentiles = document.percentiles;
    this.zScores = document.z_scores;
    this.falseAlarmRate = document.false_alarm_rate;
    this.threshold = document.threshold;
    this.isAnomaly = document.is_anomaly;
    this.maps = document.maps ?? null;
    this.columns = document.columns ?? [];
    this.starts = document.starts ?? [];
    this.rowScores = document.row_scores ?? null;
    this.rowsLeftOver = document.rows_left_over ?? 0;
  }
}

/** What the index has nearest to each item, the nearest first. */
export class Neighbours extends Provenance {
  /**
   * @param {Headers} headers
   * @param {{ ids: string[][], labels: (string | null)[][], distances: number[][], starts?: number[],
   *   rows_left_over?: number }} document
   */
  constructor(headers, { ids, labels, distances, starts = [], rows_left_over: left = 0 }) {
    super(headers);
    this.ids = ids;
    this.labels = labels;
    this.distances = distances;
    this.starts = starts;
    this.rowsLeftOver = left;
  }
}

/**
 * A client of the service.
 *
 * Requests that are refused for now, or whose connection fails, are sent again: after the Retry-After
 * of a 429 or 503, else after an exponential backoff. A call throws its last error, a ServiceError, or
 * the reason of its signal.
 */
export class Client {
  /** Models that take pictures where a request names none, by operation. @type {Map<Operation, string>} */
  #photographs = new Map();
  /** @type {string | undefined} */
  #apiKey;

  /**
   * @param {string | URL} [baseUrl] where the service is; by default where this module is from
   * @param {{ timeout?: number, retries?: number, apiKey?: string, fetch?: typeof globalThis.fetch }} [options]
   *   `timeout`: milliseconds that a call may take, with all its attempts; `retries`: attempts after
   *   the first that may fail without a Retry-After; `apiKey`: sent as `Authorization: Bearer`, without
   *   spaces and line ends around it; `fetch`: used in place of the global one
   */
  constructor(baseUrl = origin(), { timeout = 600_000, retries = 5, apiKey, fetch = globalThis.fetch } = {}) {
    this.baseUrl = new URL(String(baseUrl).replace(/\/*$/, "/"));
    this.timeout = timeout;
    this.retries = retries;
    this.apiKey = apiKey;
    this.fetch = fetch.bind(globalThis);
  }

  /** The API key. An error of one that no header can have shows nothing of it. */
  get apiKey() {
    return this.#apiKey;
  }

  /** @param {string | undefined} given */
  set apiKey(given) {
    const key = given && given.trim();
    if (given && !/^[!-~]+$/.test(String(key))) {
      throw new TypeError("apiKey: expected visible ASCII characters without spaces, received others");
    }
    this.#apiKey = key;
  }

  /**
   * Remove the noise of a photograph, or of the images that a model takes. Pictures are answered with
   * pictures in their own format, arrays with arrays.
   * @param {ImageLike} image
   * @param {DenoiseOptions} [options]
   */
  async denoise(image, options = {}) {
    return new Result(await send(this, await this.request("denoise", image, options)));
  }

  /**
   * Denoise many images, each with a request of its own: yields the name and the result of each as
   * soon as it is done, the error of one that fails. Files go by their names.
   * @param {Iterable<File | [string, ImageLike]>} images
   * @param {DenoiseOptions & { atOnce?: number }} [options] `atOnce`: the most requests at once
   * @returns {AsyncGenerator<[string, Result | Error]>}
   */
  async *denoiseMany(images, { atOnce = 4, ...options } = {}) {
    if (!Number.isInteger(atOnce) || atOnce < 1) {
      throw new RangeError(`atOnce: expected a whole number of 1 or more, received ${atOnce}`);
    }
    const source = images[Symbol.iterator]();
    const stop = new AbortController();
    const { signal, release } = within(options.signal, Infinity, stop);
    /** @type {Map<number, Promise<[number, string, Result | Error]>>} */
    const pending = new Map();
    let count = 0;
    try {
      for (;;) {
        for (let next; pending.size < atOnce && !(next = source.next()).done; ) {
          const [name, image] = Array.isArray(next.value) ? next.value : [next.value.name, next.value];
          const number = count++;
          const outcome = this.denoise(image, { ...options, signal }).catch((error) => error);
          pending.set(number, outcome.then((each) => [number, name, each]));
        }
        if (!pending.size) return;
        const [number, name, outcome] = await Promise.race(pending.values());
        pending.delete(number);
        yield [name, outcome];
      }
    } finally {
      stop.abort();
      release();
    }
  }

  /**
   * Encode an image or a batch; the codings are an array.
   * @param {ImageLike | Rows} image
   * @param {EncodeOptions} [options]
   */
  async encode(image, options = {}) {
    return new Result(await send(this, await this.request("encode", image, options)));
  }

  /**
   * Decode codings to images, an array unless `format` names another.
   * @param {Result | NpyArray} codings as encode() returns them
   * @param {DecodeOptions} [options]
   */
  async decode(codings, options = {}) {
    return new Result(await send(this, await this.request("decode", codings, options)));
  }

  /**
   * Encode and decode in one: arrays and rows come back as arrays, pictures as pictures.
   * @param {ImageLike | Rows} items
   * @param {EncodeOptions & { format?: string }} [options]
   */
  async reconstruct(items, options = {}) {
    const format = areRows(items) ? "npy" : undefined;
    return new Result(await send(this, await this.request("reconstruct", items, { format, ...options })));
  }

  /**
   * Score images or rows by the errors of their reconstructions.
   * @param {ImageLike | Rows} items
   * @param {ScoreOptions} [options]
   */
  async score(items, options = {}) {
    const answer = await send(this, await this.request("score", items, { ...options, format: JSON_TYPE }));
    return new Scores(answer.headers, await json(answer, "scores"));
  }

  /**
   * Find what is nearest to images, rows, or codings as encode() returns them.
   * @param {ImageLike | Rows | Result} items
   * @param {NeighboursOptions} [options]
   */
  async neighbours(items, options = {}) {
    const of = items instanceof Result ? "codings" : undefined;
    const answer = await send(this, await this.request("neighbours", items, { of, ...options, format: JSON_TYPE }));
    return new Neighbours(answer.headers, await json(answer, "ids"));
  }

  /**
   * Estimate the noise of a photograph without removing it.
   * @param {ImageLike} image
   * @param {ModelOptions} [options]
   */
  async estimate(image, options = {}) {
    const answer = await send(this, await this.request("estimate", image, options));
    return new Estimate(answer.headers, (await json(answer, "noise")).noise);
  }

  /**
   * Return every version of every model, by name, the newest first.
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<Model[]>}
   */
  async models({ signal } = {}) {
    return (await json(await send(this, { method: "GET", path: "models", signal }), "models")).models;
  }

  /**
   * Return a version of a model, the newest if none is named.
   * @param {string} name
   * @param {number} [version]
   * @returns {Promise<Model>}
   */
  async model(name, version) {
    const answer = await send(this, { method: "GET", path: `models/${encodeURIComponent(name)}` });
    /** @type {Model[]} */
    const versions = (await json(answer, "models")).models;
    const found = versions.find((each) => version === undefined || each.version === version);
    if (found) return found;
    const known = versions.map((each) => each.version).join(", ");
    const more = { status: 404, code: "model-not-found", title: "Model not found" };
    throw new ServiceError(`version: expected one of ${known} of ${name}, received ${version}`, more);
  }

  /**
   * Return whether the service can be reached and takes requests now. Throws where it never will, as
   * the certificate is none that is trusted; a browser does not say so.
   */
  async ready() {
    try {
      const signal = AbortSignal.timeout(5000);
      const response = await this.fetch(new URL("health/ready", this.baseUrl), { signal });
      await response.arrayBuffer();
      return response.ok;
    } catch (cause) {
      if (isOfTls(cause)) throw new ServiceError(`GET health/ready: ${described(cause)}`, { cause });
      return false;
    }
  }

  /**
   * Submit a job, for what takes longer than a program should wait.
   * @param {ImageLike | Result} image as the operation takes it
   * @param {JobOptions} [options] those of the operation, `operation` ("denoise" without) and
   *   `callback`
   */
  async submit(image, { operation = "denoise", callback, ...options } = {}) {
    const request = await this.request(operation, image, options);
    const query = { operation, ...request.query, ...(callback && { callback }) };
    // Sent again without knowing that the first has not arrived, it would be a second job.
    const answer = await send(this, { ...request, path: "jobs", query, again: false });
    return new Job(this, await json(answer, "state"));
  }

  /**
   * Return a job that was submitted before.
   * @param {string} id
   */
  async job(id) {
    return new Job(this, await json(await send(this, { method: "GET", path: jobPath(id) }), "state"));
  }

  /**
   * Yield the jobs of the API key, the newest first; of all keys with the scope `control`.
   * @param {{ states?: JobStatus["state"][], signal?: AbortSignal }} [options] `states`: those that
   *   are wanted, by default any
   * @returns {AsyncGenerator<Job>}
   */
  async *jobs({ states = [], signal } = {}) {
    /** @type {Record<string, string>} */
    const query = states.length ? { state: states.join(",") } : {};
    do {
      const page = await json(await send(this, { method: "GET", path: "jobs", query, signal }), "jobs");
      for (const status of page.jobs) yield new Job(this, status);
      query.cursor = page.next ?? "";
    } while (query.cursor);
  }

  /**
   * Return the URL to which a call sends its image.
   * @param {Operation} operation
   * @param {DenoiseOptions & DecodeOptions} [options]
   */
  url(operation, options = {}) {
    return address(this, operation, parameters(options));
  }

  /**
   * Return the request of an operation. An array of colour images that names no model is meant for the
   * one that takes photographs: the service is asked for its name once.
   * @param {Operation} operation
   * @param {ImageLike | Result | Rows} image
   * @param {DenoiseOptions & DecodeOptions & ScoreOptions} options
   * @returns {Promise<Sendable>}
   */
  async request(operation, image, options) {
    const { body, type } = await read(image);
    const query = parameters(options);
    const isColour = image instanceof NpyArray && image.shape.length === 4 && image.shape[3] === 3;
    if (isColour && !query.model && (operation === "denoise" || operation === "estimate")) {
      if (!this.#photographs.has(operation)) {
        const models = await this.models({ signal: options.signal });
        const found = models.find((each) => each.default_for_pictures.includes(operation));
        if (found) this.#photographs.set(operation, found.name);
      }
      const model = this.#photographs.get(operation);
      if (model) query.model = model;
    }
    const format = options.format ?? (operation === "encode" || operation === "decode" ? "npy" : "");
    /** @type {Record<string, string>} */
    const headers = type ? { "Content-Type": type } : {};
    if (format) headers.Accept = format.includes("/") ? format : (FORMATS[format] ?? `image/${format}`);
    return { method: "POST", path: operation, query, headers, body, signal: options.signal };
  }
}

/** A job of the service. */
export class Job {
  /**
   * @param {Client} client
   * @param {JobStatus} status
   */
  constructor(client, status) {
    this.client = client;
    /** What the service last said of it. */
    this.status = status;
  }

  get id() {
    return this.status.id;
  }

  get isFinished() {
    return !UNFINISHED.includes(this.status.state);
  }

  /**
   * Ask for the job's status.
   * @param {{ signal?: AbortSignal, patiently?: boolean }} [options] `patiently`: the service may be
   *   starting again
   * @returns {Promise<JobStatus>}
   */
  async refresh({ signal, patiently } = {}) {
    const most = patiently ? Math.max(PATIENT, this.client.retries) : this.client.retries;
    const answer = await send(this.client, { method: "GET", path: jobPath(this.id), signal }, most);
    this.status = await json(answer, "state");
    return this.status;
  }

  /**
   * Yield the job's status whenever the service tells it, the last one finished. Server-sent events
   * tell it; where a proxy holds these up, the status is asked for.
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {AsyncGenerator<JobStatus>}
   */
  async *events({ signal } = {}) {
    for await (const status of this.#told(signal)) {
      yield (this.status = status);
      if (this.isFinished) return;
    }
    while (true) {
      yield await this.refresh({ signal, patiently: true });
      if (this.isFinished) return;
      await pause(Math.min(LATE, Math.max(SOON, (this.status.seconds_left ?? 0) * 100)), signal);
    }
  }

  /**
   * Wait until the job is finished.
   * @param {(status: JobStatus) => void} [progress] called with each status on the way
   * @param {{ signal?: AbortSignal }} [options]
   */
  async wait(progress, options = {}) {
    if (!this.isFinished) for await (const status of this.events(options)) progress?.(status);
    return this.status;
  }

  /**
   * Wait until the job is finished, and return what its operation returns.
   * @param {{ signal?: AbortSignal }} [options]
   */
  async result({ signal } = {}) {
    const { state, error, operation } = await this.wait(undefined, { signal });
    if (state === "failed") throw problem(error ?? {}, "");
    if (state === "cancelled") {
      const more = { status: 409, code: "job-cancelled", title: "Job cancelled" };
      throw new ServiceError(`job: expected one with a result, received ${this.id}, which was cancelled`, more);
    }
    const answer = await send(this.client, { method: "GET", path: `${jobPath(this.id)}/result`, signal });
    if (operation === "estimate") return new Estimate(answer.headers, (await json(answer, "noise")).noise);
    if (operation === "score") return new Scores(answer.headers, await json(answer, "scores"));
    if (operation === "neighbours") return new Neighbours(answer.headers, await json(answer, "ids"));
    return new Result(answer);
  }

  /** Cancel the job, or forget its result; one that is gone already is no error. */
  async cancel() {
    try {
      await send(this.client, { method: "DELETE", path: jobPath(this.id), keepalive: true });
    } catch (error) {
      if (!(error instanceof ServiceError && error.code === "job-not-found")) throw error;
    }
  }

  /**
   * Yield statuses from the stream of events, as long as that brings any.
   * @param {AbortSignal | undefined} signal
   * @returns {AsyncGenerator<JobStatus>}
   */
  async *#told(signal) {
    const stop = new AbortController();
    const silence = within(signal, SILENCE, stop);
    try {
      const headers = { Accept: "text/event-stream", ...authorization(this.client) };
      const url = address(this.client, `${jobPath(this.id)}/events`);
      const response = await this.client.fetch(url, { headers, signal: silence.signal });
      if (!response.ok || !response.body || mediaType(response.headers) !== "text/event-stream") return;
      for await (const data of events(response.body, silence.restart)) yield JSON.parse(data);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
    } finally {
      stop.abort();
      silence.release();
    }
  }
}

/**
 * Yield the data of server-sent events (HTML Living Standard, section 9.2.6).
 * @param {ReadableStream<Uint8Array>} stream
 * @param {() => void} received called for each piece
 */
async function* events(stream, received) {
  const reader = stream.getReader();
  const decoder = new TextDecoder(); // leaves a byte order mark out
  let rest = "";
  /** @type {string[]} */
  let data = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    received();
    rest += decoder.decode(value, { stream: true });
    // A carriage return at the end may be half of a line end.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [, field, text] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (field === "data") data.push(text);
      if (line) continue;
      if (data.length) yield data.join("\n");
      data = [];
    }
  }
}

/**
 * Send a request until it is answered, and read the answer.
 * @param {Client} client
 * @param {Sendable} request
 * @param {number} [retries] attempts after the first that may fail without a Retry-After
 * @returns {Promise<Answer>}
 */
async function send(client, request, retries = client.retries) {
  const { method, path, query, headers, body, again = true, keepalive, signal } = request;
  const deadline = Date.now() + client.timeout;
  for (let failures = 0; ; ) {
    const limit = within(signal, deadline - Date.now());
    let error;
    let wait;
    let isTransient = again;
    try {
      const response = await client.fetch(address(client, path, query), {
        method,
        headers: { ...headers, ...authorization(client) },
        body,
        keepalive,
        signal: limit.signal,
      });
      const answer = { status: response.status, headers: response.headers, blob: await response.blob() };
      if (response.ok) return answer;
      error = await failure(answer);
      const mayRepeat = again || answer.status === 429 || NOTHING_DONE.includes(error.code);
      isTransient = mayRepeat && TRANSIENT.includes(answer.status);
      wait = retryAfter(answer.headers.get("Retry-After"));
    } catch (cause) {
      signal?.throwIfAborted();
      error = new ServiceError(`${method} ${path}: ${described(cause)}`, { cause });
      isTransient &&= !isOfTls(cause);
      isTransient ||= cause instanceof Error && codeOf(cause) === "ECONNREFUSED"; // nothing was sent
    } finally {
      limit.release();
    }
    if (wait === undefined) isTransient &&= ++failures <= retries;
    const before = wait === undefined ? backoff(failures - 1) : wait + Math.random() * Math.max(FIRST, wait / 4);
    if (!isTransient || Date.now() + before >= deadline) throw error;
    await pause(before, signal);
  }
}

/**
 * Return milliseconds before an attempt: exponential with full jitter.
 * Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 * @param {number} number of the pause, from 0
 */
function backoff(number) {
  return Math.random() * Math.min(LONGEST, FIRST * 2 ** number);
}

/**
 * Return the milliseconds that a Retry-After header names (RFC 9110, section 10.2.3), if any.
 * @param {string | null} header seconds or a date
 */
function retryAfter(header) {
  if (header && /^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000;
  const then = header && /[a-z]/i.test(header) ? Date.parse(header) : NaN;
  return Number.isNaN(then) ? undefined : Math.max(0, then - Date.now());
}

/**
 * Return the error of an answer that is no success.
 * @param {Answer} answer
 */
async function failure({ status, headers, blob }) {
  const requestId = headers.get("X-Request-Id") ?? "";
  const text = await blob.text();
  if (mediaType(headers) === "application/problem+json") {
    try {
      return problem(JSON.parse(text), requestId);
    } catch {
      // a proxy's, or not all of it
    }
  }
  const kind = mediaType(headers) || "unknown";
  const told = `expected a success or a problem of the service, received ${status} of type ${kind}: ${text.slice(0, 200)}`;
  return new ServiceError(told, { status, requestId });
}

/**
 * Return the error of a problem (RFC 9457).
 * @param {{ detail?: string, status?: number, code?: string, title?: string }} document
 * @param {string} requestId
 */
function problem({ detail = "", status, code, title }, requestId) {
  return new ServiceError(detail, { status, code, title, requestId });
}

/**
 * Return the JSON object of an answer.
 * @param {Answer} answer
 * @param {string} member what it must have
 * @returns {Promise<any>}
 */
async function json({ status, headers, blob }, member) {
  const text = await blob.text();
  try {
    const document = JSON.parse(text);
    if (member in document) return document;
  } catch {
    // said below
  }
  const told = `expected JSON with ${member}, received ${status} of type ${mediaType(headers)}: ${text.slice(0, 200)}`;
  throw new ServiceError(told, { status, requestId: headers.get("X-Request-Id") ?? "" });
}

/**
 * Return whether items are rows, not files.
 * @param {any} items
 * @returns {items is Rows}
 */
function areRows(items) {
  return Array.isArray(items) && items.length > 0 && items.every((each) => each?.constructor === Object);
}

/**
 * Return the body that sends an image, and its Content-Type: files are recognised by their content.
 * @param {ImageLike | Result | Rows} image
 * @returns {Promise<{ body: Blob | FormData | Uint8Array<ArrayBuffer>, type: string }>} the type of a
 *   form is left to fetch, which knows its boundary
 */
async function read(image) {
  const type = "application/octet-stream";
  if (image instanceof Result) return { body: image.blob, type: image.mediaType };
  if (image instanceof NpyArray) return { body: image.write(), type: NPY };
  if (image instanceof Blob) return { body: image, type };
  if (areRows(image)) return { body: new Blob([JSON.stringify({ rows: image })]), type: JSON_TYPE };
  if (Array.isArray(image)) {
    const body = new FormData();
    for (const file of image) body.append("file", file);
    return { body, type: "" };
  }
  if (image instanceof ArrayBuffer) return { body: new Uint8Array(image), type };
  if (ArrayBuffer.isView(image)) {
    return { body: joined(new Uint8Array(image.buffer, image.byteOffset, image.byteLength)), type };
  }
  if (image?.data instanceof Uint8ClampedArray) return { body: await png(image), type: "image/png" };
  throw new TypeError(
    `image: expected a Blob, File, array of them, ArrayBuffer, view of one, ImageData or NpyArray, received ${Object.prototype.toString.call(image)}`,
  );
}

/**
 * Return pixels as a PNG without loss (a canvas multiplies them by their opacity), opaque ones as RGB.
 * @param {ImageData} image
 */
export async function png({ width, height, data }) {
  let channels = 3;
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) channels = 4;
  const rows = new Uint8Array(height * (1 + channels * width));
  for (let y = 0, to = 0, from = 0; y < height; y++) {
    rows[to++] = 0; // no filter
    for (let x = 0; x < width; x++, from += 4) {
      for (let channel = 0; channel < channels; channel++) rows[to++] = data[from + channel];
    }
  }
  const compressed = new Response(new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate")));
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8); // bits
  header.setUint8(9, channels === 3 ? 2 : 6); // RGB or RGBA
  return joined(
    new Uint8Array([0x89, ...bytes("PNG\r\n"), 0x1a, 0x0a]),
    chunk("IHDR", new Uint8Array(header.buffer)),
    chunk("IDAT", new Uint8Array(await compressed.arrayBuffer())),
    chunk("IEND", new Uint8Array(0)),
  );
}

/** What each byte does to a CRC-32 (W3C PNG, annex D). */
const CRC = Int32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = (byte >>> 1) ^ (byte & 1 ? 0xedb88320 : 0);
  return byte;
});

/**
 * Return a chunk of a PNG (W3C PNG, section 5.3).
 * @param {string} name
 * @param {Uint8Array} data
 */
function chunk(name, data) {
  const content = joined(bytes(name), data);
  let crc = -1; // CRC-32 of name and data
  for (const byte of content) crc = (crc >>> 8) ^ CRC[(crc ^ byte) & 255];
  const ends = new DataView(new ArrayBuffer(8));
  ends.setUint32(0, data.length);
  ends.setInt32(4, ~crc);
  return joined(new Uint8Array(ends.buffer, 0, 4), content, new Uint8Array(ends.buffer, 4, 4));
}

/**
 * Return the parameters of a query.
 * @param {Record<string, any>} options
 */
function parameters({ signal, format, ...options }) {
  /** @type {Record<string, string>} */
  const query = {};
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && value !== null) query[name] = String(value);
  }
  return query;
}

/**
 * Return the URL of a path of the service.
 * @param {Client} client
 * @param {string} path
 * @param {Record<string, string>} [query]
 */
function address(client, path, query = {}) {
  const url = new URL(path, client.baseUrl);
  url.search = String(new URLSearchParams(query));
  return url;
}

/** @param {string} id */
function jobPath(id) {
  return `jobs/${encodeURIComponent(id)}`;
}

/**
 * @param {Client} client
 * @returns {Record<string, string>}
 */
function authorization({ apiKey }) {
  return apiKey ? { Authorization: `Bearer ${apiKey}` } : {};
}

/** @param {Headers} headers */
function mediaType(headers) {
  return (headers.get("Content-Type") ?? "").split(";")[0].trim().toLowerCase();
}

/**
 * Return Node's code of a failed connection, or "".
 * @param {Error} error
 */
function codeOf({ cause }) {
  return cause instanceof Object && "code" in cause ? String(cause.code) : "";
}

/** @param {unknown} error */
function described(error) {
  return error instanceof Error ? [error.message, codeOf(error)].filter(Boolean).join(": ") : String(error);
}

/**
 * Return whether a certificate is not that of the host, or not trusted, or there is no TLS: the same
 * at each attempt. Node says so by OpenSSL's codes.
 * @param {unknown} error
 */
function isOfTls(error) {
  return error instanceof Error && /CERT|LEAF_SIGNATURE|WRONG_VERSION_NUMBER/.test(codeOf(error));
}

function origin() {
  return import.meta.url.startsWith("http") ? new URL("..", import.meta.url) : "http://127.0.0.1:8000";
}

/**
 * Return a signal that aborts with another, or after so many milliseconds, which can start anew.
 * @param {AbortSignal | undefined} signal
 * @param {number} milliseconds
 * @param {AbortController} [controller] whose signal it is
 */
function within(signal, milliseconds, controller = new AbortController()) {
  const stop = () => controller.abort(signal?.reason);
  const late = () => controller.abort(new DOMException(`no answer within ${milliseconds} ms`, "TimeoutError"));
  const start = () => (milliseconds < Infinity ? setTimeout(late, Math.max(0, milliseconds)) : undefined);
  let timer = start();
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  return {
    signal: controller.signal,
    restart() {
      clearTimeout(timer);
      timer = start();
    },
    release() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    },
  };
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 */
async function pause(milliseconds, signal) {
  /** @type {(value?: undefined) => void} */
  let wake = () => {};
  const timer = setTimeout(() => wake(), milliseconds);
  const early = () => wake();
  signal?.addEventListener("abort", early);
  await new Promise((resolve) => {
    wake = resolve;
    if (signal?.aborted) resolve(undefined);
  });
  clearTimeout(timer);
  signal?.removeEventListener("abort", early);
  signal?.throwIfAborted();
}

/** @param {string} ascii */
function bytes(ascii) {
  return new TextEncoder().encode(ascii);
}

/** @param {...Uint8Array} parts */
function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let start = 0;
  for (const part of parts) {
    whole.set(part, start);
    start += part.length;
  }
  return whole;
}
