import type { Map as MapLibreMap } from 'maplibre-gl';
import { Matrix4, PerspectiveCamera, Vector3 } from 'three';
import { mercator } from '../map/tiles';
import { axesAt, toEarth, type Vector } from './geodesy';

const rad = Math.PI / 180;

/** Where the map's camera stands and looks, as the traversal of tilesets needs it: in earth-centred coordinates. */
export class Eye {
  readonly camera = new PerspectiveCamera();

  follow(map: MapLibreMap): void {
    const { clientWidth, clientHeight } = map.getCanvas();
    const bearing = map.getBearing() * rad;
    const pitch = map.getPitch() * rad;
    const roll = map.getRoll() * rad;
    const fov = map.getVerticalFieldOfView();
    const [lon, lat, height] = standpoint(map.getCenter(), map.getZoom(), clientHeight, fov, bearing, pitch);
    const { east, north, up } = axesAt(lon, lat);
    const mix = (...terms: [number, Vector][]): Vector3 =>
      terms.reduce((sum, [k, v]) => sum.addScaledVector(new Vector3(...v), k), new Vector3());
    const ahead = mix([Math.sin(bearing), east], [Math.cos(bearing), north]);
    const level = mix([Math.cos(bearing), east], [-Math.sin(bearing), north]);
    const zenith = new Vector3(...up);
    const look = ahead.clone().multiplyScalar(Math.sin(pitch)).addScaledVector(zenith, -Math.cos(pitch));
    const over = ahead.clone().multiplyScalar(Math.cos(pitch)).addScaledVector(zenith, Math.sin(pitch));
    const right = level.clone().multiplyScalar(Math.cos(roll)).addScaledVector(over, Math.sin(roll));
    const top = over.clone().multiplyScalar(Math.cos(roll)).addScaledVector(level, -Math.sin(roll));
    const position = new Vector3(...toEarth(lon, lat, height));
    const { camera } = this;
    camera.fov = fov;
    camera.aspect = clientWidth / Math.max(1, clientHeight);
    camera.near = Math.max(0.5, height * 0.01);
    camera.far = Math.max(20_000, height * 12);
    camera.updateProjectionMatrix();
    camera.matrixAutoUpdate = false;
    camera.matrix.copy(new Matrix4().makeBasis(right, top, look.negate())).setPosition(position);
    camera.matrixWorld.copy(camera.matrix);
    camera.matrixWorldInverse.copy(camera.matrix).invert();
    camera.matrixWorldAutoUpdate = false;
  }
}

/**
 * Where the camera of a flat map stands: longitude and latitude in degrees, height in metres.
 * @param height of the canvas in CSS pixels
 * @param fov vertical, in degrees; bearing and pitch in radians
 */
export function standpoint(
  center: { lng: number; lat: number },
  zoom: number,
  height: number,
  fov: number,
  bearing: number,
  pitch: number,
): Vector {
  const pixels = height / 2 / Math.tan((fov * rad) / 2);
  const metres = (pixels * world * Math.cos(center.lat * rad)) / (512 * 2 ** zoom);
  const back = (pixels * Math.sin(pitch)) / (512 * 2 ** zoom);
  const [x, y] = mercator(center.lng, center.lat);
  const [lon, lat] = unproject(x - back * Math.sin(bearing), y + back * Math.cos(bearing));
  return [lon, lat, metres * Math.cos(pitch)];
}

const world = 40075016.685578488;

function unproject(x: number, y: number): [lon: number, lat: number] {
  return [x * 360 - 180, Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) / rad];
}
