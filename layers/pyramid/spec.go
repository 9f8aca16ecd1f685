package pyramid

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"twind/layers"
	"twind/spatial/tile"
)

// algorithm changes whenever the same features give other cells than before.
const algorithm = 1

// Further bounds.
const (
	maxClasses = 64        // counted one by one in clusters; the rest together
	maxShared  = 2_000_000 // vertices that borders are looked for among; beyond, all vertices stay
)

// limits bound one cell, whatever it is made of.
type limits struct {
	polygons int // drawn one by one; smaller ones are merged
	lines    int // after joining; the shortest of the lowest rank are left out
	vertices int // of polygons, and of lines; the tolerance is doubled until they fit
	squares  int // of merged polygons; they are doubled until they fit
	clusters int // the same
}

var usual = limits{polygons: 8000, lines: 6000, vertices: 120_000, squares: 16_384, clusters: 16_384}

const (
	gridSize    = 4096
	pixelUnits  = gridSize / 512 // grid units of a pixel
	snapUnits   = 2              // grid units that coordinates are rounded to
	mergePixels = 4              // side of the squares within which polygons are merged
)

// spec is a layer's generalisation with its properties found.
type spec struct {
	layer    *layers.Layer
	g        layers.Generalization
	shared   bool
	merge    int // property by which polygons are merged, −1
	class    int // property whose values clusters count, −1
	rank     int // property of the ranks, −1
	part     int // property that marks parts of buildings, which are not drawn, −1
	join     []int
	carry    []carried // properties that some zoom carries, by column
	minimum  float64   // square pixels
	cluster  uint64    // pixels
	min, max uint8     // zooms of the cells
	limits   limits
}

// carried is a property of the layer and the first zoom that carries it.
type carried struct {
	column int
	from   uint8
}

// newSpec reads a layer's declaration; ok is false when it has no generalised zooms.
func newSpec(l *layers.Layer) (s *spec, ok bool) {
	g := l.Generalized()
	if l.Live != nil || g.FullZoom <= l.MinZoom {
		return nil, false
	}
	s = &spec{
		layer: l, g: g, shared: *g.SharedEdges, merge: l.PropertyIndex(g.MergeBy), class: l.PropertyIndex(l.ClassBy), rank: l.PropertyIndex(g.RankBy), part: -1, limits: usual,
		minimum: g.MinimumArea, cluster: uint64(g.ClusterPixels), min: l.MinZoom, max: g.FullZoom - 1,
	}
	if l.Kind == layers.KindBuilding {
		s.part = l.PropertyIndex(partProperty)
	}
	for name, from := range g.Properties {
		if c := l.PropertyIndex(name); c >= 0 {
			s.carry = append(s.carry, carried{c, from})
		}
	}
	slices.SortFunc(s.carry, func(a, b carried) int { return a.column - b.column })
	for _, name := range []string{l.Label, l.ClassBy, g.RankBy} {
		if c := l.PropertyIndex(name); c >= 0 && !slices.Contains(s.join, c) {
			s.join = append(s.join, c)
		}
	}
	return s, true
}

// hash names everything that the cells follow from besides the features.
func (s *spec) hash() string {
	b, err := json.Marshal(struct {
		Algorithm int
		ID        layers.ID
		Kind      layers.Kind
		Schema    []layers.Property
		G         layers.Generalization
		Label     string
		ClassBy   string
		Min, Max  uint8
	}{algorithm, s.layer.ID, s.layer.Kind, s.layer.Schema, s.g, s.layer.Label, s.layer.ClassBy, s.min, s.max})
	if err != nil { // nothing in it refuses to be marshalled
		panic(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12])
}

// Uses lists the properties that the cells of a layer follow from, beyond carrying
// them: nobody from whom one is hidden may see the cells.
func Uses(l *layers.Layer) []string {
	g := l.Generalized()
	list := []string{l.Label, l.ClassBy, g.RankBy, g.MergeBy}
	if l.Kind == layers.KindBuilding {
		list = append(list, partProperty)
	}
	return list
}

// partProperty marks parts of buildings, which stand beside the outline that they
// are a part of.
const partProperty = "part"

// pixel is the width of a pixel of a zoom in world units.
func pixel(z uint8) float64 { return float64(uint64(1)<<(32-z)) / 512 }

// unit is the width of a grid unit of a zoom in world units; 1 where the grid is finer.
func unit(z uint8) uint64 {
	if z >= 20 {
		return 1
	}
	return 1 << (20 - z)
}

// from is the first zoom of a line by the value of its rank property.
func (s *spec) from(v layers.Value) uint8 {
	for i := range s.g.Ranks {
		r := &s.g.Ranks[i]
		switch {
		case len(r.Values) > 0:
			if !v.IsNull() && slices.Contains(r.Values, v.String()) {
				return r.From
			}
		case r.Least != nil:
			if n, ok := number(v); ok && n >= *r.Least {
				return r.From
			}
		default:
			return r.From
		}
	}
	return 0
}

func number(v layers.Value) (float64, bool) {
	switch v.Type() {
	case layers.Integer:
		return float64(v.Int()), true
	case layers.Number:
		return v.Float(), true
	}
	return 0, false
}

// square is the number of the square that a position lies in, of a grid whose
// lines every cell of the zoom shares.
type square struct{ x, y uint32 }

func squareAt(x, y uint32, side uint64) square {
	return square{uint32(uint64(x) / side), uint32(uint64(y) / side)}
}

// squareSide is the side in world units of squares so many pixels wide.
func squareSide(z uint8, pixels uint64) uint64 {
	return max(1, (uint64(1)<<(32-z))*pixels/512)
}

// children are the four cells of the zoom below that a cell is made of.
func children(id tile.ID) [4]tile.ID {
	z, x, y := id.Z+1, 2*id.X, 2*id.Y
	return [4]tile.ID{{Z: z, X: x, Y: y}, {Z: z, X: x + 1, Y: y}, {Z: z, X: x, Y: y + 1}, {Z: z, X: x + 1, Y: y + 1}}
}

func parent(id tile.ID) tile.ID { return tile.ID{Z: id.Z - 1, X: id.X / 2, Y: id.Y / 2} }
