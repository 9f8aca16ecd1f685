package tiles3d

import (
	"math"
	"strings"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial/mesh"
)

// Levels of pipes: instances seen from afar, tubes from near.
const (
	farPipes  = 14 // cells of 1.2 km
	nearPipes = 17
)

// farTolerance is how far instances may run beside a pipe, in metres.
const farTolerance = 0.35

// farError is the geometric error of instanced pipes in metres: beyond some
// 200 m a bend cannot be told from a ball.
const farError = 4

// What is taken for a pipe whose record lacks it, and what is not credible, metres.
const (
	assumedCover   = 1.5
	assumedSection = 0.2
	maxSection     = 20
	maxElevation   = 9000
	maxDepth       = 500
)

// reference is what the height of a pipe is the height of.
type reference uint8

const (
	refUnknown reference = iota
	refInvert
	refTop
	refAxis
)

// pipeModel draws lines as tubes.
type pipeModel struct {
	layer   *layers.Layer
	columns pipeColumns
	offset  float64
	cover   float64
	ref     reference // where no property says
	site    *site
}

// pipeColumns are numbers of properties, −1 where the layer has none.
type pipeColumns struct {
	diameter, width, height, section int
	start, end, startDeep, endDeep   int
	of, class                        int
	perMetre                         float64 // units of diameter, width and height in a metre
}

func newPipeModel(l *layers.Layer, o *site) *pipeModel {
	hidden := o.hidden
	m := &pipeModel{layer: l, site: o, offset: o.offset(l), cover: assumedCover, columns: pipeColumns{
		diameter:  column(l, hidden, true, "diameter", "dn", "管径", "size"),
		width:     column(l, hidden, true, "width", "断面宽"),
		height:    column(l, hidden, true, "height", "断面高"),
		section:   column(l, hidden, false, "section", "psize", "管径或断面尺寸", "管径"),
		start:     column(l, hidden, true, "start_elevation", "upstream_invert", "s_high", "起点高程"),
		end:       column(l, hidden, true, "end_elevation", "downstream_invert", "e_high", "终点高程"),
		startDeep: column(l, hidden, true, "start_depth", "s_deep", "起点埋深"),
		endDeep:   column(l, hidden, true, "end_depth", "e_deep", "终点埋深"),
		of:        column(l, hidden, false, "elevation_of"),
		class:     column(l, hidden, false, l.ClassBy),
		perMetre:  1000,
	}}
	for _, c := range []int{m.columns.diameter, m.columns.width} {
		if c >= 0 && l.Schema[c].Unit == "m" {
			m.columns.perMetre = 1
		}
	}
	m.ref = referenceOf(l, m.columns.start)
	if h := l.Heights; h != nil && h.Cover > 0 {
		m.cover = h.Cover
	}
	return m
}

// referenceOf is what a layer's elevations are those of: as it says, else as the
// name of its property says, else by custom, the invert of gravity sewers and the
// top of all else.
func referenceOf(l *layers.Layer, start int) reference {
	if l.Heights != nil && l.Heights.Of != "" {
		return parseReference(l.Heights.Of)
	}
	if start >= 0 && strings.Contains(strings.ToLower(l.Schema[start].Name), "invert") {
		return refInvert
	}
	return refUnknown
}

func parseReference(word string) reference {
	switch word {
	case "invert", "bottom", "管底", "内底":
		return refInvert
	case "top", "crown", "管顶", "外顶":
		return refTop
	case "axis", "centre", "center", "中心", "管中":
		return refAxis
	}
	return refUnknown
}

// gravity are the classes of CJJ 61 whose water runs by itself.
var gravity = []string{"PS", "YS", "WS", "HS", "排水", "雨水", "污水", "雨污合流"}

// reference is what a pipe's elevations are those of.
func (m *pipeModel) reference(s *snapshot.Segment, i int) reference {
	if r := parseReference(string(textOf(raw(s, m.columns.of, i)))); r != refUnknown {
		return r
	}
	if m.ref != refUnknown {
		return m.ref
	}
	if contains(gravity, string(textOf(raw(s, m.columns.class, i)))) {
		return refInvert
	}
	return refTop
}

