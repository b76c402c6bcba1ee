// Tests of the page's modules that need no browser. Run by test_modules.py, which says where they are.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const load = (name) => import(`${process.env.PAGE}/${name}`);
const { Viewport } = await load("denoise/viewport.js");
const { blend, difference } = await load("shared/blend.js");
const { psnr, ssim } = await load("shared/scores.js");
const { normal, noisy } = await load("shared/noise.js");
const { latest } = await load("shared/latest.js");
const { programs } = await load("denoise/programs.js");
const { fileName, make } = await load("denoise/save.js");
const { hasComment, isLossy, typeOf, written } = await load("denoise/format.js");
const { labels } = await load("denoise/labels.js");
const { ofFile } = await load("denoise/settings.js");
const { Work } = await load("denoise/work.js");
const { Points } = await load("codings/points.js");
const { MARKS } = await load("codings/marks.js");
const { explained } = await load("shared/words.js");
const { duration, size } = await load("shared/quantities.js");
const given = JSON.parse(await readFile(process.env.GIVEN, "utf8"));

globalThis.ImageData ??= class {
  constructor(data, width, height) {
    Object.assign(this, { data, width, height });
  }
};

function rgba(numbers) {
  const data = new Uint8ClampedArray((numbers.length / 3) * 4).fill(255);
  numbers.forEach((value, index) => (data[4 * Math.floor(index / 3) + (index % 3)] = value));
  return data;
}

test("strength, luma and chroma blend as the service blends them", () => {
  for (const { luma, chroma, expected } of given.blends) {
    const clean = rgba(given.clean);
    blend(rgba(given.noisy), clean, luma, chroma);
    const received = clean.filter((_, index) => index % 4 < 3);
    const most = Math.max(...expected.map((value, index) => Math.abs(value - received[index])));
    assert.ok(most <= 1, `${luma}, ${chroma}: off by ${most}`);
  }
});

test("PSNR and SSIM are those that the models were measured by", () => {
  const { width, height } = given;
  const [clean, other] = [given.noisy, given.clean].map((each) => new ImageData(rgba(each), width, height));
  assert.ok(Math.abs(psnr(clean.data, other.data) - given.psnr) < 1e-9);
  assert.ok(Math.abs(ssim(clean, other) - given.ssim) < 1e-6);
  assert.equal(psnr(clean.data, clean.data), Infinity);
});

test("a difference is drawn around the middle gray", () => {
  const after = rgba([10, 20, 30]);
  difference(after, rgba([10, 25, 20]), 4);
  assert.deepEqual([...after], [128, 148, 88, 255]);
});

test("noise has the level that was asked for, and is the same again", () => {
  const draw = normal(3);
  const many = Array.from({ length: 20000 }, draw);
  const mean = many.reduce((sum, each) => sum + each, 0) / many.length;
  const variance = many.reduce((sum, each) => sum + (each - mean) ** 2, 0) / many.length;
  assert.ok(Math.abs(mean) < 0.03 && Math.abs(variance - 1) < 0.05);
  const gray = new ImageData(rgba(Array(3 * 64 * 64).fill(128)), 64, 64);
  const one = noisy(gray, "white", 20);
  assert.deepEqual(noisy(gray, "white", 20).data, one.data);
  const error = Math.sqrt(255 ** 2 / 10 ** (psnr(gray.data, one.data) / 10));
  assert.ok(Math.abs(error - 20) < 0.6, `expected 20, received ${error}`);
  const grain = noisy(gray, "grain", 20).data;
  assert.ok([0, 4, 8].every((at) => grain[at] === grain[at + 1] && grain[at] === grain[at + 2]));
  const dead = noisy(gray, "dead", 50).data.filter((_, index) => index % 4 === 0);
  assert.ok(Math.abs(dead.filter((value) => value === 0).length / dead.length - 0.5) < 0.05);
});

test("zooming keeps the point below the pointer, and the picture in its window", () => {
  const view = new Viewport();
  view.resize(800, 600);
  view.open(4000, 3000);
  assert.equal(view.scale, 0.2);
  assert.deepEqual(view.visible(), { x: 0, y: 0, width: 4000, height: 3000 });
  const before = [view.x + 200 / view.scale, view.y + 150 / view.scale];
  view.zoom(1, 200, 150);
  assert.deepEqual([view.x + 200, view.y + 150], before);
  view.pan(1e6, -1e6);
  assert.deepEqual([view.x, view.y], [0, 2400]);
  view.fit();
  assert.equal(view.scale, 0.2);
  const part = view.visible(300_000);
  assert.ok(part.width * part.height <= 300_000 && part.width * part.height > 290_000);
  assert.ok(Math.abs(part.x + part.width / 2 - 2000) <= 1);
});

