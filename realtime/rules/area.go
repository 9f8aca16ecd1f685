package rules

import (
	"math"

	"twind/layers/geojson"
	"twind/spatial"
)

// Zone is one area of a fence by its name: the feature's id, or "".
type Zone struct {
	Name     string
	Geometry spatial.Geometry // Polygon or MultiPolygon, degrees
}

// shape is the form of a zone. Distances are measured on the plane that touches
// the ellipsoid in the middle of the zone: to a thousandth within 10 km.
type shape struct {
	box    spatial.Envelope
	lon    float64 // the middle, degrees
	lat    float64
	mx, my float64 // metres a degree there
	radius float64 // of a circle; 0: a polygon
	// Of a polygon: the edges' ends as metres from the middle; each edge runs from
	// xy[2i] to xy[2i+2] within its ring.
	xy   []float64
	ends []int32
}

// WGS 84.
const (
	semiMajor     = 6378137.0
	eccentricity2 = 6.69437999014e-3
)

// metresADegree are the lengths of a degree of longitude and latitude.
func metresADegree(lat float64) (mx, my float64) {
	sin, cos := math.Sincos(lat * math.Pi / 180)
	w := 1 - eccentricity2*sin*sin
	n := semiMajor / math.Sqrt(w)
	return max(n*cos*math.Pi/180, 1e-3), n * (1 - eccentricity2) / w * math.Pi / 180
}

// shape makes the form of a circle or a polygon.
func (a *Area) shape(rule string) (*shape, error) {
	if c := a.Circle; c != nil {
		return circle(rule, c)
	}
	g, err := geojson.ParseGeometry(a.Polygon)
	if err != nil {
		return nil, invalid("polygon of rule %s: %w", rule, err)
	}
	s := polygon(g)
	if s == nil {
		return nil, invalid("polygon of rule %s: expected a Polygon or MultiPolygon with rings", rule)
	}
	return s, nil
}

func circle(rule string, c *Circle) (*shape, error) {
	lon, lat := c.Center[0], c.Center[1]
	if !(lon >= -180 && lon <= 180 && lat >= -85 && lat <= 85) {
		return nil, invalid("centre %v, %v of rule %s: expected longitude −180 to 180 and latitude −85 to 85", lon, lat, rule)
	}
	if !(c.Radius > 0 && c.Radius <= maxRadius) {
		return nil, invalid("radius %v of rule %s: expected metres above 0, at most %d", c.Radius, rule, maxRadius)
	}
	s := &shape{lon: lon, lat: lat, radius: c.Radius}
	s.mx, s.my = metresADegree(lat)
	dx, dy := c.Radius/s.mx*1.001, c.Radius/s.my*1.001
	s.box = spatial.Envelope{MinX: lon - dx, MinY: lat - dy, MaxX: lon + dx, MaxY: lat + dy}
	return s, nil
}

// polygon is nil for what has no area.
func polygon(g spatial.Geometry) *shape {
	if g.Type != spatial.Polygon && g.Type != spatial.MultiPolygon || len(g.Ends) == 0 {
		return nil
	}
	e := g.Envelope()
	if e.IsEmpty() || e.MinX < -180 || e.MaxX > 180 || e.MinY < -90 || e.MaxY > 90 {
		return nil
	}
	s := &shape{box: e, lon: (e.MinX + e.MaxX) / 2, lat: (e.MinY + e.MaxY) / 2, ends: g.Ends}
	s.mx, s.my = metresADegree(s.lat)
	s.xy = make([]float64, len(g.XY))
	for i := 0; i < len(g.XY); i += 2 {
		s.xy[i], s.xy[i+1] = (g.XY[i]-s.lon)*s.mx, (g.XY[i+1]-s.lat)*s.my
	}
	return s
}

// local is a place as metres from the middle.
func (s *shape) local(lon, lat float64) (x, y float64) {
	dx := lon - s.lon
	if dx > 180 {
		dx -= 360
	} else if dx < -180 {
		dx += 360
	}
	return dx * s.mx, (lat - s.lat) * s.my
}

// outside is how many metres a place is outside of the zone, 0 within; of what
// is further than limit it may tell any greater number.
func (s *shape) outside(lon, lat, limit float64) float64 {
	x, y := s.local(lon, lat)
	if s.radius > 0 {
		return max(0, math.Hypot(x, y)-s.radius)
	}
	if s.contains(x, y) {
		return 0
	}
	if limit <= 0 {
		return math.Inf(1)
	}
	return s.border(x, y)
}

// contains counts crossings of a ray to the east (even–odd).
func (s *shape) contains(x, y float64) bool {
	in := false
	from := int32(0)
	for _, end := range s.ends {
		ring := s.xy[2*from : 2*end]
		for i := 0; i+3 < len(ring); i += 2 {
			ax, ay, bx, by := ring[i], ring[i+1], ring[i+2], ring[i+3]
			if (ay > y) != (by > y) && x < (bx-ax)*(y-ay)/(by-ay)+ax {
				in = !in
			}
		}
		from = end
	}
	return in
}

// border is the distance to the nearest edge.
func (s *shape) border(x, y float64) float64 {
	best := math.Inf(1)
	from := int32(0)
	for _, end := range s.ends {
		ring := s.xy[2*from : 2*end]
		for i := 0; i+3 < len(ring); i += 2 {
			best = min(best, segment2(x-ring[i], y-ring[i+1], ring[i+2]-ring[i], ring[i+3]-ring[i+1]))
		}
		from = end
	}
	return math.Sqrt(best)
}

// segment2 is the squared distance of p from the segment from 0 to d.
func segment2(px, py, dx, dy float64) float64 {
	t := 0.0
	if l := dx*dx + dy*dy; l > 0 {
		t = min(1, max(0, (px*dx+py*dy)/l))
	}
	px, py = px-t*dx, py-t*dy
	return px*px + py*py
}
