import {
  BufferAttribute,
  BufferGeometry,
  Group,
  InstancedBufferAttribute,
  InstancedMesh,
  Matrix4,
  Mesh,
  MeshStandardMaterial,
} from 'three';
import type { GLTFParser } from 'three/addons/loaders/GLTFLoader.js';
import { describe, expect, it } from 'vitest';
import { mercator } from '../map/tiles';
import { standpoint } from './eye';
import { featureName, flatten, topName } from './flatten';
import { axesAt, fromEarth, toEarth, type Vector } from './geodesy';
import { FeatureIds, readFeatureIds } from './ids';
import { Dresser } from './materials';
import { Anchor } from './placing';
import { type Model, Shelf } from './shelf';

const world = 40075016.685578488;

describe('geodesy', () => {
  it('knows places of EPSG guidance note 7-2, 2.2.1', () => {
    const [x, y, z] = toEarth(2.12955, 53.8093944444, 73);
    expect([x, y, z].map(Math.round)).toEqual([3771794, 140253, 5124304]);
  });
  it.each([
    [-74.0077, 40.7122, 0],
    [112.98, 28.2, -3.25],
    [-120.3352, 50.6735, 1e4],
    [0, 0, 0],
    [179.9, -84.9, 5e5],
  ])('returns to %d, %d, %d m', (lon, lat, height) => {
    const [a, b, c] = fromEarth(...toEarth(lon, lat, height));
    expect(a).toBeCloseTo(lon, 10);
    expect(b).toBeCloseTo(lat, 10);
    expect(c).toBeCloseTo(height, 5);
  });
});

/** A content: squares in a tangent frame at a place, y up as in glTF, with a matrix to the earth's frame. */
function frameAt(lon: number, lat: number): Matrix4 {
  const { east, north, up } = axesAt(lon, lat);
  const [x, y, z] = toEarth(lon, lat, 0);
  return new Matrix4().set(
    east[0],
    up[0],
    -north[0],
    x,
    east[1],
    up[1],
    -north[1],
    y,
    east[2],
    up[2],
    -north[2],
    z,
    0,
    0,
    0,
    1,
  );
}

const origin: [number, number] = [-73.99, 40.73];

/** Coordinates in that frame of a place in degrees, rounded to float32 as a content's are. */
function local(lon: number, lat: number, height: number): Vector {
  const inverse = frameAt(...origin).invert().elements;
  const [x, y, z] = toEarth(lon, lat, height);
  const at = (r: number) =>
    Math.fround(
      (inverse[r] as number) * x +
        (inverse[4 + r] as number) * y +
        (inverse[8 + r] as number) * z +
        (inverse[12 + r] as number),
    );
  return [at(0), at(1), at(2)];
}

