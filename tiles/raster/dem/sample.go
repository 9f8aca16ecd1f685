package dem

import (
	"context"
	"math"

	"twind/spatial"
	"twind/spatial/crs"
	"twind/tiles/raster/geotiff"
)

// model is one state of the file.
type model struct {
	*pyramid
	geo      geotiff.Georeference
	place    crs.Transform // degrees to the file's system
	back     crs.Transform
	bounds   spatial.Envelope
	period   float64 // full pixels in 360° of a geographic model, else 0
	closed   bool    // the columns go round the world
	wide     bool    // the box does not tell where a projected model is
	revision string
	cell     float64 // degrees of latitude that one full pixel is high at the middle
	cellLon  float64 // and of longitude wide
}

func newModel(f *geotiff.File, bytes int64, revision string) (*model, error) {
	g, err := f.Georeference()
	if err != nil {
		return nil, err
	}
	m := &model{geo: g, revision: revision}
	if m.bounds, err = f.Bounds(); err != nil {
		return nil, err
	}
	if m.pyramid, err = newPyramid(f, g.VerticalUnit, bytes); err != nil {
		return nil, err
	}
	degrees, err := crs.ByCode(4326)
	if err != nil {
		return nil, err
	}
	m.place, m.back = crs.Transform{From: degrees, To: g.CRS}, crs.Transform{From: g.CRS, To: degrees}
	m.goRound()
	m.measure()
	return m, nil
}

// goRound finds how the model lies to the antimeridian.
func (m *model) goRound() {
	full, t := m.levels[0], m.geo.Transform
	if !m.geo.CRS.IsGeographic() {
		m.wide = m.bounds.MaxX-m.bounds.MinX > 180
		return
	}
	if t[2] != 0 || t[4] != 0 || t[1] <= 0 {
		return
	}
	m.period = 360 / t[1] / m.geo.CRS.Unit
	m.closed = float64(full.w) >= m.period-0.5
	west, east := t[0], t[0]+float64(full.w)*t[1]
	if m.closed || west < -180 || east > 180 {
		m.bounds.MinX, m.bounds.MaxX = -180, 180
	}
}

// measure finds the size of a full pixel in degrees at the middle of the model.
func (m *model) measure() {
	full, t := m.levels[0], m.geo.Transform
	if m.geo.CRS.IsGeographic() {
		m.cellLon, m.cell = math.Hypot(t[1], t[2])*m.geo.CRS.Unit, math.Hypot(t[4], t[5])*m.geo.CRS.Unit
		return
	}
	at := func(col, row float64) [2]float64 {
		x, y := t.Apply(col, row)
		xy := [2]float64{x, y}
		if m.back.Apply(xy[:]) != nil {
			return [2]float64{math.NaN(), math.NaN()}
		}
		return xy
	}
	c, r := float64(full.w)/2, float64(full.h)/2
	a, b, d := at(c, r), at(c+1, r), at(c, r+1)
	m.cellLon = math.Hypot(b[0]-a[0], d[0]-a[0])
	m.cell = math.Hypot(b[1]-a[1], d[1]-a[1])
	if !(m.cellLon > 0) || !(m.cell > 0) {
		m.cellLon, m.cell = 360/float64(full.w), 180/float64(full.h)
	}
}

// level is the coarsest level whose heights lie at most 1.2 steps apart, where
// step is in degrees of latitude; the finest where all are coarser.
func (m *model) level(step float64) *level {
	best := m.levels[0]
	for _, l := range m.levels[1:] {
		if l.sy*m.cell <= 1.2*step {
			best = l
		}
	}
	return best
}

