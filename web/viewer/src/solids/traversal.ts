import { Scheduler } from '3d-tiles-renderer/core';
import { TilesRenderer } from '3d-tiles-renderer/three';
import { Group, type Mesh, type Object3D } from 'three';
import { type GLTF, GLTFLoader } from 'three/addons/loaders/GLTFLoader.js';
import type { Eye } from './eye';
import { flatten } from './flatten';
import { type FeatureIds, readFeatureIds } from './ids';
import type { Dresser } from './materials';
import type { Model, Shelf } from './shelf';

/**
 * Screen pixels of error at which finer contents are asked for. The demo's first view of Manhattan is 5.4 MB with
 * it on a page 1080 pixels high, and looks the same as with half of it, which takes 9.4 MB.
 */
const errorTarget = 14;

/** Bytes of contents that all layers together keep beyond what is in view. */
const kept = { min: 96 << 20, max: 192 << 20 };

/** What the traversal keeps of a tile; the library's types leave it open. */
interface Tile {
  engineData: { scene: Object3D | null; geometry: []; materials: []; textures: []; metadata: null };
}

interface Parsing {
  parseTile(
    buffer: ArrayBuffer,
    tile: Tile,
    extension: string,
    url: string,
    signal: AbortSignal,
  ): Promise<void>;
}

/** The traversal of one state of a layer's tileset. */
export class Traversal {
  readonly tiles: TilesRenderer;
  /** By the library's own object, which is never drawn. */
  readonly models = new Map<Object3D, Model>();
  readonly visible = new Set<Object3D>();
  /** Traversals since the tileset is there: the first ones only ask for what is below it. */
  private rounds = 0;
  private readonly urls = new Map<Object3D, string>();
  private readonly ids = new WeakMap<Object3D, FeatureIds>();

  constructor(
    url: string,
    eye: Eye,
    private readonly dresser: Dresser,
    private readonly shelf: Shelf,
    private readonly changed: () => void,
  ) {
    const tiles = new TilesRenderer(url);
    this.tiles = tiles;
    tiles.errorTarget = errorTarget;
    tiles.lruCache.minBytesSize = kept.min;
    tiles.lruCache.maxBytesSize = kept.max;
    tiles.setCamera(eye.camera);
    this.readIds();
    this.reuse();
    this.listen();
  }

  /** Chooses contents for the camera, and asks for those that are missing. */
  update(): void {
    this.tiles.update();
    if ((this.tiles as unknown as { root: unknown }).root) this.rounds++;
  }

  /** All that is in view is there; nothing may be in view. */
  get settled(): boolean {
    const { stats, root } = this.tiles as unknown as {
      root: unknown;
      stats: { downloading: number; parsing: number; queued: number };
    };
    return Boolean(root) && this.rounds > 2 && stats.downloading + stats.parsing + stats.queued === 0;
  }

  dispose(): void {
    for (const scene of [...this.models.keys()]) this.forget(scene);
    this.tiles.dispose();
  }

  private readIds(): void {
    const loader = new GLTFLoader(this.tiles.manager);
    const { ids } = this;
    loader.register(parser => ({
      name: 'TWIND_feature_ids',
      async afterRoot(result: GLTF) {
        ids.set(result.scene, await readFeatureIds(parser));
      },
    }));
    this.tiles.manager.addHandler(/\.gl(b|tf)$/, loader);
  }

  /** Contents on the shelf are neither fetched nor parsed: an empty object stands for them in the library. */
  private reuse(): void {
    const { shelf, urls } = this;
    this.tiles.registerPlugin({
      name: 'TWIND_shelf',
      fetchData: (url: string) => (shelf.has(url) ? Promise.resolve(new ArrayBuffer(16)) : null),
    } as never);
    const parsing = this.tiles as unknown as Parsing;
    const parse = parsing.parseTile.bind(this.tiles);
    parsing.parseTile = async (buffer, tile, extension, url, signal) => {
      if (shelf.has(url))
        Object.assign(tile.engineData, {
          scene: new Group(),
          geometry: [],
          materials: [],
          textures: [],
          metadata: null,
        });
      else await parse(buffer, tile, extension, url, signal);
      if (tile.engineData.scene) urls.set(tile.engineData.scene, url);
    };
  }

  private listen(): void {
    const { tiles } = this;
    const on = <T>(type: string, take: (event: T) => void) =>
      tiles.addEventListener(type as 'load-model', event => {
        take(event as unknown as T);
        this.changed();
      });
    on<{ scene: Group }>('load-model', ({ scene }) => {
      const model = this.shelf.take(this.urls.get(scene) ?? '', () => {
        const flat = flatten(scene, (mesh: Mesh) => this.dresser.material(mesh));
        return flat && { ...flat, ids: this.ids.get(scene) };
      });
      if (model) this.models.set(scene, model);
    });
    on<{ scene: Object3D }>('dispose-model', ({ scene }) => this.forget(scene));
    on<{ scene: Object3D | null; visible: boolean }>('tile-visibility-change', ({ scene, visible }) => {
      if (scene && visible) this.visible.add(scene);
      else if (scene) this.visible.delete(scene);
    });
    on('needs-update', () => undefined);
  }

  private forget(scene: Object3D): void {
    const url = this.urls.get(scene);
    if (url !== undefined && this.models.has(scene)) this.shelf.give(url);
    this.models.delete(scene);
    this.visible.delete(scene);
    this.urls.delete(scene);
  }
}

/**
 * The library's queues go on with their next step in a frame of the page, of which an edit would wait for
 * several, and frames can be slow. It asks a headset for its frames instead where there is one: this one has
 * them at once.
 */
const atOnce = {
  requestAnimationFrame: (run: () => void) => setTimeout(run, 0),
  cancelAnimationFrame: (handle: number) => clearTimeout(handle),
};
Scheduler.setXRSession(atOnce as unknown as XRSession);
