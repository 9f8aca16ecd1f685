package grid

import "math"

// Box is a closed box on the grid.
type Box struct{ MinX, MinY, MaxX, MaxY int32 }

// Contains tells whether the box holds a position, borders included.
func (b Box) Contains(x, y int32) bool {
	return b.MinX <= x && x <= b.MaxX && b.MinY <= y && y <= b.MaxY
}

func (b Box) inside(x, y int64) bool {
	return int64(b.MinX) <= x && x <= int64(b.MaxX) && int64(b.MinY) <= y && y <= int64(b.MaxY)
}

// at is the ordinate v of the line (u0,v0)→(u1,v1) where it crosses u, rounded
// to the nearest, halves up. The end with the smaller u goes first, so that both
// directions of an edge give the same position.
func at(u0, v0, u1, v1, u int64) int64 {
	if u0 > u1 {
		u0, v0, u1, v1 = u1, v1, u0, v0
	}
	du, dv := u1-u0, v1-v0
	if du < 1<<30 && dv < 1<<30 && dv > -1<<30 {
		a, b := 2*dv*(u-u0)+du, 2*du
		q := a / b
		if a%b < 0 {
			q--
		}
		return v0 + q
	}
	// At most 2³⁷ units: the error is below a thousandth of a unit.
	return v0 + int64(math.Floor(float64(float64(dv)*(float64(u-u0)/float64(du)))+0.5))
}

// Clipper clips rings and lines to a box. The zero value is ready.
//
// What is clipped may reach far beyond the box: ordinates below 2³⁷ in size.
type Clipper struct {
	a, b, c, d []int64 // what each side leaves
}

// bounds is the box of a path; nothing of it lies in that of an empty one.
func bounds(xy []int64) (minX, minY, maxX, maxY int64) {
	if len(xy) < 2 {
		return 0, 0, 0, 0
	}
	minX, minY, maxX, maxY = xy[0], xy[1], xy[0], xy[1]
	for i := 2; i+1 < len(xy); i += 2 {
		minX, maxX = min(minX, xy[i]), max(maxX, xy[i])
		minY, maxY = min(minY, xy[i+1]), max(maxY, xy[i+1])
	}
	return minX, minY, maxX, maxY
}

// Ring appends to dst the open ring clipped to the box, by Sutherland and
// Hodgman: winding numbers inside the box are those of the ring, but parts that
// are separate inside may be joined by edges along the border, which Repairer
// takes away. Ends of clipped edges are rounded to the grid. It reports false,
// and dst is as it was, when fewer than three vertices are left.
func (c *Clipper) Ring(dst *Rings, ring []int64, hole bool, box Box) bool {
	minX, minY, maxX, maxY := bounds(ring)
	if minX < int64(box.MinX) {
		c.a = clipSide(c.a[:0], ring, 0, int64(box.MinX), false)
		ring = c.a
	}
	if maxX > int64(box.MaxX) {
		c.b = clipSide(c.b[:0], ring, 0, int64(box.MaxX), true)
		ring = c.b
	}
	if minY < int64(box.MinY) {
		c.c = clipSide(c.c[:0], ring, 1, int64(box.MinY), false)
		ring = c.c
	}
	if maxY > int64(box.MaxY) {
		c.d = clipSide(c.d[:0], ring, 1, int64(box.MaxY), true)
		ring = c.d
	}
	begin := len(dst.XY)
	for i := 0; i < len(ring); i += 2 {
		x, y := int32(ring[i]), int32(ring[i+1])
		if n := len(dst.XY); n == begin || x != dst.XY[n-2] || y != dst.XY[n-1] {
			dst.XY = append(dst.XY, x, y)
		}
	}
	return dst.Close(hole)
}