// pixel is where a position in degrees lies in full pixels; NaN outside the model.
func (m *model) pixel(lon, lat float64) (col, row float64) {
	nan := math.NaN()
	if lon < -180 || lon > 180 {
		lon = math.Remainder(lon, 360)
	}
	const margin = 1e-9
	if !(lon >= m.bounds.MinX-margin && lon <= m.bounds.MaxX+margin && lat >= m.bounds.MinY-margin && lat <= m.bounds.MaxY+margin) {
		return nan, nan
	}
	xy := [2]float64{lon, lat}
	if m.place.Apply(xy[:]) != nil {
		return nan, nan
	}
	inv := &m.geo.Inverse
	col = inv[0] + xy[0]*inv[1] + xy[1]*inv[2]
	row = inv[3] + xy[0]*inv[4] + xy[1]*inv[5]
	if m.period > 0 {
		if col < 0 {
			col += m.period
		} else if col > m.period && col > float64(m.levels[0].w) {
			col -= m.period
		}
	}
	if m.wide && (m.back.Apply(xy[:]) != nil || math.Abs(math.Remainder(xy[0]-lon, 360)) > 1e-6 || math.Abs(xy[1]-lat) > 1e-6) {
		return nan, nan
	}
	return col, row
}

// at is the height at a place in full pixels, bilinear between the middles of the
// level's pixels. Where some of the four have none, those that have count, if the
// nearest does. NaN outside and where there is none.
func (r *reader) height(m *model, col, row float64) float64 {
	full := m.levels[0]
	closed := m.closed
	if !(row >= 0 && row <= float64(full.h) && col >= 0 && (col <= float64(full.w) || closed && col <= m.period)) {
		return math.NaN()
	}
	l := r.l
	x, y := col/l.sx-0.5, row/l.sy-0.5
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int(fx), int(fy)
	wx, wy := x-fx, y-fy
	if ix >= 0 && iy >= 0 && ix+1 < l.w && iy+1 < l.h && ix&chunkMask != chunkMask && iy&chunkMask != chunkMask {
		if !r.move(ix>>chunkShift, iy>>chunkShift) {
			return math.NaN()
		}
		v := r.c.v[(iy&chunkMask)*r.c.w+ix&chunkMask:]
		below := v[r.c.w:]
		return blend(float64(v[0]), float64(v[1]), float64(below[0]), float64(below[1]), wx, wy)
	}
	x0, x1 := ix, ix+1
	if closed {
		n := min(l.w, int(math.Round(m.period/l.sx)))
		x0, x1 = (x0+n)%n, (x1+n)%n
	}
	x0, x1 = max(0, min(x0, l.w-1)), max(0, min(x1, l.w-1))
	y0, y1 := max(0, min(iy, l.h-1)), max(0, min(iy+1, l.h-1))
	return blend(float64(r.at(x0, y0)), float64(r.at(x1, y0)), float64(r.at(x0, y1)), float64(r.at(x1, y1)), wx, wy)
}

// blend is the bilinear mean of the heights north-west, north-east, south-west
// and south-east.
func blend(nw, ne, sw, se, wx, wy float64) float64 {
	v := (nw*(1-wx)+ne*wx)*(1-wy) + (sw*(1-wx)+se*wx)*wy
	if v == v {
		return v
	}
	nearest := [4]float64{nw, ne, sw, se}[int(math.Round(wx))+2*int(math.Round(wy))]
	if math.IsNaN(nearest) {
		return nearest
	}
	sum, weight := 0.0, 0.0
	for _, c := range [4][2]float64{{nw, (1 - wx) * (1 - wy)}, {ne, wx * (1 - wy)}, {sw, (1 - wx) * wy}, {se, wx * wy}} {
		if c[0] == c[0] {
			sum, weight = sum+c[0]*c[1], weight+c[1]
		}
	}
	if weight == 0 {
		return nearest
	}
	return sum / weight
}

// Lattice places the points of an endless lattice: columns to the east, rows to
// the north or south.
type Lattice interface {
	Lon(column int64) float64 // degrees; may pass ±180
	Lat(row int64) float64    // degrees, within ±90
}

// cellShift is the size of a cell of a lattice, 16 points a side: at its corners
// a place is computed, between them it is interpolated where that is good to
// maxBend pixels. Cells are those of the endless lattice, so that a point has one
// place whatever window it is in.
const (
	cellShift = 4
	cellSide  = 1 << cellShift
	maxBend   = 0.02
)

