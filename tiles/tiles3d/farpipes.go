package tiles3d

import (
	"math"

	"twind/spatial/mesh"
)

// What is seen from more than 200 m need not be said to the last bit: positions
// and lengths on a grid of 1/16 m, turns on one of 2⁻¹³, which moves the end of
// 100 m by 12 mm, and no balls at the corners of what is thinner than half a metre.
const (
	farGrid     = 16
	farTurn     = 1 << 13
	leastCorner = 0.5 // metres
	farSlack    = 0.2 // metres that an instance may lie beside its pipe for all that
)

// far appends a line as instances.
func (p *pipeBrush) far(t *mesh.Tubes, xyz []float64, s mesh.Section, row uint32) mesh.Fault {
	cylinders, spheres, boxes := t.Cylinders.Len(), t.Spheres.Len(), t.Boxes.Len()
	fault := t.Append(p.line(xyz, farTolerance), s, row)
	if s.Width < leastCorner {
		cut(&t.Spheres, spheres)
	}
	coarsen(&t.Cylinders, cylinders)
	coarsen(&t.Spheres, spheres)
	coarsen(&t.Boxes, boxes)
	return fault
}

// cut removes the instances from n on.
func cut(s *mesh.Instances, n int) {
	s.Translations, s.Rotations, s.Scales, s.Features = s.Translations[:3*n], s.Rotations[:4*n], s.Scales[:3*n], s.Features[:n]
}

// coarsen puts the instances from some on onto the grids.
func coarsen(s *mesh.Instances, from int) {
	onGrid := func(v []float32, steps float64) {
		for i := range v {
			v[i] = float32(math.Round(float64(v[i])*steps) / steps)
		}
	}
	onGrid(s.Translations[3*from:], farGrid)
	onGrid(s.Rotations[4*from:], farTurn)
	for i := 3 * from; i+2 < len(s.Scales); i += 3 { // the length; sections stay as they are
		onGrid(s.Scales[i+1:i+2], farGrid)
	}
}