describe('flatten', () => {
  // Two buildings at the ends of a tile 5 km wide, where the earth has curved away by half a metre.
  const places: [number, number, number][] = [
    [-74.02, 40.71, 0],
    [-74.02, 40.71, 40],
    [-74.0199, 40.71, 40],
    [-73.96, 40.75, 2],
    [-73.96, 40.75, 300],
    [-73.9599, 40.75, 300],
  ];
  const content = () => {
    const geometry = new BufferGeometry();
    geometry.setAttribute(
      'position',
      new BufferAttribute(Float32Array.from(places.flatMap(p => local(...p))), 3),
    );
    geometry.setAttribute(
      'normal',
      new BufferAttribute(Float32Array.from(places.flatMap(() => [0, 1, 0])), 3),
    );
    geometry.setAttribute('_feature_id_0', new BufferAttribute(Uint16Array.from([0, 0, 0, 1, 1, 1]), 1));
    geometry.setIndex([0, 1, 2, 3, 4, 5]);
    const mesh = new Mesh(geometry, new MeshStandardMaterial());
    mesh.matrixAutoUpdate = false;
    mesh.matrix.copy(frameAt(...origin));
    return new Group().add(mesh);
  };

  it('places each vertex where the map shows it, at its height', () => {
    const flat = flatten(content(), () => new MeshStandardMaterial());
    const mesh = flat?.group.children[0] as Mesh;
    const position = mesh.geometry.getAttribute('position');
    places.forEach(([lon, lat, height], i) => {
      const [x, y] = mercator(lon, lat);
      const anchor = flat?.anchor as Anchor;
      expect(position.getX(i) + anchor.x * world).toBeCloseTo(x * world, 1);
      expect(anchor.y * world - position.getY(i)).toBeCloseTo(y * world, 1);
      expect(position.getZ(i) * Math.cos((lat * Math.PI) / 180)).toBeCloseTo(height, 1);
    });
    const normal = mesh.geometry.getAttribute('normal');
    expect([normal.getX(0), normal.getY(0), normal.getZ(0)].map(v => Math.round(v * 10) / 10 + 0)).toEqual([
      0, 0, 1,
    ]);
  });

  it('knows the top of each feature, which its colour follows', () => {
    const mesh = flatten(content(), () => new MeshStandardMaterial())?.group.children[0] as Mesh;
    const top = mesh.geometry.getAttribute(topName);
    expect(top.getX(0)).toBeCloseTo(40, 0);
    expect(top.getX(3)).toBeCloseTo(300, 0);
    expect([0, 3].map(i => mesh.geometry.getAttribute(featureName).getX(i))).toEqual([0, 1]);
  });

  it('places instances upright and keeps their features', () => {
    const geometry = new BufferGeometry();
    geometry.setAttribute('position', new BufferAttribute(Float32Array.from([0, 0, 0, 0, 1, 0, 1, 0, 0]), 3));
    geometry.setAttribute('_FEATURE_ID_0', new InstancedBufferAttribute(Uint16Array.from([7]), 1));
    const mesh = new InstancedMesh(geometry, new MeshStandardMaterial(), 1);
    mesh.setMatrixAt(
      0,
      new Matrix4().makeTranslation(...local(-74.01, 40.72, -3)).scale({ x: 1, y: 2, z: 1 } as never),
    );
    mesh.matrixAutoUpdate = false;
    mesh.matrix.copy(frameAt(...origin));
    const flat = flatten(new Group().add(mesh), () => new MeshStandardMaterial());
    const placed = flat?.group.children[0] as InstancedMesh;
    const m = new Matrix4();
    placed.getMatrixAt(0, m);
    const stretch = 1 / Math.cos((40.72 * Math.PI) / 180);
    expect(m.elements[14]).toBeCloseTo(-3 * stretch, 1);
    expect(m.elements[6] / 2).toBeCloseTo(stretch, 2); // the model's y points up
    expect(placed.geometry.getAttribute(featureName).getX(0)).toBe(7);
  });

  it('makes nothing of an empty content', () => {
    expect(flatten(new Group(), () => new MeshStandardMaterial())).toBeUndefined();
  });
});

describe('standpoint', () => {
  it('is over the centre when the map is seen from above', () => {
    const [lon, lat, height] = standpoint({ lng: 112.98, lat: 28.2 }, 16, 800, 36.87, 0, 0);
    expect(lon).toBeCloseTo(112.98, 9);
    expect(lat).toBeCloseTo(28.2, 9);
    // 800 pixels at zoom 16, seen at 36.87°: 1200 pixels up.
    expect(height).toBeCloseTo((1200 * world * Math.cos((28.2 * Math.PI) / 180)) / (512 * 2 ** 16), -1);
  });
  it('moves back from where it looks', () => {
    const tilt = Math.PI / 3;
    const north = standpoint({ lng: 10, lat: 50 }, 15, 800, 36.87, 0, tilt);
    expect(north[0]).toBeCloseTo(10, 9);
    expect(north[1]).toBeLessThan(50);
    const east = standpoint({ lng: 10, lat: 50 }, 15, 800, 36.87, Math.PI / 2, tilt);
    expect(east[0]).toBeLessThan(10);
    expect(east[1]).toBeCloseTo(50, 9);
    expect(east[2]).toBeCloseTo(standpoint({ lng: 10, lat: 50 }, 15, 800, 36.87, 0, 0)[2] / 2, 3);
  });
});

