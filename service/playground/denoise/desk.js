// The photograph on the desk: opened, denoised, compared, and measured.

import { settled } from "../shared/dom.js";
import { duration, level, pixels } from "../shared/quantities.js";
import { isCancelled } from "../shared/words.js";
import { corrupt, scores } from "./experiment.js";
import { open } from "./picture.js";
import { Report } from "./report.js";
import { PREVIEW, part, run } from "./run.js";
import { chosen, key, ofRun } from "./settings.js";

export class Desk {
  /**
   * @param {import("../client.js").Client} client
   * @param {Record<string, any>} parts of the view
   * @param {import("./stage.js").Stage} stage
   */
  constructor(client, parts, stage) {
    this.client = client;
    this.parts = parts;
    this.stage = stage;
    this.report = new Report(parts);
    /** @type {import("./picture.js").Picture | null} */
    this.picture = null;
    /** The whole, denoised: its bitmap, and the result that it came in. */
    this.whole = null;
    /** Called once a photograph is denoised, or another one is opened. */
    this.changed = () => {};
    this.pending = new AbortController();
    this.denoised = "";
    this.measure = settled(150, () => this.#measure());
    /** To be called when another part of the photograph is looked at. */
    this.look = settled(300, () => this.#look());
  }

  get settings() {
    return chosen(this.parts);
  }

  /** Open a file and denoise it; an error is thrown where it cannot be opened. */
  async open(file) {
    this.pending.abort();
    const { signal } = (this.pending = new AbortController());
    const picture = await open(file, this.client, { model: this.settings.model, signal });
    if (signal.aborted) return picture.close();
    this.picture?.close();
    this.picture = picture;
    this.#forget();
    this.parts.title.textContent = file.name;
    this.parts.title.title = `${file.name}: ${pixels(picture.width, picture.height)}`;
    this.stage.before = picture.bitmap;
    this.stage.viewport.open(picture.width, picture.height);
    await this.corrupt();
  }

  /** Put the noise that is chosen into the photograph, and denoise it. */
  async corrupt() {
    const { picture } = this;
    const { kind, amount } = this.parts;
    kind.disabled = amount.disabled = !picture.canBeEdited;
    if (kind.value && picture.canBeEdited) await corrupt(picture, kind.value, Number(amount.value));
    else if (picture.source !== picture.file) await corrupt(picture, "", 0);
    if (picture !== this.picture) return;
    this.stage.before = picture.bitmap;
    this.#forget();
    this.stage.draw();
    this.changed();
    await this.start();
  }

  /** Denoise the photograph with what is chosen. */
  async start() {
    this.pending.abort();
    if (!this.picture) return;
    const { signal } = (this.pending = new AbortController());
    const options = ofRun(this.settings);
    this.report.busy("Denoising what is visible …");
    this.stale("Being denoised anew");
    const begun = performance.now();
    try {
      const { bitmap, result } = await run(this.client, this.picture, options, {
        visible: (most) => this.stage.viewport.visible(most),
        preview: (first) => {
          this.#preview(first, options);
          this.report.busy("Denoising all of it …");
        },
        progress: (status) => this.report.progress(status),
        signal,
      });
      this.whole = { bitmap, result };
      this.#show([{ bitmap, x: 0, y: 0 }], options);
      this.#found(result.sigma);
      const time = duration((performance.now() - begun) / 1000);
      const provider = result.provider.replace("ExecutionProvider", "");
      const size = pixels(this.picture.width, this.picture.height);
      this.report.done(`Denoised by ${result.model} on ${provider} in ${time}: ${size}.`);
      this.measure();
      this.changed();
    } catch (error) {
      if (this.pending.signal !== signal) return; // another run has begun
      if (isCancelled(error, signal)) this.report.done("Cancelled.", { again: true });
      else this.report.fault(error);
      this.stale(this.stage.after.length ? "Not of these settings" : "");
    }
  }

  /** While the whole is denoised: what is looked at comes first. */
  async #look() {
    const { picture, stage, pending, parts } = this;
    const options = ofRun(this.settings);
    if (parts.bar.hidden || this.denoised !== key(options) || !stage.after.length) return;
    const place = stage.viewport.visible(PREVIEW);
    if (this.whole || stage.after.some(({ bitmap, x, y }) => within(place, x, y, bitmap))) return;
    try {
      const next = await part(this.client, picture, options, place, pending.signal);
      if (!this.whole) this.#preview(next, options);
    } catch {
      // the whole tells what goes wrong
    }
  }

  #preview(next, options) {
    this.#show([...(this.denoised === key(options) ? this.stage.after : []), next], options);
    this.#found(next.result.sigma);
    this.#note("A preview of this part");
  }

  /** Say that what is shown is not what was asked for, if anything is shown. */
  stale(text) {
    const isStale = Boolean(text) && this.stage.after.length > 0 && this.denoised !== key(ofRun(this.settings));
    this.parts.frame.classList.toggle("stale", isStale);
    this.#note(isStale ? text : "");
    if (isStale) this.whole = null;
  }

  /** Let what is shown have the shares that are chosen. */
  blend() {
    const { strength, luma, chroma } = this.settings;
    this.stage.luma = strength * luma;
    this.stage.chroma = strength * chroma;
    this.stage.draw();
    this.measure();
  }

  /** Say something on the photograph. */
  #note(text) {
    this.parts.stale.hidden = !text;
    this.parts.stale.textContent = text;
  }

  #show(after, options) {
    this.#lay(after);
    this.denoised = key(options);
    this.stale("");
    this.blend();
  }

  /** Lay other parts on the photograph; the memory of those that go is freed at once. */
  #lay(after) {
    for (const each of this.stage.after) if (!after.some(({ bitmap }) => bitmap === each.bitmap)) each.bitmap.close();
    this.stage.after = after;
  }

  #forget() {
    this.whole = null;
    this.#lay([]);
    this.denoised = "";
    this.parts.found.hidden = true;
    this.parts.scores.hidden = true;
    this.stale("");
  }

  /** Say how much noise was found, by a model that tells. */
  #found([sigma]) {
    const { found, automatic } = this.parts;
    found.hidden = sigma === undefined || !automatic.checked;
    found.textContent = found.hidden ? "" : `Noise found: ${sigma.toFixed(1)} of 255`;
    if (!found.hidden) this.parts.sigma.value = String(Math.round(sigma));
  }

  #measure() {
    const { parts, picture, whole, stage } = this;
    parts.scores.hidden = !whole || !picture || picture.source === picture.file;
    if (parts.scores.hidden) return;
    const { before, after } = scores(picture, whole.bitmap, stage.luma, stage.chroma);
    parts.psnrBefore.textContent = level(before.psnr);
    parts.psnrAfter.textContent = level(after.psnr);
    parts.ssimBefore.textContent = before.ssim.toFixed(3);
    parts.ssimAfter.textContent = after.ssim.toFixed(3);
  }
}

/** Whether a place lies within a part of the photograph. */
function within({ x, y, width, height }, left, top, { width: across, height: down }) {
  return x >= left && y >= top && x + width <= left + across && y + height <= top + down;
}
