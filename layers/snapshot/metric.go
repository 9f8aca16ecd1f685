package snapshot

import (
	"math"

	"twind/spatial"
	"twind/spatial/geodesic"
	"twind/spatial/tile"
)

// metric measures in metres from a position to a segment's features.
type metric struct {
	s *SegmentView
	o *geodesic.Origin

	// Within localUnits of the position a box's distance is bounded on the map,
	// which is quick: metres are at least world units times scale there.
	x, y  float64 // of the position in world units
	scale float64 // 0: nowhere
}

// localUnits is about half a degree.
const localUnits = tile.WorldSize / 720

func newMetric(lon, lat float64, s *SegmentView) *metric {
	m := &metric{s: s, o: geodesic.NewOrigin(lon, lat)}
	if math.Abs(lat) < 75 && math.Abs(lon) < 179 {
		m.x, m.y = tile.WorldFloat(lon, lat)
		// A path that stays within half a degree of a parallel, and the bulge of a
		// great circle so long, keeps below this latitude, where the map's scale is
		// largest. What leaves the half degree is farther than it.
		most := (math.Abs(lat) + 0.6) * math.Pi / 180
		m.scale = geodesic.LeastRadius * 2 * math.Pi / tile.WorldSize * math.Cos(most) * (1 - 1e-9)
	}
	return m
}

// Bound is at most the distance of what lies in the box.
func (m *metric) Bound(b tile.WorldBox) float64 {
	if m.scale > 0 {
		// Arcs bulge towards the poles by at most Δλ²/14 radians; map units are
		// at most four times as long on the ground in these latitudes.
		const radian = tile.WorldSize / (2 * math.Pi)
		width := float64(b.MaxX-b.MinX) / radian
		if width < 0.1 {
			bulge := 4*radian*width*width/14 + 1
			dx := max(0, float64(b.MinX)-1-m.x, m.x-float64(b.MaxX)-1)
			dy := max(0, float64(b.MinY)-bulge-m.y, m.y-float64(b.MaxY)-bulge)
			if d2 := dx*dx + dy*dy; d2 < localUnits*localUnits && b.MinY > 0 && b.MaxY < 1<<32-1 {
				return max(0, math.Sqrt(d2)*m.scale-1e-6)
			}
		}
	}
	return m.o.Bound(envelopeOf(b))
}

// Distance is the feature's distance, +Inf if it is dead.
func (m *metric) Distance(i uint32) float64 {
	if m.s.dead.has(i) {
		return math.Inf(1)
	}
	s := m.s.Segment
	a := m.o.Approach()
	for p := s.FeaturePath[i]; p < s.FeaturePath[i+1]; p++ {
		xy := s.exact[2*s.PathVertex[p] : 2*s.PathVertex[p+1]]
		switch s.PathKinds[p] {
		case PathPoints:
			a.Points(xy)
		case PathLine:
			a.Line(xy)
		case PathShell:
			a.Shell(xy)
		default:
			a.Hole(xy)
		}
	}
	return a.Metres()
}

// envelopeOf is a box in degrees that holds every position whose world position
// is in the box, those that were clamped at the world's border included.
func envelopeOf(b tile.WorldBox) spatial.Envelope {
	var e spatial.Envelope
	e.MinX, e.MaxY = tile.LonLat(float64(b.MinX), float64(b.MinY))
	e.MaxX, e.MinY = tile.LonLat(float64(b.MaxX), float64(b.MaxY))
	const most, slack = 1<<32 - 1, 1e-12
	e.MinX, e.MaxX, e.MinY, e.MaxY = e.MinX-slack, e.MaxX+slack, e.MinY-slack, e.MaxY+slack
	if b.MinX == 0 {
		e.MinX = -180
	}
	if b.MaxX == most {
		e.MaxX = 180
	}
	if b.MinY == 0 {
		e.MaxY = 90
	}
	if b.MaxY == most {
		e.MinY = -90
	}
	return e
}