describe('feature ids', () => {
  const text = new TextEncoder().encode('1000021曼哈顿');
  const table = (offsets: ArrayBuffer, width: 1 | 2 | 4 | 8, count = 3) =>
    new FeatureIds([{ bytes: text.buffer as ArrayBuffer, offsets, width, count }]);
  it('are read row by row, whatever the width of offsets', () => {
    for (const [Array_, width] of [
      [Uint8Array, 1],
      [Uint16Array, 2],
      [Uint32Array, 4],
    ] as const) {
      const ids = table(Array_.from([0, 4, 7, 16]).buffer as ArrayBuffer, width);
      expect([0, 1, 2].map(row => ids.of(row))).toEqual(['1000', '021', '曼哈顿']);
      expect(ids.find('021')).toBe(1);
      expect(ids.find('21')).toBe(-1);
      expect(ids.of(3)).toBeUndefined();
      expect(ids.of(-1)).toBeUndefined();
      expect(ids.of(0, 1)).toBeUndefined();
    }
    expect(table(BigUint64Array.from([0n, 4n, 7n, 16n]).buffer as ArrayBuffer, 8).of(2)).toBe('曼哈顿');
  });
  it('are not read beyond their bytes', () => {
    expect(table(Uint8Array.from([0, 4, 200, 3]).buffer as ArrayBuffer, 1).of(1)).toBeUndefined();
    expect(table(Uint8Array.from([0, 4, 200, 3]).buffer as ArrayBuffer, 1).of(2)).toBeUndefined();
    expect(table(Uint8Array.from([0]).buffer as ArrayBuffer, 1).of(0)).toBeUndefined();
  });
  it('come from the column "id" of each table', async () => {
    const views = [text.buffer, Uint16Array.from([0, 4, 7, 16]).buffer];
    const parser = {
      json: {
        extensions: {
          EXT_structural_metadata: {
            propertyTables: [
              { count: 3, properties: { id: { values: 0, stringOffsets: 1, stringOffsetType: 'UINT16' } } },
              { count: 2 },
            ],
          },
        },
      },
      getDependency: (_: string, i: number) => Promise.resolve(views[i]),
    } as unknown as GLTFParser;
    const ids = await readFeatureIds(parser);
    expect(ids.of(2)).toBe('曼哈顿');
    expect(ids.of(0, 1)).toBeUndefined();
    expect((await readFeatureIds({ json: {} } as GLTFParser)).of(0)).toBeUndefined();
  });
});

describe('the shelf of contents', () => {
  it('makes a content once and frees it after its last use', () => {
    const shelf = new Shelf();
    const geometry = new BufferGeometry();
    let freed = 0;
    geometry.addEventListener('dispose', () => freed++);
    let made = 0;
    const make = (): Model => {
      made++;
      return { anchor: new Anchor(0, 0), group: new Group().add(new Mesh(geometry)), ids: undefined };
    };
    const first = shelf.take('a?r=1', make);
    expect(shelf.take('a?r=1', make)).toBe(first);
    expect(made).toBe(1);
    shelf.give('a?r=1');
    expect(freed).toBe(0);
    expect(shelf.has('a?r=1')).toBe(true);
    shelf.give('a?r=1');
    expect(freed).toBe(1);
    expect(shelf.has('a?r=1')).toBe(false);
    shelf.give('a?r=1'); // one too many does no harm
    expect(shelf.take('empty', () => undefined)).toBeUndefined();
  });
});

describe('materials', () => {
  it('are shared by colour and follow the theme', () => {
    const dresser = new Dresser('light', 'pipe');
    const mesh = (hex: string) => new Mesh(new BufferGeometry(), new MeshStandardMaterial({ color: hex }));
    const red = dresser.material(mesh('#d42428'));
    expect(dresser.material(mesh('#d42428'))).toBe(red);
    expect(dresser.material(mesh('#158c8e'))).not.toBe(red);
    const light = (red.uniforms.base as { value: { getHex(): number } }).value.getHex();
    dresser.setTheme('dark');
    expect((red.uniforms.base as { value: { getHex(): number } }).value.getHex()).not.toBe(light);
    dresser.setOpacity(0.5);
    expect(red.transparent).toBe(true);
    dresser.dispose();
  });
});
