// Denoise a photograph and compare before and after, through the public HTTP API.

const element = (id) => document.getElementById(`photo-${id}`);
const shares = ["strength", "luma", "chroma"]; // of the noise to remove, 1 unless asked
let file = null;
let pending = new AbortController(); // aborts the previous request, here and in the service

const models = (await (await fetch("models")).json()).models.filter((model) => model.state === "ready");
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
  const path = `denoise?${query()}`;
  const accept = element("format").value;
  try {
    const headers = accept ? { Accept: accept } : {};
    const response = await fetch(path, { method: "POST", body: file, headers, signal });
    if (!response.ok) throw new Error((await response.json()).detail);
    const clean = await response.blob();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    show("after", clean);
    element("save").href = element("after").src;
    element("save").download = `clean-${file.name.replace(/\.[^.]*$/, "")}.${clean.type.split("/")[1]}`;
    element("result").hidden = false;
    const stages = (response.headers.get("Server-Timing") ?? "").replaceAll(";dur=", " ").replaceAll(",", " ms,");
    const level = response.headers.get("X-Noise-Sigma");
    const noise = level ? `noise level ${Number(level).toFixed(1)}; ` : "";
    report(`${noise}${seconds} s, on ${response.headers.get("X-Execution-Provider")}: ${stages} ms`);
    const header = accept ? ` -H 'Accept: ${accept}'` : "";
    element("command").textContent = `curl --data-binary @photo '${new URL(path, location.href)}'${header} -o clean`;
    element("command").hidden = false;
  } catch (error) {
    if (error.name !== "AbortError") report(error.message, true);
  } finally {
    clearInterval(timer);
  }
}

function query() {
  const parameters = new URLSearchParams({ model: element("model").value });
  if (element("known").value === "known") parameters.set("sigma", element("sigma").value);
  for (const id of [...shares, "effort"]) if (element(id).value !== "1") parameters.set(id, element(id).value);
  return parameters;
}

function show(id, blob) {
  URL.revokeObjectURL(element(id).src);
  element(id).src = URL.createObjectURL(blob);
}

function report(text, isError = false) {
  element("status").textContent = text;
  element("status").classList.toggle("error", isError);
}
