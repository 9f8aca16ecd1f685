package tiles_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/pyramid"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/mvt"
)

// generalizing is a catalog with the pyramids of its layers.
type generalizing struct {
	*catalog
	pyramids *pyramid.Catalog
}

// revised is a view that knows its revision.
type revised struct {
	*view
	at layers.Revision
}

func (v revised) Revision() layers.Revision { return v.at }

func (c *generalizing) View(id layers.ID) (revised, error) {
	v, err := c.catalog.View(id)
	if err != nil {
		return revised{}, err
	}
	return revised{v, v.revision(tile.WorldBox{MaxX: 1<<32 - 1, MaxY: 1<<32 - 1})}, nil
}

// lamps is a catalog with one layer of 500 points in the tile here, of classes
// red and blue.
func lamps(t *testing.T) (*generalizing, *tiles.Service) {
	t.Helper()
	c := &generalizing{catalog: &catalog{layers: map[layers.ID]*layers.Layer{}, features: map[layers.ID][]*layers.Feature{}, touched: map[layers.ID]func(tile.WorldBox) layers.Revision{}, revision: 7}}
	c.layers["lamps"] = &layers.Layer{ID: "lamps", Kind: layers.KindPart, CRS: 4326, MinZoom: 8, MaxZoom: 16, ClassBy: "color",
		Schema: []layers.Property{{Name: "color", Type: layers.String}, {Name: "watts", Type: layers.Integer}}}
	r := rand.New(rand.NewPCG(1, 1))
	e := here.Envelope()
	for i := range 500 {
		c.features["lamps"] = append(c.features["lamps"], &layers.Feature{ID: fmt.Sprint(i + 1),
			Geometry:   spatial.NewPoint(e.MinX+r.Float64()*(e.MaxX-e.MinX), e.MinY+r.Float64()*(e.MaxY-e.MinY)),
			Properties: []layers.Value{layers.StringValue([]string{"red", "blue"}[i%2]), layers.IntValue(int64(i % 5))}})
	}
	var err error
	c.pyramids, err = pyramid.New(pyramid.Options{Views: pyramid.Views(c), Dir: t.TempDir()})
	require.NoError(t, err)
	s, err := tiles.New(tiles.Options{Views: tiles.From(c), Pyramids: c.pyramids, NewEncoder: mvt.New})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, c.pyramids.Close())
		require.Zero(t, c.held.Load(), "every view is released")
	})
	return c, s
}

// built waits until the levels are as new as the layer.
func (c *generalizing) built(t *testing.T) {
	t.Helper()
	c.pyramids.Changed("lamps")
	v, err := c.View("lamps")
	require.NoError(t, err)
	defer v.Release()
	at := tile.ID{Z: 13, X: here.X / 2, Y: here.Y / 2}
	require.Eventually(t, func() bool { _, ok := c.pyramids.Find(t.Context(), v, at, tiles.Box(at)); return ok }, 10*time.Second, time.Millisecond)
}

// values is a feature's properties by name.
func values(f *mvt.Feature) map[string]any {
	m := map[string]any{}
	for _, p := range f.Properties {
		m[p.Key] = p.Value
	}
	return m
}

// counted is the sum of the points that a tile's features stand for, in all and by class.
func counted(t *testing.T, got tiles.Tile) (all int64, by map[string]int64) {
	t.Helper()
	by = map[string]int64{}
	if got.Empty {
		return 0, by
	}
	for _, f := range decode(t, got).Layers[0].Features {
		properties := values(&f)
		n, ok := properties[pyramid.Count]
		if !ok {
			all++
			if class, ok := properties["color"].(string); ok {
				by[class]++
			}
			continue
		}
		require.NotContains(t, properties, "id")
		all += int64(n.(uint64))
		for name, v := range properties {
			if class, ok := strings.CutPrefix(name, pyramid.CountPrefix); ok {
				by[class] += int64(v.(uint64))
			}
		}
	}
	return all, by
}