// window reads the heights of a window of a lattice, w·h of them row by row from
// (i0, j0) on, at a level.
func (m *model) window(ctx context.Context, l *level, lattice Lattice, i0, j0 int64, w, h int, dst []float32) error {
	ci0, cj0 := i0>>cellShift, j0>>cellShift
	cw, ch := int((i0+int64(w)-1)>>cellShift-ci0)+1, int((j0+int64(h)-1)>>cellShift-cj0)+1
	corners := make([][2]float64, (cw+1)*(ch+1))
	for j := range ch + 1 {
		lat := lattice.Lat((cj0 + int64(j)) << cellShift)
		for i := range cw + 1 {
			col, row := m.pixel(lattice.Lon((ci0+int64(i))<<cellShift), lat)
			corners[j*(cw+1)+i] = [2]float64{col, row}
		}
	}
	r := reader{p: m.pyramid, l: l}
	for j := range ch {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range cw {
			k := j*(cw+1) + i
			c := cell{lattice: lattice, i: (ci0 + int64(i)) << cellShift, j: (cj0 + int64(j)) << cellShift,
				corners: [4][2]float64{corners[k], corners[k+1], corners[k+cw+1], corners[k+cw+2]}}
			m.fill(&r, &c, i0, j0, w, h, dst)
		}
	}
	return r.err
}

type cell struct {
	lattice Lattice
	i, j    int64         // first point
	corners [4][2]float64 // in full pixels: that point, the next column, the next row, both
}

func (c *cell) at(wx, wy float64) (col, row float64) {
	p := &c.corners
	col = (p[0][0]*(1-wx)+p[1][0]*wx)*(1-wy) + (p[2][0]*(1-wx)+p[3][0]*wx)*wy
	row = (p[0][1]*(1-wx)+p[1][1]*wx)*(1-wy) + (p[2][1]*(1-wx)+p[3][1]*wx)*wy
	return col, row
}

// bends tells whether places in the cell must be computed one by one.
func (m *model) bends(c *cell, l *level) bool {
	col, row := m.pixel(c.lattice.Lon(c.i+cellSide/2), c.lattice.Lat(c.j+cellSide/2))
	ac, ar := c.at(0.5, 0.5)
	return !(math.Abs(ac-col) <= maxBend*l.sx && math.Abs(ar-row) <= maxBend*l.sy)
}

// outside tells whether no place of the cell is in the model's box.
func (m *model) outside(c *cell) bool {
	lat0, lat1 := c.lattice.Lat(c.j), c.lattice.Lat(c.j+cellSide)
	if max(lat0, lat1) < m.bounds.MinY || min(lat0, lat1) > m.bounds.MaxY {
		return true
	}
	lon0, lon1 := c.lattice.Lon(c.i), c.lattice.Lon(c.i+cellSide)
	return lon0 >= -180 && lon1 <= 180 && (lon1 < m.bounds.MinX || lon0 > m.bounds.MaxX)
}

// fill reads the part of the window that is in the cell.
func (m *model) fill(r *reader, c *cell, i0, j0 int64, w, h int, dst []float32) {
	iFrom, iTo := max(c.i, i0), min(c.i+cellSide, i0+int64(w))
	jFrom, jTo := max(c.j, j0), min(c.j+cellSide, j0+int64(h))
	void := m.outside(c)
	bent := !void && m.bends(c, r.l)
	for j := jFrom; j < jTo; j++ {
		row := dst[(j-j0)*int64(w):]
		for i := iFrom; i < iTo; i++ {
			v := math.NaN()
			switch {
			case void:
			case bent:
				col, line := m.pixel(c.lattice.Lon(i), c.lattice.Lat(j))
				v = r.height(m, col, line)
			default:
				col, line := c.at(float64(i-c.i)/cellSide, float64(j-c.j)/cellSide)
				v = r.height(m, col, line)
			}
			row[i-i0] = float32(v)
		}
	}
}
