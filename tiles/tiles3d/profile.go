package tiles3d

import (
	"cmp"
	"context"
	"math"
	"slices"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/geodesic"
	"twind/spatial/mesh"
	"twind/spatial/tile"
	"twind/tiles/style"
)

// Limits of a section.
const (
	MaxSectionVertices = 200
	MaxSectionLength   = 20_000 // metres
	MinSectionLength   = 0.5    // metres
	MaxSectionReach    = 50     // metres
	maxCrossings       = 100_000
	groundSamples      = 400
)

// SectionRequest asks what a vertical section along a line shows.
type SectionRequest struct {
	Line []float64 // longitude, latitude, … in degrees, straight in these between vertices
	// Reach is how far from the line in metres nodes and parts are still shown, as if
	// they stood on it. Pipes are shown where they cross it.
	Reach  float64
	Layers []layers.ID // of pipes, nodes and parts
	// Buildings are layers whose buildings are cut too.
	Buildings []layers.ID
	Policy    func(layers.ID) layers.Policy // the reader's rights; nil is unrestricted
}

// Profile is a vertical section, by the layers' newest state. Distances are along
// the line in metres on the spheroid, elevations in metres of the layers' vertical
// datum.
type Profile struct {
	Length float64        `json:"length"`
	Bends  []float64      `json:"bends"` // distances of the line's inner vertices
	Ground []GroundSample `json:"ground"`
	Items  []Crossing     `json:"items"` // by distance
	// Buildings are the stretches of the line that lie in one, by distance.
	Buildings []CutBuilding `json:"buildings"`
}

// GroundSample is the ground at a distance; nil where nobody knows it.
type GroundSample struct {
	At        float64  `json:"at"`
	Elevation *float64 `json:"elevation"`
}

// Crossing is a pipe where it crosses a section, or a node or part beside it.
type Crossing struct {
	Thing
	At float64 `json:"at"`
	// Offset is how far a node or part stands to the right of the line, in metres.
	Offset *float64 `json:"offset,omitempty"`
	// Depth is the ground above the top of a pipe, as the record tells it at the
	// pipe's vertices, evenly between; of a node its recorded depth.
	Depth *float64 `json:"depth,omitempty"`
	// Ground, Top and Invert are elevations: of the ground, and of the pipe's highest
	// and lowest points. Nil where they are not known.
	Ground *float64 `json:"ground,omitempty"`
	Top    *float64 `json:"top,omitempty"`
	Invert *float64 `json:"invert,omitempty"`
	// Wide and Tall are the extent of a pipe in the plane of the section in metres: an
	// ellipse for a round pipe that is met at an angle.
	Wide float64 `json:"wide,omitempty"`
	Tall float64 `json:"tall,omitempty"`
	// Angle is that between pipe and line, 0 to 90 degrees.
	Angle *float64 `json:"angle,omitempty"`
	// Assumed tells that nobody recorded the depth: it is the layer's cover.
	Assumed bool         `json:"assumed,omitempty"`
	Color   style.Colors `json:"color"` // of its kind on the map
}

// Section computes a vertical section from the exact records, whatever contents
// have been made. It fails with layers.ErrInvalid for a line that is no section,
// with a sentence that says why.
func (s *Service) Section(ctx context.Context, r SectionRequest) (*Profile, error) {
	if !(r.Reach >= 0 && r.Reach <= MaxSectionReach) {
		return nil, layers.Errorf(layers.ErrInvalid, "reach: %g m; expected 0 to %d m beside the line", r.Reach, MaxSectionReach)
	}
	l, err := newSectionLine(r.Line)
	if err != nil {
		return nil, err
	}
	c := &cutter{line: l, reach: r.Reach, ground: s.ground(), out: []Crossing{}, buildings: []CutBuilding{}}
	for _, id := range r.Layers {
		var policy layers.Policy
		if r.Policy != nil {
			policy = r.Policy(id)
		}
		if err := s.search(ctx, id, policy, l.box(r.Reach), c.of); err != nil {
			return nil, err
		}
	}
	for _, id := range r.Buildings {
		if err := s.cutBuildings(ctx, c, id, r.Policy); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(c.buildings, func(a, b CutBuilding) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.ID, b.ID)) })
	slices.SortStableFunc(c.out, func(a, b Crossing) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
	})
	return &Profile{Length: l.length(), Bends: l.bends(), Ground: l.profile(c.ground), Items: c.out, Buildings: c.buildings}, nil
}