test("small pictures are in the middle, enlarged twofold at most", () => {
  const view = new Viewport();
  view.open(100, 50);
  view.resize(800, 600);
  assert.equal(view.scale, 2);
  assert.deepEqual([view.x, view.y], [-150, -125]);
});

test("icons are enlarged until they can be seen", () => {
  const view = new Viewport();
  view.resize(800, 600);
  for (const [side, expected] of [[1, 32], [4, 16], [40, 2]]) {
    view.open(side, side);
    assert.equal(view.scale, expected);
  }
});

test("only the newest work is done", async () => {
  const done = [];
  const work = latest(async (number) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    done.push(number);
  });
  await Promise.all([work(1), work(2), work(3)]);
  assert.deepEqual(done, [1, 3]);
});

test("what came while a task ran is done although the task failed", async () => {
  const done = [];
  const work = latest(async (number) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (number !== 2) throw new Error(`failed ${number}`);
    done.push(number);
  });
  await Promise.all([work(1), work(2)]);
  assert.deepEqual(done, [2]);
  await assert.rejects(Promise.all([work(2), work(3)]), /failed 3/);
});

test("each class of the map has a mark of its own", async () => {
  const { classes } = JSON.parse(await readFile(`${process.env.PAGE}/codings/map.json`, "utf8"));
  assert.equal(new Set(MARKS.slice(0, classes.length)).size, classes.length);
});

test("programs quote what a shell would take apart", () => {
  const keyed = programs(new URL("http://host/"), "cat.jpg", "out.jpg", {}, { needsKey: true });
  assert.match(keyed.curl, /^curl -H "Authorization: Bearer \$API_KEY" --data-binary @cat\.jpg /);
  assert.match(keyed.python, /\nimport os\n\nfrom service\.client .*api_key=os\.environ\["API_KEY"\]\) as client/s);
  assert.match(keyed.javascript, /new Client\("http:\/\/host", { apiKey: process\.env\.API_KEY }\)/);
  const { curl, python } = programs(new URL("http://host/"), "it's a cat.jpg", "out.jpg", { model: "photo", luma: 0.5, format: "image/webp" });
  assert.equal(curl, "curl --data-binary @'it'\\''s a cat.jpg' -H 'Accept: image/webp' 'http://host/denoise?model=photo&luma=0.5' -o out.jpg");
  assert.ok(python.includes('client.denoise("it\'s a cat.jpg", model="photo", luma=0.5, format="image/webp")'));
});

test("files are named after what they came from and what they are", () => {
  assert.equal(fileName("IMG_1.HEIC", "image/jpeg"), "IMG_1-denoised.jpg");
  assert.equal(fileName(".png", "image/tiff"), "photograph-denoised.tif");
  const settings = { model: "photo", strength: 1, luma: 1, chroma: 1, effort: 1, format: "", quality: 50 };
  assert.deepEqual(ofFile(settings, "image/png"), { model: "photo" });
  assert.deepEqual(ofFile(settings, ""), { model: "photo", quality: 50 }); // several, of any formats
  const wanted = { ...settings, format: "image/jpeg" };
  assert.deepEqual(ofFile(wanted, "image/png"), { model: "photo", quality: 50, format: "image/jpeg" });
});

test("files are known by their content, and so is what the service writes for them", async () => {
  for (const { base64, name, type, answered } of given.files) {
    const found = await typeOf(new File([Buffer.from(base64, "base64")], name));
    assert.equal(found, type, name);
    assert.equal(written(found), answered, name);
  }
  assert.ok(isLossy("image/heic") && !isLossy("image/png"));
  const [plain, commented] = given.comments.map((each) => new Blob([Buffer.from(each, "base64")]));
  assert.deepEqual([await hasComment(plain), await hasComment(commented)], [false, true]);
});

