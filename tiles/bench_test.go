package tiles_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/mvt"
)

// still is a catalog whose views do not change.
type still struct{ v *view }

func (s still) View(layers.ID) (*view, error) {
	s.v.held.Add(1)
	return s.v, nil
}

// BenchmarkTile measures an answer from the cache, one that says "not modified",
// and a rendering of twenty features with its first compression.
func BenchmarkTile(b *testing.B) {
	v, err := newCatalog().View("buildings")
	require.NoError(b, err)
	revision := layers.Revision(1)
	v.revision = func(tile.WorldBox) layers.Revision { return revision }
	s, err := tiles.New(tiles.Options{Views: tiles.From(still{v}), NewEncoder: mvt.New})
	require.NoError(b, err)
	defer func() { require.NoError(b, s.Close()) }()
	r := tiles.Request{Layers: []layers.ID{"buildings"}, Tile: here, AcceptEncoding: "gzip, deflate, br"}
	ask := func(b *testing.B) tiles.Tile {
		got, err := s.Tile(b.Context(), r)
		if err != nil {
			b.Fatal(err)
		}
		return got
	}
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ask(b)
		}
	})
	b.Run("not modified", func(b *testing.B) {
		r.IfNoneMatch = ask(b).ETag
		b.ReportAllocs()
		for b.Loop() {
			if !ask(b).NotModified {
				b.Fatal("modified")
			}
		}
		r.IfNoneMatch = ""
	})
	b.Run("rendered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			revision++
			ask(b)
		}
	})
}
