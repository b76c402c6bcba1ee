// Add noise to a thumbnail, denoise or reconstruct it, and show the result, through the public HTTP API.

import { Client } from "./client.js";

const SAMPLES = ["boot", "pullover", "trousers", "bag", "dress", "sneaker"];
const element = (id) => document.getElementById(id);
let original = null; // ImageData of the model's input, without noise
let newestRequest = 0; // responses to older ones are dropped

const client = new Client();
const models = (await client.models()).filter((model) => model.state === "ready");
const newest = new Map();
for (const model of models) {
  const isOfPhotographs = model.manifest.operations.denoise?.tiles; // photographs.js handles those
  if (!newest.has(model.name) && !isOfPhotographs) newest.set(model.name, model);
}
for (const [name, model] of newest) {
  const denoises = "denoise" in model.manifest.operations;
  const option = new Option(`${name} (${denoises ? "denoise" : "encode, decode"})`, name);
  option.selected = model.default_for.includes("denoise");
  element("model").append(option);
}

for (const name of SAMPLES) {
  const button = document.createElement("button");
  button.innerHTML = `<img src="playground/samples/${name}.png" alt="${name}">`;
  button.addEventListener("click", () => choose(`playground/samples/${name}.png`, button));
  element("samples").append(button);
}
element("file").addEventListener("change", (event) => {
  if (event.target.files[0]) choose(URL.createObjectURL(event.target.files[0]), null);
});
for (const id of ["model", "noise", "amount"]) element(id).addEventListener("input", send);
element("samples").firstChild.click();

async function choose(url, pressed) {
  for (const button of element("samples").children) {
    button.setAttribute("aria-pressed", String(button === pressed));
  }
  const picture = new Image();
  picture.src = url;
  try {
    await picture.decode();
  } catch {
    report("The browser cannot decode this file.", true);
    return;
  }
  original = grayscale(picture, 28);
  draw("original", original);
  await send();
}

// Convert to gray and fit onto black, the aspect ratio kept, as ?fit=true does on the server.
function grayscale(picture, size) {
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillRect(0, 0, size, size);
  const scale = size / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  context.drawImage(picture, (size - width) / 2, (size - height) / 2, width, height);
  const image = context.getImageData(0, 0, size, size);
  mapGray(image, (gray) => gray);
  return image;
}

function mapGray(image, change) {
  const data = image.data;
  for (let i = 0; i < data.length; i += 4) {
    const gray = 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
    data.fill(change(gray), i, i + 3); // a clamped array rounds and clips
  }
}

function addNoise(image, kind, amount) {
  const copy = new ImageData(new Uint8ClampedArray(image.data), image.width, image.height);
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  if (kind === "dead") mapGray(copy, (gray) => (Math.random() < amount ? 0 : gray));
  if (kind === "gaussian") mapGray(copy, (gray) => gray + 255 * amount * normal());
  return copy;
}

async function send() {
  const request = ++newestRequest;
  const model = newest.get(element("model").value);
  element("shown").value = Number(element("amount").value).toFixed(2);
  const noisy = addNoise(original, element("noise").value, Number(element("amount").value));
  draw("noisy", noisy);
  show("before", psnr(original, noisy));
  try {
    const { picture, timing, command } = await restore(model, noisy);
    if (request !== newestRequest) return;
    const canvas = context("output", picture);
    canvas.drawImage(picture, 0, 0);
    const output = canvas.getImageData(0, 0, picture.width, picture.height);
    show("after", psnr(original, output));
    element("command").textContent = command;
    report(`${model.name}, version ${model.version}, on ${model.execution_provider}: ${timing}`, false);
  } catch (error) {
    if (request === newestRequest) report(error.detail ?? error.message, true);
  }
}

async function restore({ name: model, version, manifest }, image) {
  const sent = { model, version, fit: true };
  const curl = (operation, options, file) => `curl --data-binary @${file} '${client.url(operation, options)}'`;
  let result;
  let command;
  if ("denoise" in manifest.operations) {
    result = await client.denoise(image, sent);
    command = `${curl("denoise", sent, "picture.png")} -o clean.png`;
  } else {
    const codings = await client.encode(image, sent);
    result = await client.decode(codings, { model, version, format: "png" });
    command =
      `${curl("encode", sent, "picture.png")} -H 'Accept: application/x-npy' -o codings.npy\n` +
      `${curl("decode", { model, version }, "codings.npy")} -H 'Accept: image/png' -o clean.png`;
  }
  const timing = Object.entries(result.timings).map(([name, duration]) => `${name} ${duration} ms`).join(", ");
  return { picture: await createImageBitmap(result.blob), timing, command };
}

function context(id, { width, height }) {
  const canvas = element(id);
  [canvas.width, canvas.height] = [width, height];
  return canvas.getContext("2d", { willReadFrequently: true });
}

function draw(id, image) {
  context(id, image).putImageData(image, 0, 0);
}

function psnr(clean, image) {
  let squares = 0;
  for (let i = 0; i < clean.data.length; i += 4) squares += (clean.data[i] - image.data[i]) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / (clean.data.length / 4)));
}

function show(id, decibels) {
  element(id).textContent = Number.isFinite(decibels) ? `${decibels.toFixed(1)} dB` : "";
}

function report(text, isError) {
  element("status").textContent = text;
  element("status").classList.toggle("error", isError);
}
