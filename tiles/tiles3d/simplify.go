package tiles3d

// simplifier leaves out vertices of lines after Douglas and Peucker. It keeps its
// memory.
type simplifier struct {
	stack [][2]int
	keep  []bool
}

// line drops, in place, the vertices of a line in metres (three ordinates each)
// that lie within a tolerance of the line that remains. The ends stay.
func (s *simplifier) line(xyz []float64, tolerance float64) []float64 {
	n := len(xyz) / 3
	if n < 3 {
		return xyz
	}
	s.keep = append(s.keep[:0], make([]bool, n)...)
	s.keep[0], s.keep[n-1] = true, true
	s.stack = append(s.stack[:0], [2]int{0, n - 1})
	for len(s.stack) > 0 {
		a, b := s.stack[len(s.stack)-1][0], s.stack[len(s.stack)-1][1]
		s.stack = s.stack[:len(s.stack)-1]
		worst, at := tolerance*tolerance, 0
		for k := a + 1; k < b; k++ {
			if d := squareToSegment(xyz[3*k:3*k+3], xyz[3*a:3*a+3], xyz[3*b:3*b+3]); d > worst {
				worst, at = d, k
			}
		}
		if at > 0 {
			s.keep[at] = true
			s.stack = append(s.stack, [2]int{a, at}, [2]int{at, b})
		}
	}
	out := xyz[:0]
	for k := range n {
		if s.keep[k] {
			out = append(out, xyz[3*k:3*k+3]...)
		}
	}
	return out
}

// squareToSegment is the square of the distance of p from a segment.
func squareToSegment(p, a, b []float64) float64 {
	dot, square := 0.0, 0.0
	for k := range 3 {
		d := b[k] - a[k]
		dot += (p[k] - a[k]) * d
		square += d * d
	}
	share := 0.0
	if square > 0 {
		share = max(0, min(1, dot/square))
	}
	sum := 0.0
	for k := range 3 {
		d := p[k] - a[k] - share*(b[k]-a[k])
		sum += d * d
	}
	return sum
}