// clipSide keeps what lies at or above the limit on one axis, or at or below it.
func clipSide(dst, ring []int64, axis int, limit int64, below bool) []int64 {
	n := len(ring)
	if n == 0 {
		return dst
	}
	px, py := ring[n-2], ring[n-1]
	u := ring[n-2+axis]
	pIn := u == limit || (u < limit) == below
	for i := 0; i < n; i += 2 {
		x, y := ring[i], ring[i+1]
		u := ring[i+axis]
		in := u == limit || (u < limit) == below
		if in != pIn {
			if axis == 0 {
				dst = append(dst, limit, at(px, py, x, y, limit))
			} else {
				dst = append(dst, at(py, px, y, x, limit), limit)
			}
		}
		if in {
			dst = append(dst, x, y)
		}
		px, py, pIn = x, y, in
	}
	return dst
}

// Line appends to xy the pieces of a line inside the box, and to ends where each
// ends (in vertices of xy); pieces have two vertices at least, none repeated.
func (c *Clipper) Line(xy []int32, ends []int32, line []int64, box Box) ([]int32, []int32) {
	begin := len(xy)
	for i := 2; i < len(line); i += 2 {
		x1, y1 := line[i], line[i+1]
		if x0, y0 := line[i-2], line[i-1]; box.inside(x0, y0) && box.inside(x1, y1) {
			xy = appendNew(xy, begin, int32(x0), int32(y0))
			xy = appendNew(xy, begin, int32(x1), int32(y1))
			continue
		}
		ax, ay, bx, by, ok := box.Cut(line[i-2], line[i-1], x1, y1)
		if ok {
			if n := len(xy); n > begin && (int64(xy[n-2]) != ax || int64(xy[n-1]) != ay) {
				xy, ends, begin = endPiece(xy, ends, begin)
			}
			xy = appendNew(xy, begin, int32(ax), int32(ay))
			xy = appendNew(xy, begin, int32(bx), int32(by))
		}
		if !ok || bx != x1 || by != y1 {
			xy, ends, begin = endPiece(xy, ends, begin)
		}
	}
	xy, ends, _ = endPiece(xy, ends, begin)
	return xy, ends
}

// appendNew appends a vertex unless it repeats the last one since begin.
func appendNew(xy []int32, begin int, x, y int32) []int32 {
	if n := len(xy); n > begin && xy[n-2] == x && xy[n-1] == y {
		return xy
	}
	return append(xy, x, y)
}

// endPiece keeps what was appended since begin if it is a line.
func endPiece(xy, ends []int32, begin int) ([]int32, []int32, int) {
	if len(xy) < begin+4 {
		return xy[:begin], ends, begin
	}
	return xy, append(ends, int32(len(xy)/2)), len(xy)
}

// Cut cuts the segment from (x0, y0) to (x1, y1) to the box, each end at the border
// that it is beyond; cuts are computed on the whole segment and rounded once. It
// reports false when nothing of it is in the box.
func (b Box) Cut(x0, y0, x1, y1 int64) (ax, ay, bx, by int64, ok bool) {
	minX, minY, maxX, maxY := int64(b.MinX), int64(b.MinY), int64(b.MaxX), int64(b.MaxY)
	ax, ay, bx, by = x0, y0, x1, y1
	if max(x0, x1) < minX || min(x0, x1) > maxX || max(y0, y1) < minY || min(y0, y1) > maxY {
		return ax, ay, bx, by, false
	}
	cutX := func(x int64) (int64, int64) { return x, at(x0, y0, x1, y1, x) }
	cutY := func(y int64) (int64, int64) { return at(y0, x0, y1, x1, y), y }
	switch {
	case ax < minX:
		ax, ay = cutX(minX)
	case ax > maxX:
		ax, ay = cutX(maxX)
	}
	switch {
	case bx < minX:
		bx, by = cutX(minX)
	case bx > maxX:
		bx, by = cutX(maxX)
	}
	switch {
	case ay < minY && by < minY || ay > maxY && by > maxY:
		return ax, ay, bx, by, false
	case ay < minY:
		ax, ay = cutY(minY)
	case ay > maxY:
		ax, ay = cutY(maxY)
	}
	switch {
	case by < minY:
		bx, by = cutY(minY)
	case by > maxY:
		bx, by = cutY(maxY)
	}
	// A segment that passes a corner outside may be cut to a position beyond.
	return ax, ay, bx, by, ax >= minX && ax <= maxX && bx >= minX && bx <= maxX
}
