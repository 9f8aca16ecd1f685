package tiles_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
)

func TestFullZoom(t *testing.T) {
	for _, tc := range []struct{ low, high, want uint8 }{{0, 16, 14}, {0, 12, 12}, {15, 16, 15}, {10, 14, 14}} {
		require.Equal(t, tc.want, tiles.FullZoom(&layers.Layer{MinZoom: tc.low, MaxZoom: tc.high}))
	}
}

// Below the full zoom, what is smaller than a pixel is left out and the answer
// says so; Exact leaves nothing out.
func TestBelowFullZoom(t *testing.T) {
	c := newCatalog()
	f := func(id string, g spatial.Geometry) *layers.Feature {
		return &layers.Feature{ID: id, Geometry: g, Properties: make([]layers.Value, 2)}
	}
	corner := here.Envelope()
	c.features["buildings"] = []*layers.Feature{
		f("1", square(0, 0, 40)),     // 10 units at zoom 12: more than a pixel of 8
		f("2", square(100, 100, 20)), // 5 units: less
		f("3", spatial.NewLineString([]float64{corner.MinX, corner.MaxY, corner.MaxX, corner.MinY})),
		f("4", spatial.NewPoint(corner.Center())),
	}
	s, _ := service(t, c)
	r := tiles.Request{Tile: tile.ID{Z: 12, X: here.X / 4, Y: here.Y / 4}}
	got := get(t, s, r)
	require.True(t, got.Generalized)
	require.Equal(t, 1, got.Dropped)
	d := decode(t, got)
	require.Len(t, d.Layers[0].Features, 3)
	for _, f := range d.Layers[0].Features {
		for _, part := range f.Parts {
			for _, p := range part {
				require.Zero(t, p.X%2)
				require.Zero(t, p.Y%2)
			}
		}
	}
	r.Exact = true
	got = get(t, s, r)
	require.False(t, got.Generalized)
	require.Zero(t, got.Dropped)
	require.Len(t, decode(t, got).Layers[0].Features, 4)
	r = tiles.Request{Tile: here}
	require.False(t, get(t, s, r).Generalized)
}

// A tile that would be too large loses its smallest features, in every form the
// same, and says how many.
func TestTileIsBounded(t *testing.T) {
	c := newCatalog()
	rng := rand.New(rand.NewPCG(1, 2))
	c.features["buildings"] = nil
	for i := range 400 {
		name := make([]byte, 40)
		for k := range name {
			name[k] = byte('!' + rng.IntN(90))
		}
		size := 5.0
		if i%4 == 0 {
			size = 30
		}
		c.features["buildings"] = append(c.features["buildings"], &layers.Feature{ID: fmt.Sprint(i + 1), Geometry: square(rng.Float64()*4000, rng.Float64()*4000, size),
			Properties: []layers.Value{layers.StringValue(string(name)), {}}})
	}
	const limit = 8000
	for _, first := range []string{"gzip", "zstd", ""} {
		s, _ := service(t, c, func(o *tiles.Options) { o.MaxTileBytes = limit })
		got := get(t, s, tiles.Request{AcceptEncoding: first})
		require.True(t, got.Generalized)
		d := decode(t, got)
		kept := d.Layers[0].Features
		require.Equal(t, 400, len(kept)+got.Dropped)
		require.Greater(t, len(kept), 90)
		large := 0
		for _, f := range kept {
			if p := f.Parts[0]; p[1].X-p[0].X > 10 {
				large++
			}
		}
		require.GreaterOrEqual(t, large, 98, "the large ones stay (two may lie over an edge)")
		zipped := get(t, s, tiles.Request{AcceptEncoding: "gzip"})
		require.LessOrEqual(t, len(zipped.Bytes), limit)
		require.Equal(t, d, decode(t, zipped))
	}
}

// Points have no size: chance thins them out, the same ones at each rendering.
func TestPointsAreThinned(t *testing.T) {
	c := newCatalog()
	rng := rand.New(rand.NewPCG(3, 4))
	e := here.Envelope()
	c.features["buildings"] = nil
	for i := range 2000 {
		c.features["buildings"] = append(c.features["buildings"], &layers.Feature{ID: fmt.Sprint("p", i),
			Geometry:   spatial.NewPoint(e.MinX+rng.Float64()*(e.MaxX-e.MinX), e.MinY+rng.Float64()*(e.MaxY-e.MinY)),
			Properties: []layers.Value{layers.StringValue(strings.Repeat("n", i%7)), {}}})
	}
	var last tiles.Tile
	for i := range 2 {
		s, _ := service(t, c, func(o *tiles.Options) { o.MaxTileBytes = 5000 })
		got := get(t, s, tiles.Request{AcceptEncoding: "gzip"})
		n := len(decode(t, got).Layers[0].Features)
		require.Equal(t, 2000, n+got.Dropped)
		require.Greater(t, n, 300)
		if i == 1 {
			require.Equal(t, plain(t, last), plain(t, got))
		}
		last = got
	}
}

// A single feature larger than the bound is drawn nevertheless.
func TestOneLargeFeatureStays(t *testing.T) {
	c := newCatalog()
	s, _ := service(t, c, func(o *tiles.Options) { o.MaxTileBytes = 10 })
	got := get(t, s, tiles.Request{Layers: []layers.ID{"parks"}})
	require.Len(t, decode(t, got).Layers[0].Features, 1)
}

func TestExactIsBoundedByCount(t *testing.T) {
	c := newCatalog()
	c.features["buildings"] = nil
	for i := range tiles.MaxExact + 1 {
		c.features["buildings"] = append(c.features["buildings"], &layers.Feature{ID: fmt.Sprint(i + 1), Geometry: spatial.NewPoint(here.Envelope().Center()), Properties: make([]layers.Value, 2)})
	}
	s, _ := service(t, c)
	_, err := s.Tile(t.Context(), tiles.Request{Layers: []layers.ID{"buildings"}, Tile: here, Exact: true})
	require.ErrorIs(t, err, layers.ErrInvalid)
	require.ErrorContains(t, err, "50001")
}
