// Walks a 3D Tiles tileset over HTTP, as a client that shows everything.
import { gunzipSync } from 'node:zlib';

export async function bytes(url) {
  const r = await fetch(url);
  if (!r.ok) throw new Error(`${url}: ${r.status} ${await r.text()}`);
  let b = new Uint8Array(await r.arrayBuffer());
  if (b[0] === 0x1f && b[1] === 0x8b) b = new Uint8Array(gunzipSync(b));
  return b;
}

/** Yields { uri, bytes, tile } of every content below a tileset, external ones included. */
export async function* contents(url) {
  const tileset = JSON.parse(new TextDecoder().decode(await bytes(url)));
  yield* below(tileset.root, url);
}

async function* below(tile, base) {
  if (tile.content) {
    const uri = new URL(tile.content.uri, base).href;
    if (new URL(uri).pathname.endsWith('.json')) yield* contents(uri);
    else yield { uri, tile, bytes: await bytes(uri) };
  }
  for (const child of tile.children ?? []) yield* below(child, base);
}
