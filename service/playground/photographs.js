// Denoise a photograph and compare before and after, through the public HTTP API.

import { Client } from "./client.js";

const element = (id) => document.getElementById(`photo-${id}`);
const shares = ["strength", "luma", "chroma"]; // of the noise to remove, 1 unless asked
let file = null;
let pending = new AbortController(); // aborts the previous request, here and in the service

const client = new Client();
const models = (await client.models()).filter((model) => model.state === "ready");
const names = new Set(models.filter((model) => model.manifest.operations.denoise?.tiles).map((model) => model.name));
for (const name of names) element("model").append(new Option(name, name, name === "photo", name === "photo"));
document.getElementById("photographs").hidden = names.size === 0;

element("file").addEventListener("change", (event) => choose(event.target.files[0]));
for (const id of ["model", "known", "sigma", ...shares, "effort", "format"]) element(id).addEventListener("change", send);
for (const id of shares) {
  element(id).addEventListener("input", () => {
    element(`${id}-shown`).value = Number(element(id).value).toFixed(2);
  });
}
element("known").addEventListener("input", () => {
  element("level").hidden = element("known").value === "blind";
});
element("cut").addEventListener("input", () => {
  element("compare").style.setProperty("--cut", `${element("cut").value}%`);
});
element("actual").addEventListener("change", () => {
  element("compare").classList.toggle("actual", element("actual").checked);
});

function choose(chosen) {
  if (!chosen) return;
  file = chosen;
  element("result").hidden = true;
  show("before", file);
  send();
}

async function send() {
  if (!file) return;
  pending.abort();
  pending = new AbortController();
  const { signal } = pending;
  const start = performance.now();
  const timer = setInterval(() => report(`${((performance.now() - start) / 1000).toFixed(0)} s`), 500);
  signal.addEventListener("abort", () => clearInterval(timer));
  const format = element("format").value;
  try {
    const result = await client.denoise(file, { ...chosen(), format, signal });
    const clean = result.blob;
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    show("after", clean);
    URL.revokeObjectURL(element("save").href);
    element("save").href = URL.createObjectURL(clean);
    element("save").download = `clean-${file.name.replace(/\.[^.]*$/, "")}.${clean.type.split("/")[1]}`;
    element("result").hidden = false;
    const stages = Object.entries(result.timings).map(([name, duration]) => `${name} ${duration} ms`);
    const noise = result.sigma.length ? `noise level ${result.sigma[0].toFixed(1)}; ` : "";
    report(`${noise}${seconds} s, on ${result.provider}: ${stages.join(", ")}`);
    const header = format ? ` -H 'Accept: ${format}'` : "";
    element("command").textContent = `curl --data-binary @photo '${client.url("denoise", chosen())}'${header} -o clean`;
    element("command").hidden = false;
  } catch (error) {
    if (!signal.aborted) report(error.detail ?? error.message, true);
  } finally {
    clearInterval(timer);
  }
}

function chosen() {
  const options = { model: element("model").value };
  if (element("known").value === "known") options.sigma = element("sigma").value;
  for (const id of [...shares, "effort"]) if (element(id).value !== "1") options[id] = element(id).value;
  return options;
}

// Formats that this browser does not display, TIFF or HEIC for example, are shown as WebP.
function show(id, blob) {
  const picture = element(id);
  URL.revokeObjectURL(picture.src);
  picture.onerror = async () => {
    picture.onerror = null;
    const shown = await client.denoise(blob, { model: element("model").value, strength: 0, format: "image/webp" });
    picture.src = URL.createObjectURL(shown.blob);
  };
  picture.src = URL.createObjectURL(blob);
}

function report(text, isError = false) {
  element("status").textContent = text;
  element("status").classList.toggle("error", isError);
}
