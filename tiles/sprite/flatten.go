package sprite

import (
	"fmt"
	"math"
)

// flattener turns shapes into contours of straight pieces, transformed.
type flattener struct {
	m        matrix
	left     int // points that may still be made
	contours []contour
	open     contour
	at       point // current place, before the transform
	start    point // of the open contour
}

func (f *flattener) move(x, y float64) {
	f.finish()
	f.at, f.start = point{x, y}, point{x, y}
	f.add(x, y)
}

func (f *flattener) line(x, y float64) {
	if len(f.open) == 0 { // after a close, drawing goes on from the start
		f.add(f.at.x, f.at.y)
	}
	f.add(x, y)
	f.at = point{x, y}
}

func (f *flattener) add(x, y float64) {
	if f.left > 0 {
		f.left--
		f.open = append(f.open, f.m.apply(x, y))
	}
}

func (f *flattener) close() {
	if len(f.open) > 0 {
		f.open = append(f.open, f.open[0])
		f.finish()
	}
	f.at = f.start
}

func (f *flattener) finish() {
	if len(f.open) > 0 {
		f.contours = append(f.contours, f.open)
		f.open = nil
	}
}

func (f *flattener) done() []contour {
	f.finish()
	return f.contours
}

// steps is how many straight pieces a curve of about a length gets, so that none
// is off by more than a hundredth of a pixel at the icon's usual size.
func (f *flattener) steps(length float64) int {
	return int(max(4, min(96, math.Ceil(3*math.Sqrt(length*f.m.scale())*2))))
}

func (f *flattener) cubic(x1, y1, x2, y2, x, y float64) {
	p := f.at
	n := f.steps(math.Hypot(x1-p.x, y1-p.y) + math.Hypot(x2-x1, y2-y1) + math.Hypot(x-x2, y-y2))
	for i := 1; i <= n; i++ {
		t := float64(i) / float64(n)
		s := 1 - t
		a, b, c, d := s*s*s, 3*s*s*t, 3*s*t*t, t*t*t
		f.line(a*p.x+b*x1+c*x2+d*x, a*p.y+b*y1+c*y2+d*y)
	}
}

func (f *flattener) quadratic(x1, y1, x, y float64) {
	p := f.at
	f.cubic(p.x+2./3*(x1-p.x), p.y+2./3*(y1-p.y), x+2./3*(x1-x), y+2./3*(y1-y), x, y)
}

// arc is an elliptical arc in SVG's endpoint form (SVG 2, appendix B.2.4).
func (f *flattener) arc(rx, ry, degrees float64, large, sweep bool, x, y float64) {
	p := f.at
	rx, ry = math.Abs(rx), math.Abs(ry)
	if rx == 0 || ry == 0 || p.x == x && p.y == y {
		f.line(x, y)
		return
	}
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	dx, dy := (p.x-x)/2, (p.y-y)/2
	ux, uy := cos*dx+sin*dy, -sin*dx+cos*dy
	if over := sq(ux/rx) + sq(uy/ry); over > 1 {
		rx, ry = rx*math.Sqrt(over), ry*math.Sqrt(over)
	}
	root := math.Sqrt(max(0, (sq(rx*ry)-sq(rx*uy)-sq(ry*ux))/(sq(rx*uy)+sq(ry*ux))))
	if large == sweep {
		root = -root
	}
	cx, cy := root*rx*uy/ry, -root*ry*ux/rx
	from := math.Atan2((uy-cy)/ry, (ux-cx)/rx)
	turn := math.Atan2((-uy-cy)/ry, (-ux-cx)/rx) - from
	if sweep && turn < 0 {
		turn += 2 * math.Pi
	} else if !sweep && turn > 0 {
		turn -= 2 * math.Pi
	}
	mx, my := cos*cx-sin*cy+(p.x+x)/2, sin*cx+cos*cy+(p.y+y)/2
	n := f.steps(math.Abs(turn) * max(rx, ry))
	for i := 1; i < n; i++ {
		s, c := math.Sincos(from + turn*float64(i)/float64(n))
		f.line(mx+cos*rx*c-sin*ry*s, my+sin*rx*c+cos*ry*s)
	}
	f.line(x, y)
}

// basic adds a circle, ellipse, rect, line, polyline or polygon.
func (f *flattener) basic(name string, a attributes) error {
	if name == "polyline" || name == "polygon" {
		return f.points(a["points"], name == "polygon")
	}
	v := map[string]float64{}
	for _, k := range []string{"cx", "cy", "r", "rx", "ry", "x", "y", "width", "height", "x1", "y1", "x2", "y2"} {
		if s, ok := a[k]; ok {
			n, err := length(s)
			if err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
			v[k] = n
		}
	}
	switch name {
	case "circle":
		f.ellipse(v["cx"], v["cy"], v["r"], v["r"])
	case "ellipse":
		f.ellipse(v["cx"], v["cy"], v["rx"], v["ry"])
	case "rect":
		f.rect(v)
	case "line":
		f.move(v["x1"], v["y1"])
		f.line(v["x2"], v["y2"])
	}
	return nil
}

func (f *flattener) ellipse(cx, cy, rx, ry float64) {
	if rx <= 0 || ry <= 0 {
		return
	}
	f.move(cx+rx, cy)
	f.arc(rx, ry, 0, false, true, cx-rx, cy)
	f.arc(rx, ry, 0, false, true, cx+rx, cy)
	f.close()
}

func (f *flattener) rect(v map[string]float64) {
	x, y, w, h := v["x"], v["y"], v["width"], v["height"]
	if w <= 0 || h <= 0 {
		return
	}
	rx, ry := v["rx"], v["ry"]
	if rx == 0 {
		rx = ry
	}
	if ry == 0 {
		ry = rx
	}
	rx, ry = max(0, min(rx, w/2)), max(0, min(ry, h/2))
	f.move(x+rx, y)
	f.line(x+w-rx, y)
	f.arc(rx, ry, 0, false, true, x+w, y+ry)
	f.line(x+w, y+h-ry)
	f.arc(rx, ry, 0, false, true, x+w-rx, y+h)
	f.line(x+rx, y+h)
	f.arc(rx, ry, 0, false, true, x, y+h-ry)
	f.line(x, y+ry)
	f.arc(rx, ry, 0, false, true, x+rx, y)
	f.close()
}

func (f *flattener) points(s string, closed bool) error {
	v, err := numbersOf(s)
	if err != nil || len(v) < 4 || len(v)%2 != 0 {
		return fmt.Errorf("points %.40q: expected pairs of numbers", s)
	}
	f.move(v[0], v[1])
	for i := 2; i < len(v); i += 2 {
		f.line(v[i], v[i+1])
	}
	if closed {
		f.close()
	}
	return nil
}
