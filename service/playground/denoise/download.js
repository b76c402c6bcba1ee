// The button to download the denoised file, and how large it is.

import { settled } from "../shared/dom.js";
import { size } from "../shared/quantities.js";
import { isCancelled } from "../shared/words.js";
import { Saved, download, fileName, fileOptions, isFile, make } from "./save.js";
import { key } from "./settings.js";

const SMALL = 2_000_000; // pixels of photographs whose file is made before anybody asks for it

export class Download {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.parts = desk.parts;
    this.saved = new Saved();
    this.pending = new AbortController();
    this.#soon = settled(400, () => this.#prepare());
    this.parts.download.addEventListener("click", () => this.#save());
  }

  #soon;
  /** The file that is being made: for whom, and who is told how far it is. */
  #making = null;

  /** What is on the desk, or what is chosen, is another: say what the file would be. */
  changed({ isAnother = false } = {}) {
    this.pending.abort();
    if (isAnother) this.saved.clear();
    this.parts.download.disabled = !this.desk.picture;
    this.#say();
    this.#soon();
  }

  get #options() {
    return fileOptions(this.desk.settings, this.desk.picture);
  }

  /** Make the file of a small photograph, so that its size can be seen. */
  async #prepare() {
    const { picture, whole } = this.desk;
    if (!picture || !whole || picture.width * picture.height > SMALL) return;
    try {
      await this.#ready();
    } catch {
      // said where somebody asks for the file
    }
  }

  /** Return the file that the settings ask for. */
  async #ready(progress) {
    const { desk, saved } = this;
    const options = this.#options;
    if (saved.fits(options)) return saved.blob;
    if (this.#making?.key !== key(options) || this.pending.signal.aborted) {
      this.pending.abort();
      const { signal } = (this.pending = new AbortController());
      const making = { key: key(options), progress: () => {}, blob: null };
      this.#making = making;
      const denoised = desk.whole?.result.blob ?? null;
      const own = denoised && isFile(desk.settings, desk.picture) ? denoised : null;
      const how = { signal, progress: (status) => making.progress(status) };
      making.blob = own ?? make(desk.client, desk.picture, options, denoised, how);
    }
    const { signal } = this.pending;
    const making = this.#making;
    if (progress) making.progress = progress;
    try {
      const blob = await making.blob;
      signal.throwIfAborted();
      saved.keep(options, blob);
      this.#say();
      return blob;
    } finally {
      if (this.#making === making) this.#making = null;
    }
  }

  async #save() {
    const { desk } = this;
    const { report, picture } = desk;
    const isNew = !this.saved.fits(this.#options);
    if (isNew) report.busy("Making the file …");
    try {
      const blob = await this.#ready((status) => report.progress(status));
      if (isNew) report.done("The file is made.");
      download(blob, fileName(picture.file.name, blob.type));
    } catch (error) {
      if (isCancelled(error, this.pending.signal)) report.done("Cancelled.");
      else report.fault(error);
    }
  }

  #say() {
    const { picture } = this.desk;
    if (!picture) return;
    const before = picture.source === picture.file ? `${size(picture.file.size)} before` : "";
    const after = this.saved.fits(this.#options) ? `${size(this.saved.blob.size)} after` : "";
    this.parts.sizes.textContent = [before, after].filter(Boolean).join(", ");
  }
}
