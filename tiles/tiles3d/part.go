package tiles3d

import (
	"math"
	"strings"
	"sync"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial/mesh"
)

// firstParts is the first level of parts: what is 8 m high is seen from some 850 m,
// smaller things from half as far.
const (
	firstParts = 16
	lastParts  = 17
)

// partModel draws points as models of real size.
type partModel struct {
	layer   *layers.Layer
	columns partColumns
	offset  float64
	site    *site
	usual   mesh.Part
	known   bool // usual is what the layer's name says
}

// partColumns are numbers of properties, −1 where the layer has none.
type partColumns struct {
	name, fitting        int
	height, depth, width int
	rim, heading         int
	widthPerMetre        float64
}

func newPartModel(l *layers.Layer, o *site) *partModel {
	hidden := o.hidden
	m := &partModel{layer: l, site: o, offset: o.offset(l), columns: partColumns{
		name:    column(l, hidden, false, "subsidiary", "附属物", "part", "type", "name"),
		fitting: column(l, hidden, false, "feature", "特征"),
		height:  column(l, hidden, true, "height", "高度"),
		depth:   column(l, hidden, true, "depth", "well_depth", "井底深", "井深", "埋深"),
		width:   column(l, hidden, true, "diameter", "width", "crown", "井径"),
		rim:     column(l, hidden, true, "rim", "ground_elevation", "elevation", "地面高程"),
		heading: column(l, hidden, true, "heading", "bearing", "angle", "direction"),

		widthPerMetre: 1,
	}}
	if c := m.columns.width; c >= 0 && l.Schema[c].Unit == "mm" {
		m.columns.widthPerMetre = 1000
	}
	if name := strings.ToLower(string(l.ID) + " " + l.Title.EN + " " + l.Title.ZH); m.columns.name < 0 || l.Schema[m.columns.name].Name == "name" {
		m.usual, m.known = partOf(name)
	}
	return m
}

// partWords find parts in names, the first that is contained deciding.
var partWords = []struct {
	word string
	part mesh.Part
}{
	{"井盖", mesh.Manhole}, {"箅", mesh.CatchBasin}, {"篦", mesh.CatchBasin}, {"雨水口", mesh.CatchBasin}, {"catch", mesh.CatchBasin},
	{"消防", mesh.Hydrant}, {"消火栓", mesh.Hydrant}, {"hydrant", mesh.Hydrant},
	{"阀", mesh.Valve}, {"valve", mesh.Valve},
	{"井", mesh.Manhole}, {"人孔", mesh.Manhole}, {"手孔", mesh.Manhole}, {"manhole", mesh.Manhole},
	{"信号灯", mesh.Pole}, {"标志牌", mesh.Pole}, {"路名牌", mesh.Pole}, {"杆", mesh.Pole},
	{"灯", mesh.Lamp}, {"lamp", mesh.Lamp}, {"light", mesh.Lamp},
	{"树", mesh.Broadleaf}, {"tree", mesh.Broadleaf}, {"监控", mesh.Camera}, {"摄像", mesh.Camera}, {"电子眼", mesh.Camera}, {"camera", mesh.Camera},
	{"垃圾", mesh.Bin}, {"座椅", mesh.Bench}, {"bench", mesh.Bench},
}

// signHeights are the usual heights in metres of what stands on a pole of its own.
var signHeights = map[string]float64{"交通信号灯": 6, "交通标志牌": 4, "路名牌": 2.8}

// partOf is the part that a name tells; false for another.
func partOf(name string) (mesh.Part, bool) {
	if p, ok := mesh.ParsePart(name); ok {
		return p, true
	}
	for _, w := range partWords {
		if strings.Contains(name, w.word) {
			return w.part, true
		}
	}
	return mesh.Generic, false
}

// coverDepth is the depth in metres of what is only a cover, in a layer of parts.
const coverDepth = 0.2

// standing is a part with its place.
type standing struct {
	pieces  [2]mesh.Piece
	n       int
	height  float64 // of its point, metres above the ellipsoid
	heading float64 // degrees clockwise from north
	assumed bool
	fault   Fault
}

