package district

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"twind/layers"
	"twind/spatial"
)

// grid is the unit grid: the rectangles between lines of the plan. Every border
// is shared vertex by vertex, so there are neither gaps nor overlaps.
type grid struct {
	us, vs []float64 // ascending; first and last bound the district
	codes  []string  // 15 digits, by row·columns + column, rows from south to north
}

// A block of about 215 m is split in two on either axis: cells of about 11,000 m².
func newGrid(pl *plan) *grid {
	g := &grid{
		us: cellLines(pl.us, pl.o.Width, 2, false),
		vs: cellLines(pl.vs, pl.o.Height, 2, true),
	}
	cols, rows := len(g.us)-1, len(g.vs)-1
	g.codes = make([]string, cols*rows)
	next := make([]int, len(pl.communities))
	for row := rows - 1; row >= 0; row-- {
		for col := range cols {
			c := pl.communityOf[pl.locate(g.center(col, row))]
			next[c]++
			com := &pl.communities[c]
			g.codes[row*cols+col] = fmt.Sprintf("%s%s%s%03d", county, pl.subdistricts[com.subdistrict].code, com.code, next[c])
		}
	}
	return g
}

// cellLines splits the stretches between streets. The outermost streets bound no
// cells, since the margin outside of them is too narrow; the first one does if
// asked (the river bed beyond it is wide enough).
func cellLines(lines []line, side float64, parts int, first bool) []float64 {
	out := []float64{-side / 2}
	for i := range lines {
		if i > 0 && i < len(lines)-1 || i == 0 && first {
			out = append(out, lines[i].at)
		}
		if i < len(lines)-1 {
			for k := 1; k < parts; k++ {
				at := lines[i].at + (lines[i+1].at-lines[i].at)*float64(k)/float64(parts)
				out = append(out, math.Round(at*10)/10)
			}
		}
	}
	return append(out, side/2)
}

func (g *grid) center(col, row int) point {
	return point{(g.us[col] + g.us[col+1]) / 2, (g.vs[row] + g.vs[row+1]) / 2}
}

// at is the code of the cell that holds a place, and whether the place is at
// least apart metres away from every border of the grid.
func (g *grid) at(p point, apart float64) (code string, ok bool) {
	col := sort.SearchFloat64s(g.us, p.u) - 1
	row := sort.SearchFloat64s(g.vs, p.v) - 1
	if col < 0 || row < 0 || col >= len(g.us)-1 || row >= len(g.vs)-1 {
		return "", false
	}
	ok = p.u-g.us[col] >= apart && g.us[col+1]-p.u >= apart && p.v-g.vs[row] >= apart && g.vs[row+1]-p.v >= apart
	return g.codes[row*(len(g.us)-1)+col], ok
}

// cells calls yield for each cell from north to south and west to east.
func (d *District) cells(yield func(*layers.Feature) bool) {
	g := d.grid
	cols := len(g.us) - 1
	for row := len(g.vs) - 2; row >= 0; row-- {
		for col := range cols {
			ring := d.ring(g.us[col], g.vs[row], g.us[col+1], g.vs[row+1])
			s, c := d.plan.of(d.plan.locate(g.center(col, row)))
			code := g.codes[row*cols+col]
			f := &layers.Feature{ID: code, Geometry: spatial.NewPolygon(ring), Properties: []layers.Value{
				layers.StringValue(code), layers.StringValue(countyName), layers.StringValue(s.name), layers.StringValue(c.name),
				layers.FloatValue(math.Round(d.ringArea(ring)*10) / 10), layers.StringValue(c.name + "居民委员会"),
				layers.TextValue(layers.Date, "2023-01-01"),
			}}
			if !yield(f) {
				return
			}
		}
	}
}

// bend is the longest side of a rectangle that stays one straight line on the
// map, metres; longer ones follow the warp.
const bend = 50.0

// ring is the closed border of a rectangle of the plan on the map, anticlockwise.
// Two rectangles with a side in common have its vertices in common.
func (d *District) ring(u0, v0, u1, v1 float64) []float64 {
	var xy []float64
	side := func(a, b point) {
		// From the smaller to the greater end, so that both neighbours divide alike.
		lo, hi, turned := a, b, false
		if a.u > b.u || a.v > b.v {
			lo, hi, turned = b, a, true
		}
		n := max(1, int(math.Ceil(max(hi.u-lo.u, hi.v-lo.v)/bend)))
		pts := make([]point, 0, n)
		for k := range n {
			t := float64(k) / float64(n)
			if turned {
				t = float64(k+1) / float64(n)
			}
			p := point{lo.u + float64(t*(hi.u-lo.u)), lo.v + float64(t*(hi.v-lo.v))}
			if t == 1 {
				p = hi
			}
			pts = append(pts, p)
		}
		if turned {
			slices.Reverse(pts)
		}
		for _, p := range pts {
			lon, lat := d.plan.lonLat(p)
			xy = append(xy, lon, lat)
		}
	}
	side(point{u0, v0}, point{u1, v0})
	side(point{u1, v0}, point{u1, v1})
	side(point{u1, v1}, point{u0, v1})
	side(point{u0, v1}, point{u0, v0})
	return append(xy, xy[0], xy[1])
}

// ringArea is the area inside a closed ring of degrees, m² near the centre.
func (d *District) ringArea(xy []float64) float64 {
	sum := 0.0
	x0, y0 := xy[0], xy[1]
	for i := 0; i+3 < len(xy); i += 2 {
		sum += (xy[i]-x0)*(xy[i+3]-y0) - (xy[i+2]-x0)*(xy[i+1]-y0)
	}
	return sum / 2 * d.plan.mLon * d.plan.mLat
}
