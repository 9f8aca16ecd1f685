package mesh

import "math"

// manholeNeck is a cast-iron cover in its frame over a concrete cone.
func (s *sculptor) manholeNeck() {
	s.color(castIron)
	switch s.lod {
	case 0:
		// frame, gap, and a cover with two raised rings
		s.turn(0, 0, ringPoint{0.42, -0.1}, ringPoint{0.42, 0.012}, ringPoint{0.36, 0.012}, ringPoint{0.355, -0.01}, ringPoint{0.335, -0.01})
		s.color(darkIron)
		s.turn(0, 0, ringPoint{0.335, -0.01}, ringPoint{0.33, 0.01},
			ringPoint{0.27, 0.01}, ringPoint{0.265, 0.002}, ringPoint{0.19, 0.002}, ringPoint{0.185, 0.01},
			ringPoint{0.13, 0.01}, ringPoint{0.125, 0.002}, ringPoint{0.06, 0.002}, ringPoint{0.055, 0.01}, ringPoint{0, 0.01})
	case 1:
		s.turn(0, 0, ringPoint{0.42, -0.1}, ringPoint{0.42, 0.012}, ringPoint{0.34, 0.012})
		s.color(darkIron)
		s.turn(0, 0, ringPoint{0.34, 0.012}, ringPoint{0, 0.012})
	default:
		s.color(darkIron)
		s.turn(0, 0, ringPoint{0.42, -0.1}, ringPoint{0.42, 0.012}, ringPoint{0, 0.012})
	}
	s.color(concrete)
	s.turn(0, 0, ringPoint{0.7, -0.9}, ringPoint{0.7, -0.75}, ringPoint{0.45, -0.2}, ringPoint{0.45, -0.1}, ringPoint{0.42, -0.1})
}

// catchGrate is a grate of bars in a square frame.
func (s *sculptor) catchGrate() {
	s.color(concrete)
	s.box(-0.35, -0.35, -0.2, 0.35, 0.35, -0.06)
	s.color(castIron)
	if s.lod == 2 {
		s.box(-0.32, -0.32, -0.06, 0.32, 0.32, 0.01)
		return
	}
	s.box(-0.32, -0.32, -0.06, -0.27, 0.32, 0.01)
	s.box(0.27, -0.32, -0.06, 0.32, 0.32, 0.01)
	s.box(-0.27, -0.32, -0.06, 0.27, -0.27, 0.01)
	s.box(-0.27, 0.27, -0.06, 0.27, 0.32, 0.01)
	s.color(darkIron)
	bars := 7 - 3*s.lod
	for i := range bars {
		x := -0.27 + 0.54*(float64(i)+0.5)/float64(bars)
		s.box(x-0.02, -0.27, -0.05, x+0.02, 0.27, 0.006)
	}
}

// valve is a gate valve in a pipe of diameter 1 along y: flanges, body, bonnet
// and hand wheel.
func (s *sculptor) valve() {
	s.color(paintBlue)
	s.alongY(-0.75, 0.75, 0.56)
	s.color(steel)
	s.alongY(-0.85, -0.68, 0.85)
	s.alongY(0.68, 0.85, 0.85)
	s.color(paintBlue)
	s.turnSmooth(0, 0, ringPoint{0, -0.72}, ringPoint{0.42, -0.62}, ringPoint{0.6, -0.2}, ringPoint{0.6, 0.3}, ringPoint{0.45, 0.7})
	s.turn(0, 0, ringPoint{0.45, 0.7}, ringPoint{0.62, 0.7}, ringPoint{0.62, 0.84}, ringPoint{0.4, 0.84}, ringPoint{0.22, 1.25}, ringPoint{0.22, 1.4}, ringPoint{0, 1.4})
	s.color(steel)
	s.turn(0, 0, ringPoint{0.08, 1.4}, ringPoint{0.08, 1.75}, ringPoint{0, 1.75})
	s.color(paintRed)
	if s.lod == 2 {
		s.turn(0, 0, ringPoint{0, 1.55}, ringPoint{0.6, 1.55}, ringPoint{0.6, 1.66}, ringPoint{0, 1.66})
		return
	}
	s.wheel(0.58, 0.12, 1.6)
}

// alongY is a closed round bar along y.
func (s *sculptor) alongY(y0, y1, radius float64) {
	s.loft.Caps, s.loft.Sides = true, max(s.sides, 6)
	s.loft.Loft(s.m, []float64{0, y0, 0, 0, y1, 0}, Section{Width: 2 * radius})
}

// wheel is a hand wheel: a ring and two spokes.
func (s *sculptor) wheel(radius, thick, z float64) {
	n := max(s.sides, 8)
	path := make([]float64, 0, 3*n+6)
	for k := range n + 2 {
		sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(n))
		path = append(path, radius*cos, radius*sin, z)
	}
	s.tube(thick, path[:3*n+3]...)
	s.tube(thick*0.8, -radius, 0, z, radius, 0, z)
	s.tube(thick*0.8, 0, -radius, z, 0, radius, z)
}

// hydrant is a pillar hydrant with two hose nozzles and a pumper nozzle.
func (s *sculptor) hydrant() {
	s.color(darkIron)
	s.turn(0, 0, ringPoint{0, 0}, ringPoint{0.19, 0}, ringPoint{0.19, 0.045}, ringPoint{0.13, 0.06})
	s.color(paintRed)
	s.turn(0, 0, ringPoint{0.13, 0.06}, ringPoint{0.12, 0.56}, ringPoint{0.165, 0.58}, ringPoint{0.165, 0.63}, ringPoint{0.145, 0.64})
	s.turnSmooth(0, 0, ringPoint{0.145, 0.64}, ringPoint{0.14, 0.71}, ringPoint{0.105, 0.78}, ringPoint{0.05, 0.82}, ringPoint{0, 0.83})
	s.color(paintYellow)
	s.turned(0, 0, max(s.sides/2, 5), false, []ringPoint{{0.035, 0.82}, {0.035, 0.9}, {0, 0.9}})
	s.nozzles()
}

func (s *sculptor) nozzles() {
	if s.lod == 2 {
		return
	}
	s.color(paintRed)
	s.tube(0.1, -0.17, 0, 0.47, 0.17, 0, 0.47)
	s.tube(0.14, 0, 0, 0.45, 0, 0.18, 0.45)
	s.color(paintYellow)
	s.tube(0.125, 0.17, 0, 0.47, 0.225, 0, 0.47)
	s.tube(0.125, -0.225, 0, 0.47, -0.17, 0, 0.47)
	s.tube(0.17, 0, 0.17, 0.45, 0, 0.235, 0.45)
}

// generic is a marker: a diamond on a small foot.
func (s *sculptor) generic() {
	s.color(steel)
	s.turn(0, 0, ringPoint{0, 0}, ringPoint{0.16, 0}, ringPoint{0.16, 0.04}, ringPoint{0.03, 0.08}, ringPoint{0.03, 0.4})
	s.color(markerBlue)
	s.turned(0, 0, max(s.sides/2, 4), false, []ringPoint{{0, 0.35}, {0.25, 0.68}, {0, 1}})
}
