package mesh

import "math"

// orientation is positive when a, b, c turn to the left (y up), negative to the
// right and 0 on one line: exact in sign for coordinates whose products neither
// overflow nor underflow. It does not allocate, unlike spatial.Orientation, for
// footprints are full of vertices that lie on a line.
func orientation(ax, ay, bx, by, cx, cy float64) float64 {
	l, r := (bx-ax)*(cy-ay), (by-ay)*(cx-ax)
	d := l - r
	if math.Abs(d) > 4e-16*(math.Abs(l)+math.Abs(r)) {
		return d
	}
	// Are the differences exact? Then so are two products in two doubles each.
	x1, e1 := difference(bx, ax)
	y1, e2 := difference(cy, ay)
	y2, e3 := difference(by, ay)
	x2, e4 := difference(cx, ax)
	if e1 == 0 && e2 == 0 && e3 == 0 && e4 == 0 {
		lh, ll := product(x1, y1)
		rh, rl := product(y2, x2)
		if lh != rh {
			return lh - rh
		}
		return ll - rl
	}
	return determinant(ax, ay, bx, by, cx, cy)
}

// difference is a − b and its rounding error (Knuth).
func difference(a, b float64) (d, e float64) {
	d = a - b
	v := a - d
	return d, (a - (d + v)) + (v - b)
}

// sum is a + b and its rounding error.
func sum(a, b float64) (s, e float64) {
	s = a + b
	v := s - a
	return s, (a - (s - v)) + (b - v)
}

// product is a·b and its rounding error.
func product(a, b float64) (p, e float64) {
	p = a * b
	return p, math.FMA(a, b, -p)
}

// determinant sums the six products without error, as an expansion of doubles
// that do not overlap (Shewchuk, "Adaptive precision floating-point arithmetic
// and fast robust geometric predicates", 1997), and returns the largest.
func determinant(ax, ay, bx, by, cx, cy float64) float64 {
	var x [12]float64
	n := 0
	grow := func(v float64) {
		for i := range n {
			v, x[i] = sum(v, x[i])
		}
		x[n] = v
		n++
	}
	for _, f := range [...][2]float64{{ax, by}, {-ay, bx}, {bx, cy}, {-by, cx}, {cx, ay}, {-cy, ax}} {
		p, e := product(f[0], f[1])
		grow(e)
		grow(p)
	}
	for i := n - 1; i >= 0; i-- {
		if x[i] != 0 {
			return x[i]
		}
	}
	return 0
}
