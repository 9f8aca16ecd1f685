package tiles3d

import (
	"math"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial/geodesic"
	"twind/spatial/mesh"
	"twind/spatial/tile"
)

// Heights of buildings in metres.
const (
	storey        = 3.2  // of a building whose floors are known only
	assumedHeight = 6    // of one whose height nobody recorded
	maxHeight     = 1500 // what is higher is a mistake, such as 9999
	maxFloors     = 250
)

// buildingModel draws footprints as solids.
type buildingModel struct {
	columns buildingColumns
	offset  float64 // metres, to the ellipsoid
	site    *site
	color   mesh.Color
}

// buildingColumns are numbers of properties, −1 where the layer has none.
type buildingColumns struct{ height, floors, base, ground, roof, hasParts int }

func newBuildingModel(l *layers.Layer, o *site) *buildingModel {
	hidden := o.hidden
	return &buildingModel{color: colorOf(l, ""), site: o, offset: o.offset(l), columns: buildingColumns{
		height:   column(l, hidden, true, "height", "高度"),
		floors:   column(l, hidden, true, "floors", "levels", "building:levels", "层数"),
		base:     column(l, hidden, true, "base", "min_height"),
		ground:   column(l, hidden, true, "ground_elevation", "ground", "elevation"),
		roof:     column(l, hidden, false, "roof_shape", "roof:shape"),
		hasParts: column(l, hidden, false, "has_parts"),
	}}
}

// storeys is where a building begins and ends, in metres above the ellipsoid.
type storeys struct {
	bottom, top float64
	assumed     bool  // the height is not the record's
	fault       Fault // of the record
}

// heights reads a building's heights. The height and the base of the record are
// above the ground.
func (m *buildingModel) heights(s *snapshot.Segment, i int) storeys {
	var out storeys
	h := numberOf(raw(s, m.columns.height, i))
	if !(h > 0 && h <= maxHeight) {
		if !math.IsNaN(h) {
			out.fault = FaultHeight
		}
		floors := numberOf(raw(s, m.columns.floors, i))
		switch {
		case floors > 0 && floors <= maxFloors:
			h = floors * storey
		default:
			h, out.assumed = assumedHeight, true
			if out.fault == "" {
				out.fault = FaultNoHeight
			}
		}
	}
	base := numberOf(raw(s, m.columns.base, i))
	if !(base >= 0 && base < h) {
		if !math.IsNaN(base) && base != 0 {
			out.fault = FaultBase
		}
		base = 0
	}
	if g := numberOf(raw(s, m.columns.ground, i)); out.fault == "" && math.Abs(g) >= maxElevation {
		out.fault = FaultElevation
	}
	high, low := m.groundAt(s, i)
	out.top = high + h + m.offset
	out.bottom = high + base + m.offset
	if base == 0 {
		out.bottom = low + m.offset // walls reach down a slope
	}
	return out
}

// groundAt is the ground at the middle of a footprint, and the lowest at its
// corners, in metres of the layer's datum.
func (m *buildingModel) groundAt(s *snapshot.Segment, i int) (middle, low float64) {
	if m.site.relative {
		return 0, 0
	}
	if g := numberOf(raw(s, m.columns.ground, i)); math.Abs(g) < maxElevation {
		return g, g
	}
	b := s.Box[i]
	lon, lat := centre(b)
	middle, ok := m.site.ground.Height(lon, lat)
	if !ok {
		return 0, 0
	}
	low = middle
	west, north := tile.LonLat(float64(b.MinX), float64(b.MinY))
	east, south := tile.LonLat(float64(b.MaxX), float64(b.MaxY))
	for _, at := range [4][2]float64{{west, north}, {east, north}, {west, south}, {east, south}} {
		if h, ok := m.site.ground.Height(at[0], at[1]); ok {
			low = min(low, h)
		}
	}
	return middle, low
}

// drawn tells whether a feature is a solid of its own: it has an area, and no
// parts that stand for it.
func (m *buildingModel) drawn(s *snapshot.Segment, i int) bool {
	return !m.replaced(s, i) && hasPath(s, i, snapshot.PathShell)
}

// replaced: a building is the outline of its parts.
func (m *buildingModel) replaced(s *snapshot.Segment, i int) bool {
	return boolOf(raw(s, m.columns.hasParts, i))
}

func (m *buildingModel) measure(s *snapshot.Segment, i int) (measure, bool) {
	if !m.drawn(s, i) {
		return measure{}, false
	}
	h := m.heights(s, i)
	w, d := sides(s.Box[i])
	e := measure{size: max(w, d, h.top-h.bottom), low: h.bottom, high: h.top}
	m.detail(s, i, &e)
	return e, true
}

// sides are the lengths of a box from west to east and north to south in metres.
func sides(b tile.WorldBox) (w, d float64) {
	y := (float64(b.MinY)+float64(b.MaxY))/tile.WorldSize - 1 // Mercator, 1 is south
	perUnit := 2 * math.Pi * geodesic.SemiMajor / tile.WorldSize / math.Cosh(math.Pi*y)
	return float64(b.MaxX-b.MinX) * perUnit, float64(b.MaxY-b.MinY) * perUnit
}

func (m *buildingModel) levels(size float64) ([2]uint8, int) {
	return [2]uint8{levelOf(size, TopLevel, 15)}, 1
}

func (m *buildingModel) replaces(uint8) bool           { return false }
func (m *buildingModel) volume() volumeKind            { return asRegion }
func (m *buildingModel) geometricError(c Cell) float64 { return halving(c) }