// sectionLine is the course of a section; it is immutable.
type sectionLine struct {
	xy  []float64 // degrees
	at  []float64 // distance of each vertex
	lon float64   // metres of a degree of longitude at the middle
	lat float64   // of latitude
}

// newSectionLine checks a line; it fails with layers.ErrInvalid.
func newSectionLine(line []float64) (*sectionLine, error) {
	if n := len(line) / 2; n > MaxSectionVertices {
		return nil, layers.Errorf(layers.ErrInvalid, "line: %d vertices, and a section has at most %d; simplify it", n, MaxSectionVertices)
	}
	l := &sectionLine{}
	for k := 0; k+1 < len(line); k += 2 {
		lon, lat := line[k], line[k+1]
		if !(math.Abs(lon) <= 180 && math.Abs(lat) < 85) {
			return nil, layers.Errorf(layers.ErrInvalid, "line: vertex %d is at %g, %g; expected longitude and latitude in degrees", k/2+1, lon, lat)
		}
		n := len(l.xy)
		switch {
		case n == 0:
			l.at = append(l.at, 0)
		case l.xy[n-2] == lon && l.xy[n-1] == lat:
			continue
		case math.Abs(lon-l.xy[n-2]) > 180:
			return nil, layers.Errorf(layers.ErrInvalid, "line: it crosses the 180th meridian before vertex %d; draw one on each side", k/2+1)
		default:
			l.at = append(l.at, l.at[n/2-1]+geodesic.Distance(l.xy[n-2], l.xy[n-1], lon, lat))
		}
		l.xy = append(l.xy, lon, lat)
	}
	switch {
	case len(l.at) < 2:
		return nil, layers.Errorf(layers.ErrInvalid, "line: a section has at least two different vertices; got %d", len(l.at))
	case l.length() < MinSectionLength:
		return nil, layers.Errorf(layers.ErrInvalid, "line: it is %.2f m long, and a section is at least %.1f m; draw a longer one", l.length(), MinSectionLength)
	case l.length() > MaxSectionLength:
		return nil, layers.Errorf(layers.ErrInvalid, "line: it is %.0f m long, and a section is at most %d m; draw a shorter one", l.length(), MaxSectionLength)
	}
	l.lon, l.lat = perDegree(l.xy[1])
	return l, nil
}

// perDegree are the metres of a degree of longitude and of latitude.
func perDegree(lat float64) (east, north float64) {
	meridian, across := geodesic.Radii(lat)
	return across * math.Cos(lat*math.Pi/180) * math.Pi / 180, meridian * math.Pi / 180
}

func (l *sectionLine) length() float64 { return l.at[len(l.at)-1] }

func (l *sectionLine) bends() []float64 { return append([]float64{}, l.at[1:len(l.at)-1]...) }

// box holds the line and what is within a reach of it, in world units.
func (l *sectionLine) box(reach float64) tile.WorldBox {
	e := spatial.Envelope{MinX: math.Inf(1), MinY: math.Inf(1), MaxX: math.Inf(-1), MaxY: math.Inf(-1)}
	for k := 0; k < len(l.xy); k += 2 {
		e.MinX, e.MaxX = min(e.MinX, l.xy[k]), max(e.MaxX, l.xy[k])
		e.MinY, e.MaxY = min(e.MinY, l.xy[k+1]), max(e.MaxY, l.xy[k+1])
	}
	x, y := 1.1*reach/l.lon, 1.1*reach/l.lat
	var b tile.WorldBox
	b.MinX, b.MinY = tile.WorldOf(max(-180, e.MinX-x), min(85, e.MaxY+y))
	b.MaxX, b.MaxY = tile.WorldOf(min(180, e.MaxX+x), max(-85, e.MinY-y))
	return b
}

