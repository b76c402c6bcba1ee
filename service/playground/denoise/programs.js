// The same from programs: curl, Python and JavaScript with what is chosen on the page.

/**
 * Return the programs that denoise a photograph as the page does, by the names of their languages.
 * @param {URL} service
 * @param {string} name of the photograph's file
 * @param {string} output name of the denoised file
 * @param {Record<string, any>} options of the operation
 * @param {{ needsKey?: boolean }} [access] `needsKey`: they take an API key from the variable API_KEY
 */
export function programs(service, name, output, { format, ...options }, { needsKey = false } = {}) {
  const address = String(service).replace(/\/$/, "");
  const query = String(new URLSearchParams(options));
  const accept = format ? ` -H ${quoted(`Accept: ${format}`)}` : "";
  const asked = { ...options, ...(format && { format }) };
  return {
    curl: `curl${needsKey ? ' -H "Authorization: Bearer $API_KEY"' : ""} --data-binary @${quoted(name)}${accept} ${quoted(`${address}/denoise?${query}`)} -o ${quoted(output)}`,
    python: [
      "# of the Python of the service, in its folder: .venv/service-cpu/bin/python - < FILE",
      "# or of any Python that has autoencoder-service installed",
      ...(needsKey ? ["import os", ""] : []),
      "from service.client import Client",
      "",
      `with Client(${JSON.stringify(address)}${needsKey ? ', api_key=os.environ["API_KEY"]' : ""}) as client:`,
      `    result = client.denoise(${[JSON.stringify(name), ...named(asked)].join(", ")})`,
      `    result.save(${JSON.stringify(output)})`,
    ].join("\n"),
    javascript: [
      `// curl -o client.mjs ${address}/playground/client.js`,
      'import { readFile, writeFile } from "node:fs/promises";',
      'import { Client } from "./client.mjs";',
      "",
      `const photo = new Blob([await readFile(${JSON.stringify(name)})]);`,
      `const client = new Client(${JSON.stringify(address)}${needsKey ? ", { apiKey: process.env.API_KEY }" : ""});`,
      `const { blob } = await client.denoise(photo, ${JSON.stringify(asked)});`,
      `await writeFile(${JSON.stringify(output)}, blob.stream());`,
    ].join("\n"),
  };
}

/** Return arguments by their names, as Python has them. */
function named(options) {
  return Object.entries(options).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
}

/** Return a word as a shell takes it. */
function quoted(text) {
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
