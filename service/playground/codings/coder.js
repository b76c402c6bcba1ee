// Encodes and decodes with the model that is chosen.

import { NpyArray } from "../client.js";
import { SIDE } from "./pictures.js";

export class Coder {
  /**
   * @param {import("../client.js").Client} client
   * @param {import("../client.js").Model} model
   */
  constructor(client, { name, version, manifest }) {
    this.client = client;
    this.model = { model: name, version };
    /** Sizes of a coding, without the batch. @type {number[]} */
    this.shape = manifest.operations.encode.output.shape.slice(1);
    this.size = this.shape.reduce((product, each) => product * each, 1);
    this.denoises = "denoise" in manifest.operations;
    this.hasLength = typeof manifest.operations.decode.output.shape[1] !== "number";
    this.summary = manifest.summary;
  }

  /** Return the coding of a picture. @param {Uint8Array} gray @returns {Promise<Float32Array>} */
  async encode(gray) {
    const batch = new NpyArray(Uint8Array.from(gray), [1, gray.length / SIDE, SIDE]);
    const { data } = await (await this.client.encode(batch, this.model)).array();
    return data;
  }

  /**
   * Return the pictures that codings stand for, 0 to 255.
   * @param {Float32Array[]} codings
   * @param {number} [steps] rows, for a model that paints any number of them
   */
  async decode(codings, steps) {
    const joined = new Float32Array(codings.length * this.size);
    codings.forEach((each, index) => joined.set(each, index * this.size));
    const batch = new NpyArray(joined, [codings.length, ...this.shape]);
    const options = { ...this.model, ...(this.hasLength && steps && { steps }) };
    const { data } = await (await this.client.decode(batch, options)).array();
    const each = data.length / codings.length;
    return codings.map((_, index) =>
      Uint8ClampedArray.from(data.subarray(index * each, (index + 1) * each), (value) => 255 * value),
    );
  }
}
