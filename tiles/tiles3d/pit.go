package tiles3d

import (
	"math"
	"slices"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/geodesic"
)

// Limits of a pit.
const (
	MaxPitVertices = 10_000
	MaxPitArea     = 4e6    // m²
	maxPitExtent   = 20_000 // metres from end to end
	MinPitDepth    = 0.1    // metres
	MaxPitDepth    = 60     // metres
)

// pit is the outline of an excavation: a simple ring in degrees whose edges are
// straight in longitude and latitude, as GeoJSON has it, sorted into strips of
// latitude. It is immutable.
type pit struct {
	xy       []float64 // closed: the first position is repeated
	envelope spatial.Envelope
	area     float64 // m²
	strips   [][]int32
}

// newPit checks a ring, closed or not, of longitudes and latitudes in degrees; it
// fails with layers.ErrInvalid.
func newPit(ring []float64) (*pit, error) {
	p := &pit{envelope: spatial.Envelope{MinX: math.Inf(1), MinY: math.Inf(1), MaxX: math.Inf(-1), MaxY: math.Inf(-1)}}
	if len(ring)/2 > MaxPitVertices+1 {
		return nil, layers.Errorf(layers.ErrInvalid, "polygon: %d vertices, and a pit has at most %d; simplify its outline", len(ring)/2, MaxPitVertices)
	}
	for k := 0; k+1 < len(ring); k += 2 {
		lon, lat := ring[k], ring[k+1]
		if !(math.Abs(lon) <= 180 && math.Abs(lat) < 90) {
			return nil, layers.Errorf(layers.ErrInvalid, "polygon: vertex %d is at %g, %g; expected longitude and latitude in degrees", k/2+1, lon, lat)
		}
		if n := len(p.xy); n > 0 && p.xy[n-2] == lon && p.xy[n-1] == lat {
			continue
		}
		p.xy = append(p.xy, lon, lat)
		e := &p.envelope
		e.MinX, e.MaxX = min(e.MinX, lon), max(e.MaxX, lon)
		e.MinY, e.MaxY = min(e.MinY, lat), max(e.MaxY, lat)
	}
	if n := len(p.xy); n > 2 && p.xy[0] == p.xy[n-2] && p.xy[1] == p.xy[n-1] {
		p.xy = p.xy[:n-2]
	}
	if len(p.xy) < 6 {
		return nil, layers.Errorf(layers.ErrInvalid, "polygon: a pit has at least three corners; got %d", len(p.xy)/2)
	}
	p.xy = append(p.xy, p.xy[0], p.xy[1])
	if err := p.measure(); err != nil {
		return nil, err
	}
	if lon, lat, ok := p.simple(); !ok {
		return nil, layers.Errorf(layers.ErrInvalid, "polygon: its outline crosses or touches itself near %.6f, %.6f; draw it without crossings", lon, lat)
	}
	p.sort()
	return p, nil
}

// edges is the number of edges; edge k runs from vertex k to vertex k+1.
func (p *pit) edges() int { return len(p.xy)/2 - 1 }

// edge is edge k.
func (p *pit) edge(k int) (ax, ay, bx, by float64) {
	return p.xy[2*k], p.xy[2*k+1], p.xy[2*k+2], p.xy[2*k+3]
}

// measure finds the area, and refuses what is too large or has none.
func (p *pit) measure() error {
	e := p.envelope
	meridian, across := geodesic.Radii((e.MinY + e.MaxY) / 2)
	lat := math.Pi / 180 * meridian
	lon := math.Pi / 180 * across * math.Cos((e.MinY+e.MaxY)/2*math.Pi/180)
	if wide := math.Hypot((e.MaxX-e.MinX)*lon, (e.MaxY-e.MinY)*lat); wide > maxPitExtent {
		return layers.Errorf(layers.ErrInvalid, "polygon: it is %.0f m from end to end, and a pit is at most %d m; draw a smaller one", wide, maxPitExtent)
	}
	double := 0.0
	for k := range p.edges() {
		ax, ay, bx, by := p.edge(k)
		double += (ax-e.MinX)*(by-e.MinY) - (bx-e.MinX)*(ay-e.MinY)
	}
	p.area = math.Abs(double) / 2 * lon * lat
	switch {
	case p.area > MaxPitArea:
		return layers.Errorf(layers.ErrInvalid, "polygon: its area is %.2f km², and a pit has at most %.0f km²; draw a smaller one", p.area/1e6, MaxPitArea/1e6)
	case !(p.area > 1e-4):
		return layers.Errorf(layers.ErrInvalid, "polygon: it has no area; draw at least three corners that are not in one line")
	}
	return nil
}

