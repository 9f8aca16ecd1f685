// Mapbox's earcut over polygons from standard input, one a line: a JSON array of
// rings. Prints the CPU nanoseconds of a run (best of five) and the triangles.
import { readFileSync } from 'node:fs';
import earcut from 'earcut';

const polygons = readFileSync(0, 'utf8').trim().split('\n').map((line) => {
  const vertices = [];
  const holes = [];
  for (const ring of JSON.parse(line)) {
    if (vertices.length > 0) holes.push(vertices.length / 2);
    for (const [x, y] of ring) vertices.push(x, y);
  }
  return { vertices, holes };
});
let best = Infinity;
let triangles = 0;
for (let run = 0; run < 5; run++) {
  const start = process.cpuUsage();
  triangles = 0;
  for (const p of polygons) triangles += earcut(p.vertices, p.holes).length / 3;
  best = Math.min(best, 1000 * process.cpuUsage(start).user);
}
console.log(JSON.stringify({ ns: best, triangles }));
