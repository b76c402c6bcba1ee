// The photograph on the desk: opened, denoised and compared.

import { settled } from "../shared/dom.js";
import { label, title } from "./labels.js";
import { Levels } from "./levels.js";
import { open } from "./picture.js";
import { Report } from "./report.js";
import { PREVIEW, part, run } from "./run.js";
import { chosen, key, ofRun } from "./settings.js";
import { Shown } from "./shown.js";
import { Work } from "./work.js";

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
    this.report = new Report(parts, { rest: parts.frame, canStart: () => this.picture !== null && !this.whole });
    /** What runs on the desk: to open a photograph, to denoise it, or to make its file. */
    this.work = new Work(this.report);
    this.work.changed = () => this.show();
    this.levels = new Levels(parts);
    this.#shown = new Shown(stage);
    /** @type {import("./picture.js").Picture | null} */
    this.picture = null;
    /** The file that is being opened. @type {File | null} */
    this.opening = null;
    /** Called after each change of what is on the desk, of what runs, and of the settings. */
    this.changed = () => {};
    /** To be called when another part of the photograph is looked at. */
    this.look = settled(300, () => this.#look());
  }

  #shown;
  #denoising = null; // the signal of what denoises
  #asked = ""; // options of the last run
  #looking = new AbortController();

  get settings() {
    return chosen(this.parts);
  }

  /** The whole, denoised with what is chosen: its bitmap, the result it came in, what is said of it. */
  get whole() {
    return this.#fits ? this.#shown.whole : null;
  }

  get #fits() {
    return this.#shown.fits(ofRun(this.settings));
  }

  /**
   * Open a file, after `ready`, and denoise it; the photograph before stays until this one is opened.
   * @param {File} file
   * @param {() => Promise<void>} ready
   */
  open(file, ready) {
    this.opening = file;
    if (!this.picture) this.parts.title.textContent = file.name;
    return this.work.replace(`Opening ${file.name} …`, async (signal) => {
      try {
        await ready();
        this.#lay(await open(file, this.client, { model: this.settings.model, signal }));
      } finally {
        if (this.work.signal === signal) this.opening = null;
      }
      return this.#denoise(signal);
    });
  }

  /** Whether what is chosen needs another run than the last one. */
  get needsRun() {
    return this.#asked !== key(ofRun(this.settings));
  }

  /** Denoise the photograph with what is chosen; one that is being opened will be. */
  start() {
    if (!this.picture || this.opening || (this.whole && !this.#denoising)) return;
    this.work.replace("Denoising …", (signal) => this.#denoise(signal));
  }

  /**
   * Put noise into the photograph, or take it out (null), and denoise it.
   * @param {(signal: AbortSignal) => Promise<{ bitmap: ImageBitmap, file: Blob } | null>} noisy
   */
  corrupt(noisy) {
    this.work.replace("Adding noise …", async (signal) => {
      const made = await noisy(signal);
      this.#forget();
      this.picture.replace(made);
      this.stage.before = this.picture.bitmap;
      this.stage.draw();
      return this.#denoise(signal);
    });
  }

  /** Clear the desk. */
  close() {
    this.work.cancel();
    this.opening = null;
    this.#lay(null);
    this.report.clear();
  }

  /** Let what is shown have the shares that are chosen. */
  blend() {
    const { strength, luma, chroma } = this.settings;
    this.stage.luma = strength * luma;
    this.stage.chroma = strength * chroma;
    this.stage.draw();
  }

  /** Say on the photograph what is shown of it. */
  show() {
    label(this.parts, {
      mode: this.stage.mode,
      isShown: this.#shown.isAny,
      isWhole: this.#shown.whole !== null,
      fits: this.#fits,
      isBusy: this.work.isBusy,
      isOpening: this.opening !== null,
    });
    this.changed();
  }

  async #denoise(signal) {
    const { picture, report } = this;
    const options = ofRun(this.settings);
    this.#asked = key(options);
    if (this.whole) return this.whole.said;
    report.busy("Denoising …");
    this.show();
    this.#denoising = signal;
    try {
      const whole = await run(this.client, picture, options, {
        visible: (most) => this.stage.viewport.visible(most),
        preview: (first) => this.#preview(first, options),
        progress: (status) => report.progress(status),
        signal,
      });
      this.#shown.finish(whole, options);
      this.#tell(whole.result, options);
      return whole.said;
    } finally {
      if (this.#denoising === signal) this.#denoising = null;
      this.#looking.abort();
    }
  }

  /** While the whole is denoised: what is looked at comes first. */
  async #look() {
    this.#looking.abort();
    const place = this.stage.viewport.visible(PREVIEW);
    if (!this.#denoising || !this.#fits || !this.#shown.isAny || this.#shown.covers(place)) return;
    this.#looking = new AbortController();
    const signal = AbortSignal.any([this.#denoising, this.#looking.signal]);
    const options = ofRun(this.settings);
    try {
      this.#preview(await part(this.client, this.picture, options, place, signal), options);
    } catch {
      // the whole tells what goes wrong
    }
  }

  #preview(next, options) {
    this.#shown.add(next, options);
    this.#tell(next.result, options);
  }

  /** Say what came with a result: what could not be read, and the noise that a model found. */
  #tell({ sigma: [level], warning }, { sigma }) {
    this.report.warn(warning);
    this.levels.found(sigma === undefined ? level : undefined);
    this.blend();
    this.show();
  }

  #forget() {
    this.#shown.clear();
    this.#tell({ sigma: [], warning: "" }, {});
  }

  /** Lay another photograph on the desk, or none. */
  #lay(picture) {
    const { parts, stage } = this;
    this.picture?.close();
    this.picture = picture;
    stage.before = picture?.bitmap ?? null;
    this.#forget();
    stage.draw();
    title(parts.title, picture);
    if (picture) stage.viewport.open(picture.width, picture.height);
  }
}
