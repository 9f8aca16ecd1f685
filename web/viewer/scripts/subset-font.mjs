// Makes src/fonts/*.woff2: Noto Sans CJK SC, cut down to the characters that a
// Chinese city needs, each weight in one file. Run it only to change the set:
//
//   npm install --no-save harfbuzzjs@1.6.4 wawoff2@2.0.1
//   node scripts/subset-font.mjs /usr/share/fonts/opentype/noto   (Debian: fonts-noto-cjk)
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import woff2 from 'wawoff2';

const simplifiedChinese = 2; // face of the collection: JP, KR, SC, TC, HK, then the monospaced ones
const folder = process.argv[2];
if (!folder) {
  console.error('usage: node scripts/subset-font.mjs FOLDER with NotoSansCJK-Regular.ttc and NotoSansCJK-Bold.ttc');
  process.exit(2);
}

const latin = [
  [0x20, 0x7e],
  [0xa0, 0x17f], // Latin-1, Extended-A
  [0x2010, 0x2027],
  [0x2030, 0x203b],
  [0x2070, 0x209c], // super- and subscripts
  [0x20ac, 0x20ac],
  [0x2103, 0x2103],
  [0x2116, 0x2116],
  [0x2190, 0x2199],
  [0x2200, 0x2265],
];

/** GB/T 2312: 6,763 hanzi with the Greek, Cyrillic, kana and signs beside them. */
function gb2312() {
  const decoder = new TextDecoder('gbk');
  const points = [];
  for (let row = 0xa1; row <= 0xf7; row++) {
    for (let cell = 0xa1; cell <= 0xfe; cell++) {
      const text = decoder.decode(Uint8Array.of(row, cell));
      const point = text.codePointAt(0);
      if ([...text].length === 1 && point !== 0xfffd && (point < 0xe000 || point > 0xf8ff)) points.push(point);
    }
  }
  return points;
}

const expand = ranges => ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));

const require = createRequire(import.meta.url);
const wasmFile = path.join(path.dirname(require.resolve('harfbuzzjs')), 'harfbuzz-subset.wasm');
const { instance } = await WebAssembly.instantiate(fs.readFileSync(wasmFile));
const hb = instance.exports;
hb._initialize?.();

function subset(file, points) {
  const font = fs.readFileSync(file);
  const at = hb.malloc(font.byteLength);
  new Uint8Array(hb.memory.buffer, at, font.byteLength).set(font);
  const blob = hb.hb_blob_create(at, font.byteLength, 2, 0, 0);
  const face = hb.hb_face_create(blob, simplifiedChinese);
  const input = hb.hb_subset_input_create_or_fail();
  const unicodes = hb.hb_subset_input_unicode_set(input);
  for (const point of points) hb.hb_set_add(unicodes, point);
  hb.hb_subset_input_set_flags(input, 1); // without hinting
  const features = hb.hb_subset_input_set(input, 6); // layout features
  hb.hb_set_clear(features);
  for (const tag of ['kern', 'tnum', 'ccmp', 'locl', 'mark', 'halt', 'palt']) hb.hb_set_add(features, tag.split('').reduce((n, c) => n * 256 + c.charCodeAt(0), 0));
  const made = hb.hb_subset_or_fail(face, input);
  if (!made) throw new Error(`${file}: the subsetter refuses it`);
  const out = hb.hb_face_reference_blob(made);
  const bytes = Buffer.from(new Uint8Array(hb.memory.buffer, hb.hb_blob_get_data(out, 0), hb.hb_blob_get_length(out)));
  return bytes;
}

const all = [...new Set([...expand(latin), ...gb2312()])];
for (const [file, name, points] of [
  ['NotoSansCJK-Regular.ttc', 'twind-sans-regular.woff2', all],
  ['NotoSansCJK-Bold.ttc', 'twind-sans-bold-latin.woff2', expand(latin.slice(0, 4))],
]) {
  const packed = Buffer.from(await woff2.compress(subset(path.join(folder, file), points)));
  fs.writeFileSync(path.join('src/fonts', name), packed);
  console.log(`${name}: ${points.length} characters, ${packed.length} bytes`);
}