// section is a pipe's cross-section.
func (m *pipeModel) section(s *snapshot.Segment, i int) (mesh.Section, Fault) {
	text := textOf(raw(s, m.columns.section, i))
	cross := strings.IndexAny(string(text), "xX×*") > 0
	w, h := m.size(s, m.columns.width, i), m.size(s, m.columns.height, i)
	d := m.size(s, m.columns.diameter, i)
	switch {
	case w > 0 && h > 0 && (cross || w != h):
	case w > 0:
		d, h = w, 0
	default:
		w, h = parseSection(text)
		if h == 0 && !(d > 0) {
			d = w
		}
	}
	out := mesh.Section{Kind: mesh.Round, Width: d}
	if h > 0 {
		out = mesh.Section{Kind: mesh.Rectangular, Width: w, Height: h}
	}
	switch {
	case !(out.Width > 0):
		return mesh.Section{Width: assumedSection}, FaultNoSection
	case out.Width > maxSection || out.Height > maxSection:
		return mesh.Section{Width: assumedSection}, FaultSection
	}
	return out, ""
}

// size is a number of a section in metres; 0 where there is none.
func (m *pipeModel) size(s *snapshot.Segment, c, i int) float64 {
	if v := numberOf(raw(s, c, i)); v > 0 {
		return v / m.columns.perMetre
	}
	return 0
}

// parseSection reads "DN300", "300" or "600X300" in millimetres; h is 0 for a
// round section, w too for anything else.
func parseSection(text []byte) (w, h float64) {
	var n [2]float64
	k, digits := 0, false
	for _, b := range text {
		switch {
		case b >= '0' && b <= '9':
			n[k] = min(n[k]*10+float64(b-'0'), 1e9)
			digits = true
		case digits && k == 0:
			k, digits = 1, false
		case digits:
			return n[0] / 1000, n[1] / 1000
		}
	}
	return n[0] / 1000, n[1] / 1000
}

// course is where the axis of a pipe runs: heights above the ellipsoid, one a
// vertex of its lines.
type course struct {
	section mesh.Section
	heights []float64
	assumed bool
	faults  [2]Fault
}

// course reads a pipe into c, whose memory it reuses.
func (m *pipeModel) course(s *snapshot.Segment, i int, c *course) {
	*c = course{heights: c.heights[:0]}
	c.section, c.faults[0] = m.section(s, i)
	tall := c.section.Width
	if c.section.Kind == mesh.Rectangular {
		tall = c.section.Height
	}
	if !m.recorded(s, i, c) {
		c.assumed = true
		m.covered(s, i, c)
		for k := range c.heights {
			c.heights[k] += m.offset - tall/2
		}
		return
	}
	shift := m.offset
	switch m.reference(s, i) {
	case refInvert:
		shift += tall / 2
	case refTop:
		shift -= tall / 2
	}
	for k := range c.heights {
		c.heights[k] += shift
	}
}

// recorded puts the recorded elevations into c: those of the line's vertices, else
// those of its ends and what lies between, else the ground less the depths.
func (m *pipeModel) recorded(s *snapshot.Segment, i int, c *course) bool {
	if m.site.relative && m.deep(s, i, c) {
		for k := range c.heights {
			c.heights[k] = -c.heights[k]
		}
		return true
	}
	if !m.elevations(s, i, c) {
		if m.site.relative || !m.deep(s, i, c) {
			return false
		}
		return m.fromGround(s, i, c, -1)
	}
	return !m.site.relative || m.fromGround(s, i, c, 1)
}

// elevations reads those of the vertices or the ends.
func (m *pipeModel) elevations(s *snapshot.Segment, i int, c *course) bool {
	lo, hi := s.Vertices(i)
	c.heights = c.heights[:0]
	if s.Flags[i]&snapshot.FlagHeights != 0 {
		ok := true
		for _, z := range s.Heights()[lo:hi] {
			ok = ok && math.Abs(z) < maxElevation // false for NaN
		}
		if ok {
			c.heights = append(c.heights, s.Heights()[lo:hi]...)
			return true
		}
		c.faults[1] = FaultElevation
	}
	a, b := numberOf(raw(s, m.columns.start, i)), numberOf(raw(s, m.columns.end, i))
	if math.Abs(a) >= maxElevation || math.Abs(b) >= maxElevation {
		c.faults[1] = FaultElevation
		return false
	}
	switch {
	case math.IsNaN(a) && math.IsNaN(b):
		if c.faults[1] == "" {
			c.faults[1] = FaultNoDepth
		}
		return false
	case math.IsNaN(a):
		a, c.faults[1] = b, FaultOneEnd
	case math.IsNaN(b):
		b, c.faults[1] = a, FaultOneEnd
	}
	c.between(s.Exact()[2*lo:2*hi], a, b)
	return true
}

