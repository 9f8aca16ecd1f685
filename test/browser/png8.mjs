// Writes pictures as PNG with a palette of 256 colours, a quarter of the size
// of true colour: pictures live in git for ever.
import { deflateSync } from 'node:zlib';

/** A palette PNG of RGBA bytes, opaque. */
export function encodePng8({ width, height, data }) {
  const palette = choosePalette(data);
  const nearest = nearestIn(palette);
  const rows = Buffer.alloc((width + 1) * height); // each row begins with filter 0
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) rows[y * (width + 1) + 1 + x] = nearest(data[at], data[at + 1], data[at + 2]);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8); // 8 bits, palette
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.flat())),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** 256 colours by median cut: the box of colours with the most variance is halved until there are enough. */
function choosePalette(data) {
  const counts = new Map();
  for (let at = 0; at < data.length; at += 4) {
    const key = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  let boxes = [measure([...counts].map(([key, count]) => [key >> 16, (key >> 8) & 255, key & 255, count]))];
  while (boxes.length < 256) {
    const widest = boxes.reduce((best, box) => (box.spread > best.spread ? box : best));
    if (widest.colors.length < 2) break;
    const { axis, colors } = widest;
    colors.sort((a, b) => a[axis] - b[axis]);
    const cut = Math.max(1, Math.min(colors.length - 1, colors.findIndex(color => color[axis] > widest.mean[axis])));
    boxes = [...boxes.filter(box => box !== widest), measure(colors.slice(0, cut)), measure(colors.slice(cut))];
  }
  return boxes.map(({ mean }) => mean.map(Math.round));
}

/** Mean, widest axis and weighted variance of some colours. Rare colours count by the square root: accents must survive. */
function measure(colors) {
  const mean = [0, 0, 0];
  let weight = 0;
  for (const color of colors) {
    const w = Math.sqrt(color[3]);
    weight += w;
    for (let c = 0; c < 3; c++) mean[c] += color[c] * w;
  }
  for (let c = 0; c < 3; c++) mean[c] /= weight;
  const variance = [0, 0, 0];
  for (const color of colors) for (let c = 0; c < 3; c++) variance[c] += (color[c] - mean[c]) ** 2 * Math.sqrt(color[3]);
  const axis = variance.indexOf(Math.max(...variance));
  return { colors, mean, axis, spread: colors.length > 1 ? variance[axis] : -1 };
}

function nearestIn(palette) {
  const known = new Map();
  return (r, g, b) => {
    const key = (r << 16) | (g << 8) | b;
    let best = known.get(key);
    if (best === undefined) {
      let least = Number.POSITIVE_INFINITY;
      palette.forEach(([pr, pg, pb], i) => {
        const d = (r - pr) ** 2 + (g - pg) ** 2 + (b - pb) ** 2;
        if (d < least) {
          least = d;
          best = i;
        }
      });
      known.set(key, best);
    }
    return best;
  };
}

function chunk(type, body) {
  const out = Buffer.alloc(body.length + 12);
  out.writeUInt32BE(body.length, 0);
  out.write(type, 4, 'latin1');
  body.copy(out, 8);
  out.writeUInt32BE(crc32(out.subarray(4, body.length + 8)), body.length + 8);
  return out;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