// place is the distance of the position at share t of leg k, and that position.
func (l *sectionLine) place(k int, t float64) (at, lon, lat float64) {
	lon, lat = l.xy[2*k]+(l.xy[2*k+2]-l.xy[2*k])*t, l.xy[2*k+1]+(l.xy[2*k+3]-l.xy[2*k+1])*t
	return l.at[k] + geodesic.Distance(l.xy[2*k], l.xy[2*k+1], lon, lat), lon, lat
}

// profile samples the ground evenly, and at each vertex.
func (l *sectionLine) profile(g Ground) []GroundSample {
	out := make([]GroundSample, 0, groundSamples+len(l.at)+1)
	add := func(at, lon, lat float64) {
		out = append(out, GroundSample{At: at, Elevation: heightOf(g, lon, lat)})
	}
	for k := range len(l.at) - 1 {
		n := max(1, math.Ceil((l.at[k+1]-l.at[k])/max(0.5, l.length()/groundSamples)))
		for j := range int(n) {
			add(l.place(k, float64(j)/n))
		}
	}
	n := len(l.xy)
	add(l.length(), l.xy[n-2], l.xy[n-1])
	return out
}

func heightOf(g Ground, lon, lat float64) *float64 {
	if h, ok := g.Height(lon, lat); ok {
		return &h
	}
	return nil
}

// cutter collects what one section meets.
type cutter struct {
	line             *sectionLine
	reach            float64
	ground           *ground
	out              []Crossing
	buildings        []CutBuilding
	level, elevation course
	shares           []float64
}

// of is how the features of a layer are cut.
func (c *cutter) of(l *layers.Layer, hidden []string) func(*snapshot.Segment, int) error {
	t := textsOf(l, hidden)
	level := &site{hidden: hidden, ground: c.ground, relative: true}
	if l.Kind != layers.KindPipe {
		m := newPartModel(l, level)
		t.part, t.fitting = m.columns.name, m.columns.fitting
		return func(s *snapshot.Segment, i int) error { return c.point(m, &t, s, i) }
	}
	m := newPipeModel(l, level)
	absolute := newPipeModel(l, &site{hidden: hidden, ground: c.ground})
	absolute.offset = 0 // elevations stay those of the datum
	return func(s *snapshot.Segment, i int) error { return c.pipe(m, absolute, &t, s, i) }
}

func (c *cutter) add(l *layers.Layer, x Crossing) error {
	x.Color = style.ColorOf(l, x.Kind)
	if len(c.out) == maxCrossings {
		return layers.Errorf(layers.ErrInvalid, "line: it meets more than %d things; draw a shorter one", maxCrossings)
	}
	c.out = append(c.out, x)
	return nil
}