// Below the ungeneralised zoom tiles show the pyramid; who sees or wants less than
// the whole layer gets cells of its own.
func TestGeneralizedTiles(t *testing.T) {
	c, s := lamps(t)
	c.built(t)
	low := tile.ID{Z: 11, X: here.X / 8, Y: here.Y / 8}
	ask := func(change func(*tiles.Request)) tiles.Tile {
		t.Helper()
		r := tiles.Request{Layers: []layers.ID{"lamps"}, Tile: low}
		change(&r)
		return get(t, s, r)
	}
	shared := ask(func(*tiles.Request) {})
	require.True(t, shared.Generalized)
	n, by := counted(t, shared)
	require.EqualValues(t, 500, n)
	require.Equal(t, map[string]int64{"red": 250, "blue": 250}, by)
	require.Less(t, len(decode(t, shared).Layers[0].Features), 60)

	red := layers.Comparison{Property: "color", Op: layers.Equal, Value: layers.StringValue("red")}
	n, by = counted(t, ask(func(r *tiles.Request) { r.Filter = red }))
	require.EqualValues(t, 250, n)
	require.Equal(t, map[string]int64{"red": 250}, by)

	// A policy on rows: nothing of what is hidden is counted.
	n, by = counted(t, ask(func(r *tiles.Request) { r.Policies = []layers.Policy{{Rows: red}} }))
	require.EqualValues(t, 250, n)
	require.Equal(t, map[string]int64{"red": 250}, by)

	// A hidden class is not counted by; another hidden property does not matter.
	hidden := ask(func(r *tiles.Request) { r.Policies = []layers.Policy{{Hidden: []string{"color"}}} })
	n, by = counted(t, hidden)
	require.EqualValues(t, 500, n)
	require.Empty(t, by)
	require.NotContains(t, string(plain(t, hidden)), "red")
	n, by = counted(t, ask(func(r *tiles.Request) { r.Policies = []layers.Policy{{Hidden: []string{"watts"}}} }))
	require.EqualValues(t, 500, n)
	require.Len(t, by, 2)

	// Chosen properties carry what says that a feature is derived.
	n, by = counted(t, ask(func(r *tiles.Request) { r.Properties = []string{"watts"} }))
	require.EqualValues(t, 500, n)
	require.Empty(t, by)
	for _, f := range decode(t, ask(func(r *tiles.Request) { r.Properties = []string{} })).Layers[0].Features {
		require.Empty(t, f.Properties)
	}
	// The grids in degrees show the same levels.
	e := here.Envelope()
	lon, lat := e.Center()
	degrees := tile.ID{Grid: tile.Geographic, Z: 10, X: uint32((lon + 180) / 360 * 1024), Y: uint32((90 - lat) / 360 * 1024)}
	got := ask(func(r *tiles.Request) { r.Tile = degrees })
	require.True(t, got.Generalized)
	n, _ = counted(t, got)
	require.EqualValues(t, 500, n)

	exact := ask(func(r *tiles.Request) { r.Exact = true })
	require.False(t, exact.Generalized)
	require.Len(t, decode(t, exact).Layers[0].Features, 500)

	seen := map[string]bool{}
	for _, tag := range []string{shared.ETag, hidden.ETag, exact.ETag} {
		require.False(t, seen[tag])
		seen[tag] = true
	}
}

// A change is in the tile as soon as its view is there, and changes no other tile.
func TestGeneralizedTileFollowsEdits(t *testing.T) {
	c, s := lamps(t)
	c.built(t)
	low := tile.ID{Z: 10, X: here.X / 16, Y: here.Y / 16}
	r := tiles.Request{Layers: []layers.ID{"lamps"}, Tile: low}
	before := get(t, s, r)
	r.IfNoneMatch = before.ETag
	require.True(t, get(t, s, r).NotModified)
	c.mu.Lock()
	c.revision = 8
	c.features["lamps"] = append(c.features["lamps"], &layers.Feature{ID: "new", Revision: 8, Geometry: spatial.NewPoint(here.Envelope().Center()), Properties: []layers.Value{layers.StringValue("red"), {}}})
	c.mu.Unlock()
	timer := time.AfterFunc(20*time.Millisecond, func() { c.pyramids.Changed("lamps") }) // the request waits for it
	defer timer.Stop()
	after := get(t, s, r)
	require.NotEqual(t, before.ETag, after.ETag)
	n, _ := counted(t, after)
	require.EqualValues(t, 501, n)
	// Everything was touched, and where nothing came out different nothing is new.
	c.mu.Lock()
	c.revision = 9
	c.mu.Unlock()
	c.pyramids.Changed("lamps")
	r.IfNoneMatch = after.ETag
	require.True(t, get(t, s, r).NotModified)
}

// Two tiles count a point on their common border alike, with a filter too.
func TestOwnCellsMeet(t *testing.T) {
	c, s := lamps(t)
	c.built(t)
	all := layers.Comparison{Property: "watts", Op: layers.GreaterEqual, Value: layers.IntValue(0)}
	total := int64(0)
	for dx := range uint32(2) {
		for dy := range uint32(2) {
			at := tile.ID{Z: 13, X: here.X/2 - here.X/2%2 + dx, Y: here.Y/2 - here.Y/2%2 + dy}
			own := get(t, s, tiles.Request{Layers: []layers.ID{"lamps"}, Tile: at, Filter: all})
			shared := get(t, s, tiles.Request{Layers: []layers.ID{"lamps"}, Tile: at})
			n, _ := counted(t, own)
			m, _ := counted(t, shared)
			require.Equal(t, m, n)
			total += n
		}
	}
	require.GreaterOrEqual(t, total, int64(500))
}
