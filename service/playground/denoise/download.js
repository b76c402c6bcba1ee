// The button to download the denoised file, and how large it is.

import { settled } from "../shared/dom.js";
import { size } from "../shared/quantities.js";
import { download, fileName, isOnScreen, make } from "./save.js";
import { key, ofFile } from "./settings.js";

const SMALL = 2_000_000; // pixels of photographs whose file is made before anybody asks for it

export class Download {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.parts = desk.parts;
    this.#soon = settled(400, () => this.#prepare());
    this.parts.download.addEventListener("click", () => this.#save());
  }

  #soon;
  /** The file that is made, or being made: of what, by which options, and who is told how far it is. */
  #file = null;
  /** Whether somebody asked for the file and waits for it. */
  #isWanted = false;

  get options() {
    const { settings, picture } = this.desk;
    const format = settings.format || (picture.hasAddedNoise ? picture.written : ""); // what is sent is a PNG
    return ofFile({ ...settings, format }, picture.written);
  }

  /** The type of the file, as far as it is known before it is made. */
  get type() {
    return this.#made?.type ?? (this.desk.settings.format || this.desk.picture.written);
  }

  /** Something on the desk, or of the settings, is another: say what the file would be. */
  changed() {
    const { picture, opening } = this.desk;
    const { download: button, sizes } = this.parts;
    if (this.#file && !this.#fits(this.#file)) this.#drop();
    button.disabled = !picture || opening !== null;
    button.textContent = this.#isWanted && this.desk.work.isBusy ? "Download follows" : "Download";
    const before = picture && !picture.hasAddedNoise ? `${size(picture.file.size)} before` : "";
    const after = this.#made ? `${size(this.#made.size)} after` : "";
    sizes.textContent = [before, after].filter(Boolean).join(", ");
    this.#soon();
  }

  get #made() {
    return this.#file?.made ?? null;
  }

  #fits({ source, key: known }) {
    const { picture } = this.desk;
    return picture !== null && source === picture.source && known === key(this.options);
  }

  #drop() {
    this.#file.controller.abort();
    this.#file = null;
  }

  /** Make the file of a small photograph, so that its size can be seen, if that takes no run. */
  async #prepare() {
    const { picture, whole, work } = this.desk;
    if (this.#file || !whole || work.isBusy || picture.width * picture.height > SMALL) return;
    const isCheap = await isOnScreen(picture, this.options);
    if (isCheap && this.desk.whole === whole) this.#ready().catch(() => {}); // said where somebody asks for it
  }

  /** Return the file that the settings ask for, which is made once. */
  async #ready(progress) {
    const { client, picture, whole } = this.desk;
    if (!this.#file) {
      const controller = new AbortController();
      const file = { source: picture.source, key: key(this.options), controller, made: null, progress: null };
      const how = { signal: controller.signal, progress: (status) => file.progress?.(status) };
      file.making = make(client, picture, this.options, whole?.result.blob ?? null, how);
      this.#file = file;
    }
    const file = this.#file;
    file.progress = progress;
    try {
      file.made = await file.making;
      if (file === this.#file) this.desk.changed();
      return file.made;
    } catch (error) {
      if (file === this.#file) this.#drop();
      throw error;
    }
  }

  /** Save the file, once the photograph is denoised; other settings or another photograph end that. */
  async #save() {
    if (this.#isWanted) return;
    const { work, report, picture } = this.desk;
    const saved = (blob) => download(blob, fileName(picture.file.name, blob.type));
    if (this.#made && !work.isBusy) return saved(this.#made);
    this.#isWanted = true;
    const ended = work.follow("Making the file …", async (signal) => {
      const stop = () => this.#file && this.#drop();
      signal.addEventListener("abort", stop);
      const blob = await this.#ready((status) => report.progress(status)).finally(() => signal.removeEventListener("abort", stop));
      signal.throwIfAborted();
      saved(blob);
      return "The file is made.";
    });
    this.desk.changed();
    await ended;
    this.#isWanted = false;
    this.desk.changed();
  }
}
