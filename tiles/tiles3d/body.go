package tiles3d

import (
	"math"
	"sync"

	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/geodesic"
	"twind/spatial/tile"
)

// DetailError is the geometric error in metres of buildings drawn from their
// footprints where the faces of their bodies are known: what a roof differs from a
// flat one. Contents with the faces replace these from some 500 m on.
const DetailError = 8

// maxOverhang is how far a body may reach beyond its footprint in metres; one that
// reaches farther stands elsewhere.
const maxOverhang = 500

// body is the faces of a building, where they are known.
type body struct {
	faces   spatial.Geometry // degrees, metres of the layer's datum
	classes []byte           // layers.SurfaceClass of each; the segment's memory
	shift   float64          // from heights of the faces to metres above the ellipsoid, or the ground
	low     float64          // lowest and highest corner, above the ellipsoid or the ground
	high    float64
	pad     float64 // metres that it reaches beyond the box of its footprint
}

var bodies = sync.Pool{New: func() any { return new(body) }}

// body reads the faces of a building into b, whose memory it reuses; false where none
// are known or they cannot be drawn, as the fault says.
func (m *buildingModel) body(s *snapshot.Segment, i int, b *body) (Fault, bool) {
	encoded := s.Surfaces(i)
	if encoded == nil {
		return "", false
	}
	var err error
	if b.classes, err = encoded.Decode(&b.faces); err != nil || len(b.faces.Z) == 0 {
		return FaultBody, false
	}
	lowest, highest := math.Inf(1), math.Inf(-1)
	for _, z := range b.faces.Z {
		if !(math.Abs(z) < maxElevation) {
			return FaultBody, false
		}
		lowest, highest = min(lowest, z), max(highest, z)
	}
	b.pad = overhang(&b.faces, s.Box[i])
	if !(b.pad <= maxOverhang) || highest-lowest > maxHeight {
		return FaultBody, false
	}
	b.shift = m.offset
	if m.site.relative {
		b.shift = -m.floor(s, i, lowest)
	}
	b.low, b.high = lowest+b.shift, highest+b.shift
	return "", true
}

// floor is the ground at a building whose lowest corner has a height, in metres of the
// layer's datum: as recorded, else as the elevation model has it, else that corner.
func (m *buildingModel) floor(s *snapshot.Segment, i int, lowest float64) float64 {
	if g := numberOf(raw(s, m.columns.ground, i)); math.Abs(g) < maxElevation {
		return g
	}
	lon, lat := centre(s.Box[i])
	if g, ok := m.site.ground.Height(lon, lat); ok {
		return g
	}
	return lowest
}

// overhang is how far faces reach beyond a box in metres.
func overhang(g *spatial.Geometry, box tile.WorldBox) float64 {
	e := g.Envelope()
	west, north := tile.LonLat(float64(box.MinX), float64(box.MinY))
	east, south := tile.LonLat(float64(box.MaxX), float64(box.MaxY))
	const metres = math.Pi / 180 * geodesic.SemiMajor // of a degree, at most
	return max(0, west-e.MinX, e.MaxX-east, south-e.MinY, e.MaxY-north) * metres
}

// detail widens a measure by what the faces need beyond the footprint.
func (m *buildingModel) detail(s *snapshot.Segment, i int, e *measure) {
	b := bodies.Get().(*body)
	defer bodies.Put(b)
	if _, ok := m.body(s, i, b); !ok {
		return
	}
	e.detailed = true
	e.low, e.high = min(e.low, b.low), max(e.high, b.high)
	e.pad = max(e.pad, b.pad)
}
