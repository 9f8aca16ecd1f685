package dem

import (
	"context"
	"fmt"
	"math"
	"sync"

	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles"
)

// Product is what a tile shows of a model.
type Product uint8

const (
	// TerrainRGB codes heights in colours as Mapbox does: metres = −10000 +
	// (65536·red + 256·green + blue) / 10. Where there is no height it is 0.
	TerrainRGB Product = iota
	// Hillshade is the shaded relief in grey, transparent where there is no height.
	Hillshade
	// Relief is the shaded relief as shadows and lights over what lies below:
	// transparent on level ground.
	Relief
)

// Suffix is what a product's layer adds to the id of the model.
func (p Product) Suffix() string { return [...]string{"", "-hillshade", "-relief"}[p] }

// Layer is one product of a model as tiles of WebMercatorQuad, PNG of Size
// pixels a side. It is safe for concurrent use.
type Layer struct {
	DEM     *DEM
	Product Product
	Size    int // pixels of a tile's side, 256 or 512
	Answers *tiles.Answers
}

// ID is the layer's id.
func (l *Layer) ID() string { return l.DEM.o.ID + l.Product.Suffix() }

// Title is the model's, with what is shown of it.
func (l *Layer) Title() string {
	title := l.DEM.o.Title
	if title == "" {
		title = l.DEM.o.ID
	}
	return title + [...]string{"", ", hillshade", ", relief"}[l.Product]
}

// Attribution is the model's.
func (l *Layer) Attribution() string { return l.DEM.o.Attribution }

// Zooms are the zooms with tiles: the last is the first at which the model gives
// no more detail.
func (l *Layer) Zooms() (first, last uint8) {
	m := l.DEM.current.Load()
	coarsest := m.levels[len(m.levels)-1]
	spacing := min(m.cell, m.cellLon*m.cosine())
	if max(coarsest.w, coarsest.h) > chunkSide { // nothing smaller: a tile would read all of it
		for first < tile.MaxZoom && l.step(m, first) > 4*coarsest.sy*m.cell {
			first++
		}
	}
	for last < tile.MaxZoom-2 && l.step(m, last) > 1.05*spacing {
		last++
	}
	return min(first, last), last
}

// cosine is that of the latitude of the model's middle.
func (m *model) cosine() float64 {
	_, lat := m.bounds.Center()
	return math.Cos(max(-tile.MaxLatitude, min(tile.MaxLatitude, lat)) * math.Pi / 180)
}

// step is the height of a pixel in degrees at the model's middle.
func (l *Layer) step(m *model, z uint8) float64 {
	return 360 / float64(l.Size) / float64(uint64(1)<<z) * m.cosine()
}

// Tile is a tile as PNG; the bytes must not be changed. It fails with
// layers.ErrNotFound where the model has no heights or the zoom has no tiles, with
// layers.ErrUnavailable where the file cannot be read, and with ctx's error.
func (l *Layer) Tile(ctx context.Context, id tile.ID, ifNoneMatch string) (tiles.Answer, error) {
	l.DEM.refresh()
	m := l.DEM.current.Load()
	first, last := l.Zooms()
	if id.Z < first || id.Z > last || id.Grid != tile.Mercator || !id.Envelope().Intersects(m.bounds) {
		return tiles.Answer{}, l.none(id)
	}
	var key tiles.KeyWriter
	key.Text("dem")
	key.Text(l.DEM.path)
	key.Text(m.revision)
	for _, n := range []uint64{uint64(l.Product), uint64(l.Size), uint64(id.Z), uint64(id.X), uint64(id.Y)} {
		key.Number(n)
	}
	a, err := l.Answers.Get(ctx, tiles.Ask{
		Key: key.Key(), What: fmt.Sprintf("%s %v", l.ID(), id), IfNoneMatch: ifNoneMatch,
		Render: func(dst []byte) ([]byte, error) {
			b, err := l.render(context.WithoutCancel(ctx), m, id, dst)
			return b, l.DEM.readable(err)
		},
	})
	if err == nil && a.Empty {
		return a, l.none(id)
	}
	return a, err
}

func (l *Layer) none(id tile.ID) error {
	return layers.Errorf(layers.ErrNotFound, "%s has no tile %v", l.ID(), id)
}

// mercator is the lattice of the middles of pixels of a zoom; rows go south.
type mercator struct{ n float64 } // pixels of the world's side

func (p mercator) Lon(i int64) float64 { return (float64(i)+0.5)/p.n*360 - 180 }

func (p mercator) Lat(j int64) float64 {
	return math.Atan(math.Sinh(math.Pi*(1-2*(float64(j)+0.5)/p.n))) * 180 / math.Pi
}

// scratch is the memory of one rendering.
type scratch struct {
	heights       []float32
	greys, pixels []byte
}

var scratchPool = sync.Pool{New: func() any { return &scratch{} }}

func (s *scratch) grow(heights, pixels int) {
	if cap(s.heights) < heights {
		s.heights = make([]float32, heights)
	}
	if cap(s.pixels) < 3*pixels {
		s.pixels, s.greys = make([]byte, 3*pixels), make([]byte, pixels)
	}
}

// render appends a tile, nothing where there is no height.
func (l *Layer) render(ctx context.Context, m *model, id tile.ID, dst []byte) ([]byte, error) {
	size, border := l.Size, 0
	if l.Product != TerrainRGB {
		border = 1
	}
	w := size + 2*border
	s := scratchPool.Get().(*scratch)
	defer scratchPool.Put(s)
	s.grow((size+2)*(size+2), size*size)
	heights := s.heights[:w*w]
	lattice := mercator{float64(size) * float64(uint64(1)<<id.Z)}
	i0, j0 := int64(id.X)*int64(size)-int64(border), int64(id.Y)*int64(size)-int64(border)
	if err := m.window(ctx, m.level(l.step(m, id.Z)), lattice, i0, j0, w, w, heights); err != nil {
		return nil, err
	}
	if empty(heights) {
		return nil, nil
	}
	if l.Product == TerrainRGB {
		pixels := s.pixels[:3*size*size]
		terrainRGB(pixels, heights)
		return appendPNG(dst, pixels, size, size, 3), nil
	}
	greys, pixels := s.greys[:size*size], s.pixels[:2*size*size]
	horn(heights, w, w, func(row int) float64 { return lattice.metres(j0 + 1 + int64(row)) }, greys)
	if l.Product == Hillshade {
		greyAlpha(pixels, greys)
	} else {
		overlay(pixels, greys)
	}
	return appendPNG(dst, pixels, size, size, 2), nil
}

// metres is the size of the pixels of a row on the ground.
func (p mercator) metres(j int64) float64 {
	const equator = 2 * math.Pi * 6378137
	return equator / p.n / math.Cosh(math.Pi*(1-2*(float64(j)+0.5)/p.n))
}

func empty(heights []float32) bool {
	for _, v := range heights {
		if v == v {
			return false
		}
	}
	return true
}

func terrainRGB(dst []byte, heights []float32) {
	for i, v := range heights {
		if v != v {
			v = 0
		}
		n := max(0, min(1<<24-1, int(math.Round((float64(v)+10000)*10))))
		dst[3*i], dst[3*i+1], dst[3*i+2] = byte(n>>16), byte(n>>8), byte(n)
	}
}