// part reads a feature.
func (m *partModel) part(s *snapshot.Segment, i int) (out standing) {
	name := string(textOf(raw(s, m.columns.name, i)))
	p, known := partOf(name)
	switch {
	case known:
	case m.known:
		p = m.usual
	case name == "" && m.layer.Kind == layers.KindNode && m.columns.name >= 0:
		if len(textOf(raw(s, m.columns.fitting, i))) > 0 {
			m.joint(s, i, &out)
			return out
		}
		p = mesh.Manhole
	}
	size := mesh.PartSize{
		Height: numberOf(raw(s, m.columns.height, i)), Depth: numberOf(raw(s, m.columns.depth, i)),
		Width: numberOf(raw(s, m.columns.width, i)) / m.columns.widthPerMetre,
	}
	if h, ok := signHeights[name]; ok && !(size.Height > 0) {
		size.Height = h
	}
	if m.layer.Kind == layers.KindPart && !(size.Depth > 0) {
		size.Depth = coverDepth
	}
	var odd bool
	if out.pieces, out.n, odd = mesh.Pieces(p, size); odd {
		out.fault = FaultSize
	}
	if h := numberOf(raw(s, m.columns.heading, i)); h >= -360 && h <= 360 {
		out.heading = h
	}
	m.stand(s, i, &out)
	return out
}

// jointSize is the size of a tee, bend or cap as it is drawn, metres.
const jointSize = 0.35

// joint draws a node that is a fitting of its pipes: at its depth, without a shaft.
func (m *partModel) joint(s *snapshot.Segment, i int, out *standing) {
	deep := numberOf(raw(s, m.columns.depth, i))
	if !(deep > 0 && deep < maxDepth) {
		if !math.IsNaN(deep) {
			out.fault = FaultSize
		}
		deep, out.assumed = assumedCover, true
	}
	out.pieces[0] = mesh.Piece{Model: mesh.GenericModel, Up: -deep - jointSize/2, Scale: [3]float64{jointSize, jointSize, jointSize}}
	out.n = 1
	m.stand(s, i, out)
}

// stand finds the height of a part's point: that of the record, else the ground's.
func (m *partModel) stand(s *snapshot.Segment, i int, out *standing) {
	if m.site.relative {
		return // on the ground
	}
	lo, _ := s.Vertices(i)
	h := math.NaN()
	if s.Flags[i]&snapshot.FlagHeights != 0 {
		h = s.Heights()[lo]
	}
	if !(math.Abs(h) < maxElevation) {
		if !math.IsNaN(h) {
			out.fault = FaultElevation
		}
		h = numberOf(raw(s, m.columns.rim, i))
	}
	if !(math.Abs(h) < maxElevation) {
		if !math.IsNaN(h) {
			out.fault = FaultElevation
		}
		h = math.NaN()
		if g, ok := m.site.ground.Height(s.Exact()[2*lo], s.Exact()[2*lo+1]); ok {
			h = g
		}
		if math.IsNaN(h) {
			h, out.assumed = 0, true
			if out.fault == "" {
				out.fault = FaultNoGround
			}
		}
	}
	out.height = h + m.offset
}

// modelBounds are the boxes of the models.
var modelBounds = sync.OnceValue(func() (list [mesh.Models][2][3]float64) {
	var m mesh.Mesh
	for k := range list {
		m.Reset()
		mesh.Model(k).Build(&m, 0)
		lo, hi, _ := m.Bounds()
		for a := range 3 {
			list[k][0][a], list[k][1][a] = float64(lo[a]), float64(hi[a])
		}
	}
	return list
})

func (m *partModel) measure(s *snapshot.Segment, i int) (measure, bool) {
	if !hasPath(s, i, snapshot.PathPoints) {
		return measure{}, false
	}
	p := m.part(s, i)
	bounds := modelBounds()
	out := measure{low: math.Inf(1), high: math.Inf(-1)}
	for _, piece := range p.pieces[:p.n] {
		b := bounds[piece.Model]
		out.low = min(out.low, p.height+piece.Up+b[0][2]*piece.Scale[2])
		out.high = max(out.high, p.height+piece.Up+b[1][2]*piece.Scale[2])
		out.pad = max(out.pad, reach(b[0][:2], piece.Scale), reach(b[1][:2], piece.Scale))
	}
	out.size = max(out.high-out.low, 2*out.pad)
	out.mark = math.Float64bits(p.height)
	return out, true
}

// reach is how far a corner of a model's box lies from the vertical through its
// point.
func reach(corner []float64, scale [3]float64) float64 {
	return math.Sqrt2 * max(math.Abs(corner[0]*scale[0]), math.Abs(corner[1]*scale[1]))
}

func (m *partModel) replaced(*snapshot.Segment, int) bool { return false }

func (m *partModel) levels(size float64) ([2]uint8, int) {
	return [2]uint8{levelOf(size, firstParts, lastParts)}, 1
}
func (m *partModel) replaces(uint8) bool           { return false }
func (m *partModel) volume() volumeKind            { return asBox }
func (m *partModel) geometricError(c Cell) float64 { return halving(c) }
