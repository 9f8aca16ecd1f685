//go:build proof

package demo

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/layers/geopackage"
	"twind/spatial"
)

// TestWholeDemoCity loads everything into a GeoPackage and counts it.
func TestWholeDemoCity(t *testing.T) {
	ctx := t.Context()
	store, err := geopackage.Open(ctx, filepath.Join(t.TempDir(), "demo.gpkg"), geopackage.Options{Create: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	begin, last := time.Now(), time.Now()
	require.NoError(t, Load(ctx, store, func(l layers.ID, done, total int64) {
		if done > 0 && done == total {
			t.Logf("%s: %d in %v", l, done, time.Since(last).Round(time.Millisecond))
			last = time.Now()
		}
	}))
	t.Logf("the demo city was loaded in %v", time.Since(begin).Round(time.Millisecond))
	head, err := store.Head(ctx)
	require.NoError(t, err)
	begin = time.Now()
	require.NoError(t, Load(ctx, store, nil))
	t.Logf("and found complete in %v", time.Since(begin).Round(time.Millisecond))
	again, err := store.Head(ctx)
	require.NoError(t, err)
	require.Equal(t, head, again)

	box := map[string]spatial.Envelope{
		"new-york": {MinX: -74.3, MinY: 40.4, MaxX: -73.6, MaxY: 41}, "kamloops": {MinX: -120.4, MinY: 50.6, MaxX: -120.3, MaxY: 50.7},
		"nanaimo": {MinX: -124.2, MinY: 49, MaxX: -123.8, MaxY: 49.3}, "district": {MinX: 112.96, MinY: 28.18, MaxX: 113, MaxY: 28.22},
	}
	counts := map[layers.ID]int64{
		"buildings": 52674 + 1463, "streets": 53340, "subway": 742, "stations": 473, "precincts": 77,
		"storm": 1064, "sanitary": 623, "manholes": 738, "catchbasins": 583, "water": 17755,
	}
	for _, g := range Groups {
		for _, id := range g.Layers {
			l, err := store.Layer(ctx, id)
			require.NoError(t, err)
			stats, err := store.Stats(ctx, id)
			require.NoError(t, err)
			if l.Live != nil {
				require.Zero(t, stats.Count)
				continue
			}
			if want, ok := counts[id]; ok {
				require.Equal(t, want, stats.Count, id)
			}
			require.Positive(t, stats.Count, id)
			if id != "buildings" { // they are in two cities
				require.True(t, box[g.ID].Contains(stats.Extent), "%s reaches %v", id, stats.Extent)
			}
		}
	}
}

// TestBuildingsAndTheirParts reads all buildings: parts name outlines that are
// there and say so, heights are plausible, ids are decimal but for relations.
func TestBuildingsAndTheirParts(t *testing.T) {
	l := layer("buildings")
	src, err := geoJSON(l, files[l.ID])
	require.NoError(t, err)
	at := func(f *layers.Feature, name string) layers.Value { return f.Properties[l.PropertyIndex(name)] }
	all := make(map[string]*layers.Feature)
	for f, err := range src.features {
		require.NoError(t, err)
		require.NoError(t, layers.CheckFeature(l, f))
		require.Nil(t, all[f.ID], "building %s twice", f.ID)
		require.Regexp(t, `^r?[1-9]\d*$`, f.ID)
		all[f.ID] = f
	}
	withParts := make(map[string]bool)
	outlines, withHeight, parts, kamloops := 0, 0, 0, 0
	for id, f := range all {
		height, base := at(f, "height"), at(f, "base")
		if !height.IsNull() {
			require.True(t, height.Float() > 0 && height.Float() < 550, "%s is %v m high", id, height)
			require.Less(t, base.Float(), height.Float(), id)
		}
		if at(f, "city").Text() == "Kamloops" {
			kamloops++
			require.False(t, height.IsNull(), id)
			continue
		}
		if !at(f, "part").Bool() {
			outlines++
			if !height.IsNull() {
				withHeight++
			}
			require.True(t, at(f, "root").IsNull(), id)
			continue
		}
		parts++
		if root := at(f, "root"); !root.IsNull() {
			require.NotNil(t, all[root.Text()], "part %s of %s", id, root.Text())
			require.False(t, at(all[root.Text()], "part").Bool())
			require.True(t, at(all[root.Text()], "has_parts").Bool(), "%s has parts", root.Text())
			withParts[root.Text()] = true
		}
	}
	require.Equal(t, []int{41743, 40534, 10931, 1463}, []int{outlines, withHeight, parts, kamloops})
	for id, f := range all {
		require.Equal(t, withParts[id], at(f, "has_parts").Bool(), id)
	}
	mark := all[Landmark().ID]
	require.NotNil(t, mark)
	require.Equal(t, Landmark().Name, at(mark, "name").Text())
	require.False(t, withParts[mark.ID])
	require.False(t, at(mark, "height").IsNull())
}
