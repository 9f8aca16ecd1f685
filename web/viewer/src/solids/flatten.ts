import {
  BufferAttribute,
  BufferGeometry,
  Group,
  InstancedBufferAttribute,
  InstancedMesh,
  type Material,
  Matrix4,
  Mesh,
  type Object3D,
} from 'three';
import { fromEarth, type Vector } from './geodesy';
import { Anchor, times3, transform } from './placing';

/** A content of a tileset, moved from the earth's frame to the flat frame of the map around its anchor. */
export interface FlatModel {
  anchor: Anchor;
  group: Group;
}

/** Attribute names in the flat geometry. */
export const featureName = 'feature';
/** Height of a feature's top over the ground, metres: what its colour follows. */
export const topName = 'top';

/**
 * Moves every vertex and instance of a content by its own place: near the edge of a wide tile the earth has
 * curved away from a tangent plane by metres, and the map has not.
 * @param dress gives the material of a mesh
 */
export function flatten(scene: Object3D, dress: (mesh: Mesh) => Material): FlatModel | undefined {
  scene.updateMatrixWorld(true);
  const meshes: Mesh[] = [];
  scene.traverse(object => {
    if (object instanceof Mesh) meshes.push(object);
  });
  const first = meshes[0];
  if (!first) return undefined;
  const anchor = anchorOf(first);
  const group = new Group();
  for (const mesh of meshes) {
    const flat = mesh instanceof InstancedMesh ? flatInstances(mesh, anchor) : flatMesh(mesh, anchor);
    flat.material = dress(mesh);
    flat.userData = { ...mesh.userData };
    flat.frustumCulled = false; // the traversal has culled
    flat.matrixAutoUpdate = false;
    group.add(flat);
  }
  return { anchor, group };
}

function anchorOf(mesh: Mesh): Anchor {
  const e = mesh.matrixWorld.elements;
  const [lon, lat] = fromEarth(e[12], e[13], e[14]);
  return new Anchor(lon, lat);
}

function flatMesh(mesh: Mesh, anchor: Anchor): Mesh {
  const from = mesh.geometry.getAttribute('position') as BufferAttribute;
  const positions = new Float32Array(from.count * 3);
  const m = mesh.matrixWorld.elements;
  const earth: Vector = [0, 0, 0];
  const flat: Vector = [0, 0, 0];
  for (let i = 0; i < from.count; i++) {
    transform(m, from.getX(i), from.getY(i), from.getZ(i), earth);
    anchor.place(...earth, flat);
    positions.set(flat, i * 3);
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(positions, 3));
  geometry.setIndex(mesh.geometry.index);
  setNormals(geometry, mesh, anchor);
  const color = mesh.geometry.getAttribute('color');
  if (color) geometry.setAttribute('color', color);
  const ids = mesh.geometry.getAttribute('_feature_id_0') as BufferAttribute | undefined;
  if (ids) {
    geometry.setAttribute(featureName, floats(ids));
    geometry.setAttribute(topName, tops(ids, positions, anchor.stretch));
  }
  return new Mesh(geometry);
}

function setNormals(geometry: BufferGeometry, mesh: Mesh, anchor: Anchor): void {
  const from = mesh.geometry.getAttribute('normal') as BufferAttribute | undefined;
  if (!from) {
    geometry.computeVertexNormals();
    return;
  }
  const turn = times3(anchor.turn(), mesh.matrixWorld.elements, 4);
  const normals = new Int8Array(from.count * 4);
  for (let i = 0; i < from.count; i++) {
    const [x, y, z] = [from.getX(i), from.getY(i), from.getZ(i)];
    const n = [0, 1, 2].map(
      r => (turn[r] as number) * x + (turn[3 + r] as number) * y + (turn[6 + r] as number) * z,
    );
    const length = Math.hypot(...n) || 1;
    normals.set(
      n.map(v => Math.round((v / length) * 127)),
      i * 4,
    );
  }
  geometry.setAttribute('normal', new BufferAttribute(normals, 4, true));
}

function floats(ids: BufferAttribute): BufferAttribute {
  return new BufferAttribute(
    Float32Array.from({ length: ids.count }, (_, i) => ids.getX(i)),
    1,
  );
}

/** The highest z of each vertex's feature. */
function tops(ids: BufferAttribute, positions: Float32Array, stretch: number): BufferAttribute {
  const highest = new Map<number, number>();
  for (let i = 0; i < ids.count; i++) {
    const id = ids.getX(i);
    const z = (positions[i * 3 + 2] as number) / stretch;
    if (z > (highest.get(id) ?? Number.NEGATIVE_INFINITY)) highest.set(id, z);
  }
  return new BufferAttribute(
    Float32Array.from({ length: ids.count }, (_, i) => highest.get(ids.getX(i)) ?? 0),
    1,
  );
}

function flatInstances(mesh: InstancedMesh, anchor: Anchor): InstancedMesh {
  const flat = new InstancedMesh(mesh.geometry.clone(), mesh.material, mesh.count);
  const turn = anchor.turn();
  const { stretch } = anchor;
  const one = new Matrix4();
  const out = new Matrix4();
  const at: Vector = [0, 0, 0];
  for (let i = 0; i < mesh.count; i++) {
    mesh.getMatrixAt(i, one);
    one.premultiply(mesh.matrixWorld);
    const e = one.elements;
    anchor.place(e[12], e[13], e[14], at);
    const r = times3(turn, e, 4).map(v => v * stretch) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    out.set(r[0], r[3], r[6], at[0], r[1], r[4], r[7], at[1], r[2], r[5], r[8], at[2], 0, 0, 0, 1);
    flat.setMatrixAt(i, out);
  }
  const geometry = flat.geometry;
  const ids = mesh.geometry.getAttribute('_FEATURE_ID_0') as BufferAttribute | undefined;
  geometry.deleteAttribute('_FEATURE_ID_0');
  const list = Float32Array.from({ length: mesh.count }, (_, i) => (ids ? ids.getX(i) : i));
  geometry.setAttribute(featureName, new InstancedBufferAttribute(list, 1));
  geometry.setAttribute(topName, new InstancedBufferAttribute(new Float32Array(mesh.count), 1));
  if (mesh.instanceColor) flat.instanceColor = mesh.instanceColor;
  return flat;
}
