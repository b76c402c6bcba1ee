// The JavaScript client in Node, against the real service and against one that answers as it is told to.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const { CLIENT, SERVICE, PHOTOGRAPH, CERTIFICATE } = process.env;
const { Client, NpyArray, ServiceError } = await import(CLIENT);
const client = new Client(SERVICE);
const photograph = new Blob([await readFile(PHOTOGRAPH)]);
const gray = new NpyArray(Uint8Array.from({ length: 16 }, (_, i) => 16 * i), [1, 4, 4]);

/** Serve answers, each a function of a response, and return a client of them and the bodies received. */
async function scripted(answers, options, test) {
  const bodies = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    bodies.push(Buffer.concat(parts).toString("latin1"));
    answers.shift()(response);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    await test(new Client(`http://127.0.0.1:${server.address().port}`, options), bodies);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const answer = (status, body, headers = {}) => (response) => response.writeHead(status, headers).end(body);
const problem = (status, code) =>
  answer(status, JSON.stringify({ status, code, title: code, detail: "expected less" }), {
    "Content-Type": "application/problem+json",
    "X-Request-Id": "17",
  });

test("a photograph comes back in its own format, or in the one chosen", async () => {
  const result = await client.denoise(photograph, { sigma: 20, region: [0, 0, 32, 24] });
  assert.equal(result.mediaType, "image/jpeg");
  assert.equal(result.blob.type, "image/jpeg");
  assert.deepEqual([result.model, result.version, result.provider], ["informed", 1, "CPUExecutionProvider"]);
  assert.deepEqual(result.sigma, [20]);
  assert.deepEqual(Object.keys(result.timings), ["parse", "queue", "inference", "write"]);
  const bytes = new Uint8Array(await photograph.arrayBuffer());
  for (const image of [bytes, bytes.buffer, new DataView(bytes.buffer)]) {
    assert.equal((await client.denoise(image, { format: "webp" })).mediaType, "image/webp");
  }
});

test("several photographs come back in a zip, also as a job", async () => {
  const files = ["one.jpg", "two.jpg"].map((name) => new File([photograph], name));
  const options = { sigma: 20, region: [0, 0, 32, 24], format: "zip" };
  const result = await client.denoise(files, options);
  assert.equal(result.mediaType, "application/zip");
  const names = Buffer.from(await result.blob.arrayBuffer()).toString("latin1");
  assert.ok(["one.jpg", "two.jpg", "manifest.json"].every((name) => names.includes(name)));
  const job = await client.submit(files, options);
  assert.equal((await job.result()).mediaType, "application/zip");
});

test("arrays come back as arrays of their type", async () => {
  const half = await (await client.denoise(gray)).array();
  assert.deepEqual([half.shape, half.data], [[1, 4, 4], gray.data.map((each) => each / 2)]);
  const colour = new NpyArray(new Float32Array(2 * 9 * 8 * 3).fill(0.5), [2, 9, 8, 3]);
  const result = await client.denoise(colour);
  assert.equal(result.model, "informed");
  const { data, shape } = await result.array();
  assert.ok(data instanceof Float32Array);
  assert.deepEqual(shape, colour.shape);
  await assert.rejects(client.denoise(photograph).then((each) => each.array()), /expected application\/x-npy/);
});

test("pixels of a canvas are sent without loss", async () => {
  const data = new Uint8ClampedArray(4 * 4 * 4).map((_, i) => (i % 4 === 3 ? 255 : 60 * (i >> 4)));
  const codings = await (await client.encode({ data, width: 4, height: 4 })).array();
  assert.deepEqual(codings.data, new Float32Array(16).map((_, i) => (60 * (i >> 2)) / 255));
});

test("codings go there and back", async () => {
  const codings = await client.encode(gray);
  const images = await (await client.decode(codings)).array();
  assert.deepEqual(images.data, new Float32Array(gray.data).map((each) => each / 255));
  assert.equal((await client.decode(await codings.array(), { format: "png" })).mediaType, "image/png");
});

test("images and rows are reconstructed and scored", async () => {
  const again = await (await client.reconstruct(gray, { model: "dim" })).array();
  assert.equal(again.data.length, 16);
  const scores = await client.score(gray, { model: "dim", map: true });
  assert.equal(scores.model, "dim");
  assert.equal(scores.maps[0].length, 4);
  assert.equal(scores.isAnomaly, null);
  const rows = [{ size: 4, colour: "red" }];
  assert.deepEqual([...(await (await client.encode(rows, { model: "table" })).array()).data], [4, 1, 0]);
  assert.deepEqual([...(await (await client.reconstruct(rows, { model: "table" })).array()).data], [2, 0.5, 0]);
  assert.deepEqual((await client.score(rows, { model: "table", map: true })).columns, ["size", "colour"]);
  await assert.rejects(client.score([{ size: "big", colour: "red" }], { model: "table" }), { code: "invalid-value" });
});

test("neighbours of images, rows and codings are found", async () => {
  const found = await client.neighbours(gray, { model: "indexed", k: 2 });
  assert.deepEqual([found.model, found.ids.length, found.ids[0].length], ["indexed", 1, 2]);
  assert.ok(found.distances[0][0] <= found.distances[0][1]);
  const codings = await client.encode(gray, { model: "indexed" });
  const again = await client.neighbours(codings, { model: "indexed", k: 2 });
  assert.deepEqual(again.ids, found.ids);
  const of = "codings";
  assert.deepEqual((await client.neighbours(await codings.array(), { model: "indexed", k: 2, of })).labels, found.labels);
  const rows = [{ size: 4, colour: "red" }];
  assert.deepEqual((await client.neighbours(rows, { model: "table", k: 1 })).ids, [["red"]]);
  await assert.rejects(client.neighbours(gray, { model: "dim" }), { code: "operation-not-offered" });
});

test("noise is estimated, models and readiness are told", async () => {
  const estimate = await client.estimate(photograph);
  assert.ok(estimate.noise[0].sigma > 0);
  assert.equal(estimate.model, "informed");
  assert.ok((await client.models()).some(({ name, version }) => name === "half" && version === 1));
  assert.equal((await client.model("half")).version, 2);
  assert.equal((await client.model("half", 1)).version, 1);
  await assert.rejects(client.model("half", 3), { code: "model-not-found" });
  assert.equal(await client.ready(), true);
  assert.equal(await new Client("http://127.0.0.1:1").ready(), false);
});

test("a certificate that is not trusted is told, and at once", async () => {
  const [key, cert] = await Promise.all(["key.pem", "cert.pem"].map((name) => readFile(`${CERTIFICATE}/${name}`)));
  const server = createTlsServer({ key, cert }, (_, response) => response.end());
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const distrustful = new Client(`https://127.0.0.1:${server.address().port}`);
  try {
    await assert.rejects(distrustful.ready(), /health\/ready: fetch failed: DEPTH_ZERO_SELF_SIGNED_CERT/);
    await assert.rejects(distrustful.models(), { message: /SELF_SIGNED_CERT/, status: 0 });
  } finally {
    server.close();
  }
  await assert.rejects(new Client(SERVICE.replace("http:", "https:")).ready(), ServiceError);
});

test("an API key is sent without the ends of a line, and no error shows one", async () => {
  const keys = [];
  const fetch = (_, { headers }) => Promise.resolve(new Response((keys.push(headers.Authorization), '{"models": []}')));
  await new Client(SERVICE, { apiKey: " secret\r\n", fetch }).models();
  assert.deepEqual(keys, ["Bearer secret"]);
  for (const apiKey of ["secret\nsecret", "sécret", " \n"]) {
    assert.throws(() => new Client(SERVICE, { apiKey }), (error) => /^apiKey: expected/.test(error.message) && !/s.cret/.test(error.message));
  }
});

test("a refusal is an error with the code of its problem", async () => {
  await assert.rejects(client.denoise(gray, { model: "none" }), (error) => {
    assert.ok(error instanceof ServiceError);
    assert.deepEqual([error.status, error.code, error.title], [404, "model-not-found", "Model not found"]);
    assert.equal(error.message, `${error.title}: ${error.detail}`);
    assert.equal(error.requestId.length, 32);
    return true;
  });
  await assert.rejects(client.denoise("text"), /expected a Blob, .* received \[object String\]/);
});

test("many are denoised, and what fails is told beside", async () => {
  const files = [["a.jpg", photograph], ["b.jpg", new Blob(["no picture"])], new File([photograph], "c.jpg")];
  const outcomes = {};
  for await (const [name, outcome] of client.denoiseMany(files, { atOnce: 2 })) outcomes[name] = outcome;
  assert.equal(outcomes["a.jpg"].mediaType, "image/jpeg");
  assert.equal(outcomes["b.jpg"].code, "unsupported-media-type");
  assert.equal(outcomes["c.jpg"].mediaType, "image/jpeg");
  for (const atOnce of [0, -1, 0.5]) {
    await assert.rejects(client.denoiseMany(files, { atOnce }).next(), /atOnce: expected a whole number of 1 or more/);
  }
});

test("a body is sent again in full after each failure", async () => {
  const answers = [
    answer(503, "{}", { "Retry-After": new Date(0).toUTCString() }),
    answer(429, "{}", { "Retry-After": "0" }),
    answer(502, "<html>"),
    (response) => response.writeHead(200, { "Content-Length": 1000 }).write("half", () => response.destroy()),
    answer(200, "picture", {
      "Content-Type": "image/png; a=b",
      "Server-Timing": "parse;dur=1.5, queue;dur=2",
      "X-Image-Warning": "truncated; rows 3 of 4",
    }),
  ];
  await scripted(answers, {}, async (client, bodies) => {
    const result = await client.denoise(gray, { model: "half" });
    assert.equal(await result.blob.text(), "picture");
    assert.equal(result.warning, "truncated; rows 3 of 4");
    assert.deepEqual(result.timings, { parse: 1.5, queue: 2 });
    assert.equal(bodies.length, 5);
    assert.equal(new Set(bodies).size, 1);
    assert.ok(bodies[0].startsWith("\x93NUMPY"));
  });
});

test("a job is submitted again only where nothing was stored of it", async () => {
  const submitted = answer(202, JSON.stringify({ id: "a", state: "queued", operation: "denoise" }));
  const refusals = [answer(429, ""), problem(503, "deadline-exceeded"), problem(429, "overloaded")];
  const options = { retries: 1, timeout: 20_000 };
  for (const refusal of refusals) {
    await scripted([refusal, submitted], options, async (client, bodies) => {
      assert.equal((await client.submit(gray, { model: "half" })).id, "a");
      assert.equal(bodies.length, 2);
    });
  }
  const cut = (response) => response.destroy();
  const soon = { "Retry-After": "0" };
  for (const open of [answer(502, ""), answer(503, "", soon), answer(504, "<html>"), problem(503, "shutting-down"), cut]) {
    await scripted([open, submitted], options, async (client, bodies) => {
      await assert.rejects(client.submit(gray, { model: "half" }), ServiceError);
      assert.equal(bodies.length, 1);
    });
  }
});

test("the last error is thrown, once there is no time or no attempt left", async () => {
  for (const [answers, options, told] of [
    [[answer(502, "<html>a page</html>", { "Content-Type": "text/html" })], { retries: 0 }, /received 502 of type text\/html: <html>a/],
    [[problem(500, "internal-error")], {}, { code: "internal-error", requestId: "17" }],
    [[answer(429, "{}", { "Retry-After": "60" })], { timeout: 2000 }, { status: 429 }],
    [[answer(200, "no JSON")], {}, /expected JSON with models, received 200/],
    [[() => {}], { timeout: 100 }, /no answer within/],
  ]) {
    await scripted(answers, options, (client) => assert.rejects(client.models(), told));
  }
});

test("a signal ends a call and its pauses", async () => {
  for (const first of [() => {}, answer(429, "{}", { "Retry-After": "60" })]) {
    await scripted([first], {}, async (client) => {
      await assert.rejects(client.denoise(gray, { model: "half", signal: AbortSignal.timeout(100) }), { name: "TimeoutError" });
    });
  }
  await assert.rejects(client.models({ signal: AbortSignal.abort(new Error("over")) }), /over/);
});

test("a job returns what its operation does", async () => {
  const submitted = await client.submit(photograph, { sigma: 20, format: "png" });
  const states = [];
  await submitted.wait(({ state }) => states.push(state));
  assert.equal(states.at(-1), "succeeded");
  const result = await (await client.job(submitted.id)).result();
  const direct = await client.denoise(photograph, { sigma: 20, format: "png" });
  assert.deepEqual(await result.blob.arrayBuffer(), await direct.blob.arrayBuffer());
  assert.deepEqual((await (await client.submit(gray, { operation: "encode" })).result()).mediaType, "application/x-npy");
  assert.ok((await (await client.submit(photograph, { operation: "estimate" })).result()).noise[0].sigma > 0);
  await submitted.cancel();
  await assert.rejects(client.job(submitted.id), { code: "job-not-found" });
});

const job = (state, done) =>
  JSON.stringify({ id: "a b", state, operation: "denoise", seconds_left: 0, error: null, progress: { share: done } });

test("a job is followed by its events, cut where they like", async () => {
  const stream = (response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(`: hello\r\n\r\nevent: progress\r\ndata: ${job("running", 0.5)}\r`);
    setTimeout(() => response.end(`\n\r\nevent: end\ndata: ${job("succeeded", 1)}\n\n`), 20);
  };
  const answers = [answer(202, job("queued", 0)), stream, answer(200, "picture", { "Content-Type": "image/png" })];
  await scripted(answers, {}, async (client) => {
    const submitted = await client.submit(photograph, { sigma: 3 });
    const shares = [];
    await submitted.wait((status) => shares.push(status.progress.share));
    assert.deepEqual(shares, [0.5, 1]);
    assert.equal(await (await submitted.result()).blob.text(), "picture");
  });
});

test("jobs are listed page by page, in the states that are wanted", async () => {
  const page = (id, next) => answer(200, JSON.stringify({ jobs: [{ ...JSON.parse(job("failed", 0)), id }], next }));
  const paths = [];
  const noted = (respond) => (response) => {
    paths.push(response.req.url);
    respond(response);
  };
  await scripted([noted(page("b", "17-a")), noted(page("a", null))], {}, async (client) => {
    const ids = [];
    for await (const each of client.jobs({ states: ["queued", "failed"] })) ids.push(each.id);
    assert.deepEqual(ids, ["b", "a"]);
    assert.deepEqual(paths, ["/jobs?state=queued%2Cfailed", "/jobs?state=queued%2Cfailed&cursor=17-a"]);
  });
  await assert.rejects(client.jobs().next(), { code: "listing-forbidden" });
});

test("a job whose events are held up is asked for", async () => {
  const failed = JSON.stringify({ ...JSON.parse(job("failed", 0)), error: { status: 422, code: "invalid-value", title: "Invalid", detail: "x" } });
  const answers = [answer(200, job("queued", 0)), answer(502, ""), answer(200, job("running", 0.5)), answer(200, failed)];
  await scripted(answers, {}, async (client) => {
    const found = await client.job("a b");
    await assert.rejects(found.result(), { code: "invalid-value", message: "Invalid: x" });
    assert.equal(found.isFinished, true);
  });
  await scripted([answer(202, job("cancelled", 0)), problem(404, "job-not-found")], {}, async (client) => {
    const submitted = await client.submit(photograph);
    await assert.rejects(submitted.result(), { code: "job-cancelled" });
    await submitted.cancel();
  });
});
