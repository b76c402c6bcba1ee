// Several photographs: a list to choose from, and all of them as a zip.

import { element } from "../shared/dom.js";
import { isCancelled } from "../shared/words.js";
import { archive } from "./archive.js";
import { download, fileOptions } from "./save.js";

/**
 * Show a list of photographs below the one on the desk.
 * @param {import("./desk.js").Desk} desk
 * @param {(file: File) => void} opened called with the one that is chosen
 */
export function strip(desk, opened) {
  const { parts, report } = desk;
  let files = [];
  let pending = new AbortController();

  function mark(file) {
    for (const button of parts.strip.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.index === String(files.indexOf(file))));
    }
  }

  parts.strip.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    mark(files[button.dataset.index]);
    opened(files[button.dataset.index]);
  });
  parts.cancel.addEventListener("click", () => pending.abort());
  parts.archive.addEventListener("click", async () => {
    desk.pending.abort();
    const { signal } = (pending = new AbortController());
    report.busy(`Denoising ${files.length} photographs …`);
    try {
      const options = fileOptions(desk.settings, desk.picture);
      const zip = await archive(desk.client, files, options, { signal, progress: (status) => report.progress(status) });
      download(zip, "denoised.zip");
      report.done("All photographs are in denoised.zip; its manifest.json says what of each.");
    } catch (error) {
      if (isCancelled(error, signal)) report.done("Cancelled.", { again: true });
      else report.fault(error);
    }
  });

  return (chosen) => {
    files = chosen;
    parts.several.hidden = files.length < 2;
    parts.strip.replaceChildren(
      ...files.map((file, index) =>
        element("li", {}, element("button", { type: "button", "data-index": index, "aria-pressed": "false" }, file.name)),
      ),
    );
    mark(files[0]);
  };
}
