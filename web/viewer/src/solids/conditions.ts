import { DataTexture, NearestFilter, RedFormat, UnsignedByteType } from 'three';
import type { Condition } from '../readings/readings';
import type { Model } from './shelf';

/** How conditions are numbered in the texture; 0 is an object without readings, drawn as ever. */
export const codes: Record<Condition, number> = { normal: 0, stale: 1, offline: 1, warning: 2, alarm: 3 };

/** Texels in a row. */
export const texels = 1024;

/** Of contents without readings. */
const nothing = texture(1, 1);

function texture(width: number, height: number): DataTexture {
  const made = new DataTexture(new Uint8Array(width * height), width, height, RedFormat, UnsignedByteType);
  made.magFilter = NearestFilter;
  made.minFilter = NearestFilter;
  made.unpackAlignment = 1;
  made.needsUpdate = true;
  return made;
}

/**
 * The conditions of one layer's objects as textures, a byte a feature of a content: a reading recolours a body
 * without its content being built or fetched again.
 */
export class Conditions {
  private byFeature: ReadonlyMap<string, Condition> = new Map();
  private revision = 0;
  private readonly made = new Map<Model, { revision: number; texture: DataTexture | undefined }>();

  /** Takes the conditions of all objects. */
  set(byFeature: ReadonlyMap<string, Condition>): void {
    this.byFeature = byFeature;
    this.revision++;
  }

  /** The texture of a content; its features' rows are its texels. */
  of(model: Model): DataTexture {
    const before = this.made.get(model);
    if (before?.revision === this.revision) return before.texture ?? nothing;
    const painted = this.paint(model, before?.texture);
    this.made.set(model, { revision: this.revision, texture: painted });
    return painted ?? nothing;
  }

  private paint(model: Model, before: DataTexture | undefined): DataTexture | undefined {
    const rows = this.byFeature.size > 0 ? model.ids?.rows : undefined;
    const bytes = before?.image.data as Uint8Array | undefined;
    bytes?.fill(0);
    let out = before;
    for (const [id, condition] of this.byFeature) {
      const row = rows?.get(id);
      const code = codes[condition];
      if (row === undefined || code === 0) continue;
      out ??= texture(texels, Math.ceil((rows?.size ?? 1) / texels));
      (out.image.data as Uint8Array)[row] = code;
    }
    if (out) out.needsUpdate = true;
    return out;
  }

  /** Frees what belongs to contents that are no longer held. */
  keep(held: ReadonlySet<Model>): void {
    for (const [model, { texture: old }] of this.made) {
      if (held.has(model)) continue;
      old?.dispose();
      this.made.delete(model);
    }
  }

  dispose(): void {
    this.keep(new Set());
  }
}
