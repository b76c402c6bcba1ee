// What a file is, by its first bytes as the service recognises it, and what the service writes for it.

/** First bytes by type, where a dot stands for any; the names of some raw files decide below. */
const STARTS = [
  [/^\x89PNG/, "image/png"],
  [/^\xff\xd8/, "image/jpeg"],
  [/^RIFF....WEBP/s, "image/webp"],
  [/^....ftyp(avif|avis)/s, "image/avif"],
  [/^....ftyp(mif1|msf1|mif2).*avi[fs]/s, "image/avif"],
  [/^....ftypcrx /s, "image/x-raw"],
  [/^....ftyp(hei[cxms]|hev[cxms]|mif1|msf1|mif2)/s, "image/heic"],
  [/^(II[*+]\0|MM\0[*+])/, "image/tiff"],
  [/^(II(U\0|RO|RS)|MMOR|FUJIFILM)/, "image/x-raw"],
  [/^BM/, "image/bmp"],
  [/^GIF8/, "image/gif"],
  [/^(\0\0\0\x0cjP {2}|\xff\x4f\xff\x51)/, "image/jp2"],
  [/^(\xff\x0a|\0\0\0\x0cJXL )/, "image/jxl"],
];
const RAW = /\.(dng|cr2|cr3|nef|arw|raf|orf|rw2)$/i;
/** What is written in place of formats that are only read (docs/formats.md). */
const INSTEAD = {
  "image/bmp": "image/png",
  "image/gif": "image/png",
  "image/jp2": "image/png",
  "image/jxl": "image/png",
  "image/x-raw": "image/tiff",
};
const BRANDS = 40; // bytes in which the first brands of a HEIF file are

/**
 * Return the type of a file, "" if it is not known.
 * @param {File} file
 */
export async function typeOf(file) {
  const start = String.fromCharCode(...new Uint8Array(await file.slice(0, BRANDS).arrayBuffer()));
  const type = STARTS.find(([pattern]) => pattern.test(start))?.[1] ?? "";
  return type === "image/tiff" && RAW.test(file.name) ? "image/x-raw" : type;
}

/**
 * Return the type of the file that the service writes for one, unless another is chosen: HEIC where it
 * can write that.
 * @param {string} type
 */
export function written(type) {
  return INSTEAD[type] ?? type;
}

/** Whether a file of a type loses something to its size. */
export function isLossy(type) {
  return !["image/png", "image/tiff"].includes(type);
}

/**
 * Whether a JPEG has a comment, which only a JPEG that is made of it keeps (ITU-T T.81, section B.2.4).
 * @param {Blob} file
 */
export async function hasComment(file) {
  const view = new DataView(await file.arrayBuffer());
  for (let at = 2; at + 4 <= view.byteLength && view.getUint8(at) === 0xff; ) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) at++; // a fill byte
    else if (marker === 0xfe) return true;
    else if (marker === 0xda) return false; // pixels follow
    else if (marker === 0xed && !isPhotoshop(view, at + 4)) return true; // is kept the same way
    else at += 2 + view.getUint16(at + 2);
  }
  return false;
}

function isPhotoshop(view, at) {
  return [..."Photoshop 3.0"].every((letter, index) => view.getUint8(at + index) === letter.charCodeAt(0));
}
