package snapshot

import (
	"math"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// appender grows the columns of a segment feature by feature. It only appends:
// a Segment taken from it keeps its prefix of the columns, whatever comes after.
// It is owned by one goroutine.
type appender struct {
	schema []layers.Property
	dict   *dictionary
	seg    Segment
	extent spatial.Envelope // of what was derived

	raw    []byte   // encoded values not yet in the dictionary, row by row
	rawEnd []uint32 // one a value: its end in raw; null has no bytes

	simple tile.SimpleTester
	ends   []uint32
	holes  []bool
}

func newAppender(schema []layers.Property, dict *dictionary) *appender {
	a := &appender{schema: schema, dict: dict, extent: spatial.EmptyEnvelope()}
	a.seg.FeaturePath = []uint32{0}
	a.seg.PathVertex = []uint32{0}
	a.seg.IDOffset = []uint32{0}
	a.seg.ValueOffset = []uint32{0}
	a.seg.Columns = make([][]uint32, len(schema))
	a.seg.members.offset, a.seg.surfaces.offset = []uint32{0}, []uint32{0}
	return a
}

// add appends a feature that layers.CheckFeature accepted; derive completes it.
// After an error the columns are as before.
func (a *appender) add(f *layers.Feature) error {
	s := &a.seg
	if len(s.IDBytes)+len(f.ID) > maxColumnBytes || len(s.surfaces.bytes)+len(f.Surfaces) > maxColumnBytes || len(s.exact)/2+f.Geometry.NumVertices() > math.MaxUint32 || s.N == math.MaxUint32 {
		return layers.Errorf(layers.ErrUnsupported, "snapshot: the layer exceeds 2³² features, vertices, bytes of ids or of surfaces; split it")
	}
	for c := range a.schema {
		if v := normal(f.Properties[c], a.schema[c].Type); !v.IsNull() {
			a.raw = appendValue(a.raw, v)
		}
		a.rawEnd = append(a.rawEnd, uint32(len(a.raw)))
	}

	flags := uint8(0)
	if f.Geometry.HasZ() {
		flags |= FlagHeights
	}
	a.geometry(&f.Geometry, flags&FlagHeights != 0)
	if f.Geometry.Type == spatial.GeometryCollection {
		m := &s.members
		m.bytes = appendMembers(m.bytes, f.Geometry.Members)
		m.end(s.N)
	}
	if len(f.Surfaces) > 0 {
		s.surfaces.bytes = append(s.surfaces.bytes, f.Surfaces...)
		s.surfaces.end(s.N)
	}
	s.Type = append(s.Type, uint8(f.Geometry.Type))
	s.Flags = append(s.Flags, flags)
	s.FeaturePath = append(s.FeaturePath, uint32(len(s.PathKinds)))
	s.IDBytes = append(s.IDBytes, f.ID...)
	s.IDOffset = append(s.IDOffset, uint32(len(s.IDBytes)))
	s.Number = append(s.Number, idNumber(f.ID))
	s.Revision = append(s.Revision, int64(f.Revision))
	s.N++
	return nil
}

func (a *appender) geometry(g *spatial.Geometry, heights bool) {
	s := &a.seg
	first := len(s.exact) / 2
	s.exact = append(s.exact, g.XY...)
	if heights && s.heights == nil {
		s.heights = make([]float64, first, max(len(s.exact)/2, 64))
	}
	if s.heights != nil {
		if g.Z != nil {
			s.heights = append(s.heights, g.Z...)
		} else {
			s.heights = append(s.heights, make([]float64, len(g.XY)/2)...)
		}
	}
	path := func(kind PathKind, end int) {
		s.PathKinds = append(s.PathKinds, kind)
		s.PathVertex = append(s.PathVertex, uint32(first+end))
	}
	switch g.Type {
	case spatial.Point, spatial.MultiPoint:
		if len(g.XY) > 0 {
			path(PathPoints, len(g.XY)/2)
		}
	case spatial.LineString, spatial.MultiLineString:
		for _, end := range g.Ends {
			path(PathLine, int(end))
		}
	case spatial.Polygon, spatial.MultiPolygon:
		for p := range g.NumPolygons() {
			lo, hi := g.PolygonPaths(p)
			for r := lo; r < hi; r++ {
				kind := PathHole
				if r == lo {
					kind = PathShell
				}
				path(kind, int(g.Ends[r]))
			}
		}
	case spatial.GeometryCollection:
		for i := range g.Members {
			a.geometry(&g.Members[i], heights)
		}
	}
}

// derive completes the features added since it was called last: it numbers their
// values and computes the columns that follow from the exact coordinates, Box,
// World and SimpleFrom. It may be called by another goroutine than add, when add
// has ended, and by one at a time of those that share a dictionary.
func (a *appender) derive() error {
	s := &a.seg
	begin := uint32(0)
	for k, end := range a.rawEnd {
		number := uint32(0)
		if begin < end {
			var err error
			if number, err = a.dict.number(a.raw[begin:end]); err != nil {
				return err
			}
		}
		c := k % len(s.Columns)
		s.Columns[c] = append(s.Columns[c], number)
		begin = end
	}
	a.raw, a.rawEnd = a.raw[:0], a.rawEnd[:0]
	s.ValueOffset, s.Values = a.dict.offset, a.dict.bytes
	for v := len(s.World) / 2; v < len(s.exact)/2; v++ {
		x, y := tile.WorldOf(s.exact[2*v], s.exact[2*v+1])
		s.World = append(s.World, x, y)
	}
	for i := len(s.Box); i < s.N; i++ {
		lo, hi := s.Vertices(i)
		box := EmptyBox
		if lo < hi {
			e := s.Envelope(i)
			a.extent = a.extent.Union(e)
			box = outward(e)
		}
		s.Box = append(s.Box, box)
		s.SimpleFrom = append(s.SimpleFrom, a.simpleFrom(i))
	}
	return nil
}

// simpleFrom tests the polygons of feature i.
func (a *appender) simpleFrom(i int) uint8 {
	s := &a.seg
	firstVertex, last := s.Vertices(i)
	a.ends, a.holes = a.ends[:0], a.holes[:0]
	polygons, others := false, false
	for p := int(s.FeaturePath[i]); p < int(s.FeaturePath[i+1]); p++ {
		k := s.PathKinds[p]
		if k == PathShell || k == PathHole {
			polygons = true
		} else {
			others = true
		}
		a.ends = append(a.ends, s.PathVertex[p+1]-uint32(firstVertex))
		a.holes = append(a.holes, k == PathHole)
	}
	switch {
	case !polygons:
		return 0
	case others: // a collection of several kinds
		return NeverSimple
	}
	return a.simple.SimpleFrom(s.World[2*firstVertex:2*last], a.ends, a.holes)
}

// segment is what was derived so far, sharing the columns.
func (a *appender) segment() *Segment {
	s := a.seg
	s.Columns = append([][]uint32(nil), s.Columns...)
	return &s
}

// outward is the envelope in degrees as a box in world units that encloses it
// and the rounded position of everything in it.
func outward(e spatial.Envelope) tile.WorldBox {
	minX, minY := tile.WorldFloat(e.MinX, e.MaxY)
	maxX, maxY := tile.WorldFloat(e.MaxX, e.MinY)
	return tile.WorldBox{MinX: clamp(math.Floor(minX)), MinY: clamp(math.Floor(minY)), MaxX: clamp(math.Ceil(maxX)), MaxY: clamp(math.Ceil(maxY))}
}

func clamp(v float64) uint32 {
	return uint32(max(0, min(v, math.MaxUint32)))
}

// idNumber is the id as a number when it is canonical decimal, not 0 and below 2⁵³, else 0.
func idNumber[T string | []byte](id T) uint64 {
	if len(id) == 0 || len(id) > 16 || id[0] == '0' {
		return 0
	}
	n := uint64(0)
	for i := range len(id) {
		c := id[i]
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + uint64(c-'0')
	}
	if n >= 1<<53 {
		return 0
	}
	return n
}
