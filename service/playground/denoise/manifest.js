// What became of each photograph of a zip that the service wrote: its last entry, manifest.json.

const CENTRAL = 0x02014b50; // signatures of a central directory's entry and of its end record
const END = 0x06054b50;
const END_SIZE = 22;
const LOCAL_SIZE = 30;

/**
 * Return what a zip's manifest says of each photograph.
 * @param {Blob} zip whose manifest is stored, and the last entry (APPNOTE.TXT 6.3.10)
 * @returns {Promise<{ source: string, status: number, code?: string, detail?: string }[]>}
 */
export async function outcomes(zip) {
  const end = await view(zip, zip.size - END_SIZE, zip.size);
  if (end.getUint32(0, true) !== END) throw new Error("expected a zip without a comment, received another");
  const from = end.getUint32(16, true);
  const directory = await view(zip, from, from + end.getUint32(12, true));
  let at = 0;
  let last = -1;
  while (at + 46 <= directory.byteLength && directory.getUint32(at, true) === CENTRAL) {
    last = at;
    at += 46 + directory.getUint16(at + 28, true) + directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
  }
  if (last < 0) throw new Error("expected a zip with a manifest, received one without entries");
  const size = directory.getUint32(last + 24, true);
  const start = directory.getUint32(last + 42, true);
  const header = await view(zip, start, start + LOCAL_SIZE);
  const content = start + LOCAL_SIZE + header.getUint16(26, true) + header.getUint16(28, true);
  return JSON.parse(await zip.slice(content, content + size).text()).photographs;
}

async function view(zip, from, to) {
  return new DataView(await zip.slice(Math.max(0, from), to).arrayBuffer());
}
