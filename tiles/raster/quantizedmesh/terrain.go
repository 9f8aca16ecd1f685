package quantizedmesh

import (
	"context"
	"fmt"
	"math"
	"sync"

	"twind/layers"
	"twind/spatial"
	"twind/tiles"
	"twind/tiles/raster/dem"
)

// Heights is an elevation model: a *dem.DEM.
type Heights interface {
	// Grid reads heights in metres at a window of a lattice, NaN where there are none.
	Grid(ctx context.Context, step float64, l dem.Lattice, i0, j0 int64, w, h int, dst []float32) error
	Bounds() spatial.Envelope // degrees
	Spacing() float64         // degrees of latitude between heights
	Offset() float64          // metres from the ellipsoid up to the zero of the heights
	Revision() string         // changes with the heights
}

// Terrain serves the tiles of a model. It is safe for concurrent use.
type Terrain struct {
	ID, Title, Attribution string
	VerticalDatum          string // of the model's heights, "" unknown
	Heights                Heights
	Answers                *tiles.Answers
}

// ContentType is the media type of the tiles, NormalsType of those with normals.
const (
	ContentType = "application/vnd.quantized-mesh"
	NormalsType = "application/vnd.quantized-mesh;extensions=octvertexnormals"
)

// Range is a block of tiles, borders included, of one level.
type Range struct {
	StartX int64 `json:"startX"`
	StartY int64 `json:"startY"`
	EndX   int64 `json:"endX"`
	EndY   int64 `json:"endY"`
}

// LayerJSON describes the tiles as CesiumJS's CesiumTerrainProvider reads it.
type LayerJSON struct {
	TileJSON    string     `json:"tilejson"` // "2.1.0"
	Name        string     `json:"name"`
	Version     string     `json:"version"` // of the heights
	Format      string     `json:"format"`
	Scheme      string     `json:"scheme"`
	Projection  string     `json:"projection"`
	Tiles       []string   `json:"tiles"`
	Bounds      [4]float64 `json:"bounds"` // west, south, east, north, degrees
	MinZoom     uint8      `json:"minzoom"`
	MaxZoom     uint8      `json:"maxzoom"`
	Available   [][]Range  `json:"available"` // by level
	Extensions  []string   `json:"extensions"`
	Attribution string     `json:"attribution,omitempty"`
	// The tiles' heights are above the ellipsoid: those of the model, above the zero
	// of its vertical datum, plus the offset in metres.
	VerticalDatum   string  `json:"twind:verticalDatum,omitempty"`
	EllipsoidOffset float64 `json:"twind:ellipsoidOffset"`
}

// Layer describes the tiles, whose addresses are url with {z}, {x}, {y} and
// {version}.
func (t *Terrain) Layer(url string) *LayerJSON {
	b := t.Heights.Bounds()
	d := &LayerJSON{
		TileJSON: "2.1.0", Name: t.Title, Version: t.Heights.Revision(), Format: "quantized-mesh-1.0", Scheme: "tms", Projection: "EPSG:4326",
		Tiles: []string{url}, Bounds: [4]float64{b.MinX, b.MinY, b.MaxX, b.MaxY}, MaxZoom: t.maxLevel(),
		Extensions: []string{"octvertexnormals"}, Attribution: t.Attribution, VerticalDatum: t.VerticalDatum, EllipsoidOffset: t.Heights.Offset(),
	}
	for z := range d.MaxZoom + 1 {
		d.Available = append(d.Available, []Range{t.available(z)})
	}
	return d
}

// maxLevel is the first level whose lattice is as fine as the model.
func (t *Terrain) maxLevel() uint8 {
	spacing := t.Heights.Spacing()
	level := uint8(0)
	for level < MaxLevel && latticeOf(level).step > 1.05*spacing {
		level++
	}
	return level
}

// available are the tiles that the model touches; at level 0, where clients
// begin, all.
func (t *Terrain) available(z uint8) Range {
	if z == 0 {
		return Range{EndX: 1}
	}
	b, width := t.Heights.Bounds(), 180/float64(uint64(1)<<z)
	columns, lines := int64(2)<<z, int64(1)<<z
	index := func(v float64, n int64) int64 { return max(0, min(n-1, int64(math.Floor(v/width)))) }
	return Range{index(b.MinX+180, columns), index(b.MinY+90, lines), index(b.MaxX+180, columns), index(b.MaxY+90, lines)}
}

// Request names a tile and says how it is wanted.
type Request struct {
	Level, X, Y    int64 // rows count from the south
	Normals        bool  // with the extension octvertexnormals
	AcceptEncoding string
	IfNoneMatch    string
}

var mesherPool = sync.Pool{New: func() any { return &mesher{} }}

// Tile answers a request. It fails with layers.ErrNotFound for a tile that is not
// available, with layers.ErrUnavailable where the model cannot be read, and with
// ctx's error. The bytes must not be changed.
func (t *Terrain) Tile(ctx context.Context, r Request) (tiles.Answer, error) {
	missing := layers.Errorf(layers.ErrNotFound, "the terrain of %s has no tile %d/%d/%d; its layer.json lists what there is", t.ID, r.Level, r.X, r.Y)
	if r.Level < 0 || r.Level > int64(t.maxLevel()) {
		return tiles.Answer{}, missing
	}
	level := uint8(r.Level)
	if a := t.available(level); r.X < a.StartX || r.X > a.EndX || r.Y < a.StartY || r.Y > a.EndY {
		return tiles.Answer{}, missing
	}
	var key tiles.KeyWriter
	key.Text("quantized-mesh")
	key.Text(t.ID)
	key.Text(t.Heights.Revision())
	normals := uint64(0)
	if r.Normals {
		normals = 1
	}
	for _, n := range []uint64{uint64(level), uint64(r.X), uint64(r.Y), normals, math.Float64bits(t.Heights.Offset())} {
		key.Number(n)
	}
	return t.Answers.Get(ctx, tiles.Ask{
		Key: key.Key(), What: fmt.Sprintf("terrain %s %d/%d/%d", t.ID, level, r.X, r.Y),
		AcceptEncoding: r.AcceptEncoding, IfNoneMatch: r.IfNoneMatch,
		Render: func(dst []byte) ([]byte, error) {
			return t.render(context.WithoutCancel(ctx), level, r.X, r.Y, r.Normals, dst)
		},
	})
}

func (t *Terrain) render(ctx context.Context, level uint8, x, y int64, normals bool, dst []byte) ([]byte, error) {
	m := mesherPool.Get().(*mesher)
	defer mesherPool.Put(m)
	grid := latticeOf(level)
	if err := t.Heights.Grid(ctx, grid.step, grid, (x-1)*side, (y-1)*side, rows, rows, m.heights[:]); err != nil {
		return nil, err
	}
	for i, v := range m.heights {
		if v != v {
			m.heights[i] = 0
		}
	}
	m.triangulate(float32(Bound(level)))
	mesh := tileMesh{mesher: m, grid: grid, x0: x * side, y0: y * side, offset: t.Heights.Offset()}
	return mesh.append(dst, normals), nil
}