// simple tells whether no two edges share a position but at the corner between
// them; else where.
func (p *pit) simple() (lon, lat float64, ok bool) {
	n := p.edges()
	order := make([]int32, n)
	for k := range order {
		order[k] = int32(k)
	}
	west := func(k int32) float64 { return min(p.xy[2*k], p.xy[2*k+2]) }
	slices.SortFunc(order, func(a, b int32) int { return cmpFloat(west(a), west(b)) })
	for i, k := range order {
		ax, ay, bx, by := p.edge(int(k))
		east := max(ax, bx)
		for _, j := range order[i+1:] {
			if west(j) > east {
				break
			}
			cx, cy, dx, dy := p.edge(int(j))
			if min(cy, dy) > max(ay, by) || max(cy, dy) < min(ay, by) {
				continue
			}
			if p.clash(int(k), int(j)) {
				return (max(min(ax, bx), min(cx, dx)) + min(max(ax, bx), max(cx, dx))) / 2, (max(min(ay, by), min(cy, dy)) + min(max(ay, by), max(cy, dy))) / 2, false
			}
		}
	}
	return 0, 0, true
}

// clash tells whether two edges whose boxes meet share more than they may.
func (p *pit) clash(k, j int) bool {
	ax, ay, bx, by := p.edge(k)
	cx, cy, dx, dy := p.edge(j)
	n := p.edges()
	switch {
	case (k+1)%n == j: // b = c: the next edge must not turn back
		return turn(ax, ay, bx, by, dx, dy) == 0 && (ax-bx)*(dx-bx)+(ay-by)*(dy-by) > 0
	case (j+1)%n == k: // d = a
		return turn(cx, cy, dx, dy, bx, by) == 0 && (cx-dx)*(bx-dx)+(cy-dy)*(by-dy) > 0
	}
	a, b := turn(cx, cy, dx, dy, ax, ay), turn(cx, cy, dx, dy, bx, by)
	c, d := turn(ax, ay, bx, by, cx, cy), turn(ax, ay, bx, by, dx, dy)
	return !(a > 0 && b > 0 || a < 0 && b < 0 || c > 0 && d > 0 || c < 0 && d < 0)
}

// turn is positive where c lies to the left of the line from a to b.
func turn(ax, ay, bx, by, cx, cy float64) float64 { return (bx-ax)*(cy-ay) - (by-ay)*(cx-ax) }

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// sort puts the edges into strips.
func (p *pit) sort() {
	p.strips = make([][]int32, min(256, max(1, p.edges()/4)))
	for k := range p.edges() {
		_, ay, _, by := p.edge(k)
		lo, hi := p.strip(min(ay, by)), p.strip(max(ay, by))
		for s := lo; s <= hi; s++ {
			p.strips[s] = append(p.strips[s], int32(k))
		}
	}
}

// strip is the strip of a latitude, the nearest for one outside.
func (p *pit) strip(lat float64) int {
	e := p.envelope
	share := (lat - e.MinY) / (e.MaxY - e.MinY)
	return max(0, min(len(p.strips)-1, int(share*float64(len(p.strips)))))
}

// contains tells whether a position lies inside.
func (p *pit) contains(lon, lat float64) bool {
	e := p.envelope
	if lon < e.MinX || lon > e.MaxX || lat < e.MinY || lat > e.MaxY {
		return false
	}
	inside := false
	for _, k := range p.strips[p.strip(lat)] {
		ax, ay, bx, by := p.edge(int(k))
		if (ay > lat) != (by > lat) && lon < ax+(lat-ay)/(by-ay)*(bx-ax) {
			inside = !inside
		}
	}
	return inside
}

// cut appends to at the shares 0 < t < 1 of the way from a to b at which the
// outline is crossed, in no order; one may be there more than once.
func (p *pit) cut(at []float64, ax, ay, bx, by float64) []float64 {
	e := p.envelope
	if max(ax, bx) < e.MinX || min(ax, bx) > e.MaxX || max(ay, by) < e.MinY || min(ay, by) > e.MaxY {
		return at
	}
	lo, hi := p.strip(min(ay, by)), p.strip(max(ay, by))
	for s := lo; s <= hi; s++ {
		for _, k := range p.strips[s] {
			cx, cy, dx, dy := p.edge(int(k))
			c, d := turn(ax, ay, bx, by, cx, cy), turn(ax, ay, bx, by, dx, dy)
			if c > 0 == (d > 0) {
				continue
			}
			a, b := turn(cx, cy, dx, dy, ax, ay), turn(cx, cy, dx, dy, bx, by)
			if t := a / (a - b); t > 0 && t < 1 {
				at = append(at, t)
			}
		}
	}
	return at
}