// pipe adds each crossing of a pipe.
func (c *cutter) pipe(m, absolute *pipeModel, t *texts, s *snapshot.Segment, i int) error {
	if !hasPath(s, i, snapshot.PathLine) {
		return nil
	}
	read := false
	first, _ := s.Vertices(i)
	for p := s.FeaturePath[i]; p < s.FeaturePath[i+1]; p++ {
		if s.PathKinds[p] != snapshot.PathLine {
			continue
		}
		for v := int(s.PathVertex[p]) + 1; v < int(s.PathVertex[p+1]); v++ {
			xy := s.Exact()[2*v-2 : 2*v+2]
			for leg := range len(c.line.at) - 1 {
				at, ok := c.line.cross(leg, xy)
				if !ok {
					continue
				}
				if !read {
					m.course(s, i, &c.level)
					absolute.course(s, i, &c.elevation)
					read = true
				}
				x := Crossing{Thing: t.item(m.layer, s, i)}
				c.fill(&x, v-first, at)
				if err := c.add(m.layer, x); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// meeting is where a straight piece of a pipe crosses a leg of the section.
type meeting struct {
	at, lon, lat float64
	share        float64 // of the way along the piece
	angle        float64 // between them, 0 to π/2
	along        float64 // length of the piece in the plane of the section, metres
}

// cross finds where the piece crosses a leg.
func (l *sectionLine) cross(leg int, xy []float64) (m meeting, ok bool) {
	e := l.xy[2*leg : 2*leg+4]
	a, b := turn(e[0], e[1], e[2], e[3], xy[0], xy[1]), turn(e[0], e[1], e[2], e[3], xy[2], xy[3])
	p, q := turn(xy[0], xy[1], xy[2], xy[3], e[0], e[1]), turn(xy[0], xy[1], xy[2], xy[3], e[2], e[3])
	if a > 0 == (b > 0) || p > 0 == (q > 0) {
		return m, false
	}
	m.at, m.lon, m.lat = l.place(leg, p/(p-q))
	m.share = a / (a - b)
	east, north := perDegree(m.lat)
	lx, ly := (e[2]-e[0])*east, (e[3]-e[1])*north
	px, py := (xy[2]-xy[0])*east, (xy[3]-xy[1])*north
	m.angle = math.Atan2(math.Abs(lx*py-ly*px), math.Abs(lx*px+ly*py))
	m.along = math.Hypot(px, py) * math.Cos(m.angle)
	return m, true
}

// fill puts place, heights and sizes into the crossing of the piece of a pipe
// between its vertices k−1 and k.
func (c *cutter) fill(x *Crossing, k int, m meeting) {
	section := c.level.section
	tall := section.Width
	if section.Kind == mesh.Rectangular {
		tall = section.Height
	}
	at := func(heights []float64) float64 { return heights[k-1] + (heights[k]-heights[k-1])*m.share }
	depth, degrees := -at(c.level.heights)-tall/2, m.angle*180/math.Pi
	x.At, x.Angle, x.Depth, x.Assumed = m.at, &degrees, &depth, c.level.assumed
	x.Ground = heightOf(c.ground, m.lon, m.lat)
	// As wide as the pipe is at this angle, but no longer than its piece.
	x.Wide, x.Tall = min(section.Width/max(math.Sin(m.angle), 1e-9), section.Width+m.along), tall
	switch {
	case !c.elevation.assumed:
		axis := at(c.elevation.heights)
		top, invert := axis+tall/2, axis-tall/2
		x.Top, x.Invert = &top, &invert
	case x.Ground != nil:
		top := *x.Ground - depth
		invert := top - tall
		x.Top, x.Invert = &top, &invert
	}
	if c.level.faults[0] == "" {
		x.setSection(section)
	}
}

// point adds a node or part that stands within reach of the line.
func (c *cutter) point(m *partModel, t *texts, s *snapshot.Segment, i int) error {
	if !hasPath(s, i, snapshot.PathPoints) {
		return nil
	}
	lo, _ := s.Vertices(i)
	lon, lat := s.Exact()[2*lo], s.Exact()[2*lo+1]
	at, offset, ok := c.line.nearest(lon, lat)
	if !ok || math.Abs(offset) > c.reach {
		return nil
	}
	x := Crossing{Thing: t.item(m.layer, s, i), At: at, Offset: &offset, Ground: heightOf(c.ground, lon, lat)}
	if w := numberOf(raw(s, m.columns.width, i)) / m.columns.widthPerMetre; w > 0 && w < maxSection {
		x.Wide = w
	}
	if deep := numberOf(raw(s, m.columns.depth, i)); deep > 0 && deep < maxDepth {
		x.Depth, x.Tall = &deep, deep
	}
	return c.add(m.layer, x)
}

// nearest is the place on the line that is nearest to a position beside it, and how
// far to the right of it that is in metres; false beyond the ends.
func (l *sectionLine) nearest(lon, lat float64) (at, offset float64, ok bool) {
	east, north := perDegree(lat)
	best := math.Inf(1)
	for k := range len(l.at) - 1 {
		ax, ay := (l.xy[2*k]-lon)*east, (l.xy[2*k+1]-lat)*north
		dx, dy := (l.xy[2*k+2]-l.xy[2*k])*east, (l.xy[2*k+3]-l.xy[2*k+1])*north
		square := dx*dx + dy*dy
		t := -(ax*dx + ay*dy) / square
		if first, last := k == 0, k == len(l.at)-2; first && t < 0 || last && t > 1 {
			continue
		}
		t = max(0, min(1, t))
		d := math.Hypot(ax+dx*t, ay+dy*t)
		if d >= best {
			continue
		}
		best, ok = d, true
		at, _, _ = l.place(k, t)
		offset = math.Copysign(d, ay*dx-ax*dy)
	}
	return at, offset, ok
}