test("the file is made of what is on the screen only where it is the same", async () => {
  const asked = async (type, options, file = new Blob(["a"])) => {
    const sent = [];
    const client = {
      submit: () => Promise.reject({ code: "jobs-unavailable" }),
      denoise: (image, { strength }) => (sent.push(strength === 0 ? "screen" : "photograph"), { blob: image }),
    };
    const how = { signal: new AbortController().signal, progress() {} };
    await make(client, { type, written: written(type), source: file }, options, new Blob(["screen"]), how);
    return sent[0] ?? "nothing";
  };
  assert.equal(await asked("image/heic", {}), "screen");
  assert.equal(await asked("image/bmp", {}), "nothing"); // the PNG itself
  assert.equal(await asked("image/webp", {}), "photograph");
  assert.equal(await asked("image/webp", { format: "image/webp" }), "photograph");
  assert.equal(await asked("image/heic", { format: "image/webp" }), "screen");
  assert.equal(await asked("image/jpeg", { format: "image/tiff" }), "photograph");
  assert.equal(await asked("image/png", { luma: 0.5 }), "photograph");
  const [plain, commented] = given.comments.map((each) => new Blob([Buffer.from(each, "base64")]));
  assert.equal(await asked("image/jpeg", {}, plain), "screen");
  assert.equal(await asked("image/jpeg", {}, commented), "photograph");
});

test("what is said on a photograph is true of it", () => {
  const state = { mode: "divider", isShown: true, isWhole: false, fits: true, isBusy: true, isOpening: false };
  assert.equal(labels(state).note, "A preview of this part");
  const cancelled = labels({ ...state, isBusy: false });
  assert.deepEqual([cancelled.note, cancelled.right, cancelled.isStale], ["Only a part is denoised", "denoised in part", false]);
  assert.deepEqual([labels({ ...state, isShown: false }).right, labels({ ...state, isShown: false }).picture], ["", "Noisy photograph"]);
  assert.equal(labels({ ...state, isWhole: true }).right, "denoised");
  assert.ok(labels({ ...state, mode: "difference" }).picture.startsWith("Difference"));
  const stale = labels({ ...state, isWhole: true, fits: false });
  assert.deepEqual([stale.note, stale.isStale], ["Being denoised anew", true]);
});

test("one task runs at a time: another takes its place, waits for it, or ends with it", async () => {
  const told = [];
  const report = { busy: (text) => told.push(text), done: (text) => told.push(text), fault: ({ message }) => told.push(message) };
  const work = new Work(report);
  const until = (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const first = work.replace("first", until);
  const second = work.replace("second", async () => "done");
  assert.deepEqual([(await first).end, (await second).end, work.isBusy], ["replaced", "done", false]);
  const third = work.replace("third", until);
  const never = work.follow("never", () => assert.fail());
  work.cancel();
  assert.deepEqual([(await third).end, (await never).end], ["cancelled", "cancelled"]);
  const fourth = work.replace("fourth", async () => "fourth done");
  const fifth = work.follow("fifth", () => Promise.reject(new Error("broken")));
  assert.deepEqual([(await fourth).end, (await fifth).error.message], ["done", "broken"]);
  assert.deepEqual(told, ["first", "second", "done", "third", "Cancelled.", "fourth", "fourth done", "fifth", "broken"]);
});

test("the points of the map have codings and neighbours", () => {
  const base64 = (...numbers) => Buffer.from(numbers).toString("base64");
  const points = new Points({
    model: "m", version: 1, classes: ["a"], labels: [0, 0, 0], low: [-1, 0], high: [1, 10],
    codings: base64(0, 255, 255, 0, 51, 51), places: base64(0, 0, 255, 0, 0, 255),
  });
  assert.deepEqual([...points.coding(0)], [-1, 10]);
  assert.ok(Math.abs(points.coding(2)[1] - 2) < 1e-6);
  const place = (index) => points.place(index).map((each) => each * 100);
  assert.equal(points.nearest(95, 5, place, 20), 1);
  assert.equal(points.nearest(50, 50, place, 20), -1);
  assert.equal(points.next(0, [1, 0], place), 1);
  assert.equal(points.next(0, [0, 1], place), 2);
  assert.equal(points.next(0, [-1, 0], place), 0);
});

test("errors are told in words, sizes and times as people read them", () => {
  const told = explained({ code: "unsupported-media-type", status: 415, detail: "expected", requestId: "a1" });
  assert.ok(told.sentence.startsWith("This kind of file") && told.detail === "expected (request a1)");
  assert.ok(explained({ status: 0, message: "m" }).sentence.includes("cannot be reached"));
  assert.deepEqual([size(999), size(116_466), size(12_000_000)], ["999 bytes", "116 kB", "12.0 MB"].map((each) => each.replace(".0", "")));
  assert.deepEqual([0.4, 1, 12, 200].map(duration), ["less than a second", "1 second", "12 seconds", "3 minutes"]);
});