// deep reads the depths of the ends, and what lies between.
func (m *pipeModel) deep(s *snapshot.Segment, i int, c *course) bool {
	a, b := numberOf(raw(s, m.columns.startDeep, i)), numberOf(raw(s, m.columns.endDeep, i))
	if !(math.Abs(a) < maxDepth && math.Abs(b) < maxDepth) {
		return false
	}
	lo, hi := s.Vertices(i)
	c.faults[1] = ""
	c.between(s.Exact()[2*lo:2*hi], a, b)
	return true
}

// fromGround turns elevations into heights above the ground (sign 1), or depths
// into elevations (−1); false where the ground is not known.
func (m *pipeModel) fromGround(s *snapshot.Segment, i int, c *course, sign float64) bool {
	lo, _ := s.Vertices(i)
	xy := s.Exact()
	for k := range c.heights {
		g, ok := m.site.ground.Height(xy[2*(lo+k)], xy[2*(lo+k)+1])
		if !ok {
			if c.faults[1] == "" {
				c.faults[1] = FaultNoGround
			}
			return false
		}
		c.heights[k] = sign * (c.heights[k] - g)
	}
	return true
}

// between spreads the fall from a to b over the length of a line.
func (c *course) between(xy []float64, a, b float64) {
	scale := math.Cos(xy[1] * math.Pi / 180)
	length := 0.0
	c.heights = c.heights[:0]
	for k := 0; k < len(xy); k += 2 {
		if k > 0 {
			length += math.Hypot((xy[k]-xy[k-2])*scale, xy[k+1]-xy[k-1])
		}
		c.heights = append(c.heights, length)
	}
	for k, at := range c.heights {
		c.heights[k] = a
		if length > 0 {
			c.heights[k] = a + (b-a)*at/length
		}
	}
}

// covered puts the top of the pipe under the layer's cover.
func (m *pipeModel) covered(s *snapshot.Segment, i int, c *course) {
	c.heights = c.heights[:0]
	lo, hi := s.Vertices(i)
	xy := s.Exact()
	for v := lo; v < hi; v++ {
		ground := 0.0
		if h, ok := m.site.ground.Height(xy[2*v], xy[2*v+1]); ok && !m.site.relative {
			ground = h
		}
		c.heights = append(c.heights, ground-m.cover)
	}
}

func (m *pipeModel) measure(s *snapshot.Segment, i int) (measure, bool) {
	if !hasPath(s, i, snapshot.PathLine) {
		return measure{}, false
	}
	var c course
	m.course(s, i, &c)
	tall := max(c.section.Width, c.section.Height)/2 + farSlack
	out := measure{low: math.Inf(1), high: math.Inf(-1), pad: 2 * tall}
	for _, h := range c.heights {
		out.low, out.high = min(out.low, h-tall), max(out.high, h+tall)
		out.mark = mix(out.mark ^ math.Float64bits(h))
	}
	return out, true
}

func (m *pipeModel) replaced(*snapshot.Segment, int) bool { return false }

// hasPath tells whether a feature has a path of a kind.
func hasPath(s *snapshot.Segment, i int, kind snapshot.PathKind) bool {
	for p := s.FeaturePath[i]; p < s.FeaturePath[i+1]; p++ {
		if s.PathKinds[p] == kind {
			return true
		}
	}
	return false
}

func (m *pipeModel) levels(float64) ([2]uint8, int) { return [2]uint8{farPipes, nearPipes}, 2 }
func (m *pipeModel) replaces(level uint8) bool      { return level == farPipes }
func (m *pipeModel) volume() volumeKind             { return asBox }

func (m *pipeModel) geometricError(c Cell) float64 {
	if c.Level >= farPipes {
		return farError
	}
	return halving(c)
}
