// Several photographs: a list to choose from, and all of them as a zip.

import { element } from "../shared/dom.js";
import { whole } from "../shared/whole.js";
import { explained } from "../shared/words.js";
import { outcomes } from "./manifest.js";
import { Report } from "./report.js";
import { download } from "./save.js";
import { ofFile } from "./settings.js";
import { Work } from "./work.js";

export class Strip {
  /**
   * @param {import("./desk.js").Desk} desk
   * @param {(file: File) => void} opened called with the one that is chosen
   */
  constructor(desk, opened) {
    this.desk = desk;
    this.parts = desk.parts;
    this.files = [];
    const { zipBar, zipStatus, zipLeft, zipCancel, archive, zipFault, zipFaultText, zipFaultDetail } = this.parts;
    const parts = {
      bar: zipBar,
      status: zipStatus,
      left: zipLeft,
      cancel: zipCancel,
      again: archive,
      fault: zipFault,
      faultText: zipFaultText,
      faultDetail: zipFaultDetail,
    };
    /** What makes the zip; the desk goes on meanwhile. */
    this.work = new Work(new Report(parts, { rest: this.parts.frame }));
    this.parts.strip.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) opened(this.files[button.dataset.index]);
    });
    archive.addEventListener("click", () => this.#archive());
    zipCancel.addEventListener("click", () => this.work.cancel());
  }

  /** Show a list of photographs below the one on the desk. */
  list(files) {
    this.files = files;
    this.parts.several.hidden = files.length < 2;
    this.parts.zip.hidden = !this.work.isBusy;
    this.parts.strip.replaceChildren(
      ...files.map((file, index) =>
        element("li", {}, element("button", { type: "button", "data-index": index, "aria-pressed": "false" }, file.name)),
      ),
    );
    this.changed();
  }

  /** Another photograph is on the desk, or is going to be. */
  changed() {
    const { opening, picture } = this.desk;
    const at = String(this.files.indexOf(opening ?? picture?.file));
    for (const button of this.parts.strip.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.index === at));
    }
  }

  /** Mark photographs that could not be denoised, and return what to say. */
  #ended(photographs) {
    const failed = photographs.map(({ status }) => status !== 200);
    for (const button of this.parts.strip.querySelectorAll("button")) {
      button.classList.toggle("failed", failed[button.dataset.index]);
    }
    const lost = photographs.filter((_, index) => failed[index]);
    if (!lost.length) return `All ${photographs.length} photographs are in denoised.zip.`;
    const why = lost.map(({ source, ...error }) => `${source}: ${explained(error).sentence}`);
    return `${photographs.length - lost.length} of ${photographs.length} photographs are in denoised.zip. ${why.join(" ")}`;
  }

  #archive() {
    const { desk, files, work, parts } = this;
    parts.zip.hidden = false;
    work.replace(`Denoising ${files.length} photographs …`, async (signal) => {
      const { format, ...options } = ofFile(desk.settings, "");
      const accept = format ? `application/zip, ${format}` : "application/zip";
      const how = { signal, progress: (status) => work.report.progress(status) };
      const { blob } = await whole(desk.client, files, { ...options, format: accept }, how);
      download(blob, "denoised.zip");
      return this.#ended(await outcomes(blob));
    });
  }
}
